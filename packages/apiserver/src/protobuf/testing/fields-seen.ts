import type { Message } from "../message.ts";
import type { WireReader } from "../wire.ts";

/** Each field that stands in a valid message, as `Message.number`, down to the leaves. */
export function fieldsSeen(reader: WireReader, message: Message, seen = new Set<string>()): Set<string> {
  while (!reader.done) {
    const { number, wireType } = reader.tag();
    seen.add(`${message.name}.${number}`);
    const field = message.fields[number];
    if (field === undefined || typeof field.type === "string") {
      reader.skip(wireType);
    } else if ("repeated" in field && field.repeated === "map") {
      const entry = reader.message();
      while (!entry.done) {
        const part = entry.tag();
        if (part.number === 2) fieldsSeen(entry.message(), field.type, seen);
        else entry.skip(part.wireType);
      }
    } else {
      fieldsSeen(reader.message(), field.type, seen);
    }
  }
  return seen;
}

/** Each field that a message can hold, down to the leaves, as `Message.number`. */
export function fieldsKnown(message: Message, known = new Set<string>(), visited = new Set<Message>()): Set<string> {
  if (visited.has(message)) return known;
  visited.add(message);
  for (const [number, field] of Object.entries(message.fields)) {
    known.add(`${message.name}.${number}`);
    if (typeof field.type !== "string") fieldsKnown(field.type, known, visited);
  }
  return known;
}

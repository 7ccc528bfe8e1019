import { expect, test } from "vitest";
import { PlatformError } from "@threeport/resource";
import { createClient } from "../create-client.ts";
import { bookmark, configMap, eventLine } from "../testing/config-map.ts";
import { failure, json, scriptedServer } from "../testing/scripted-server.ts";

/** All events of a watch on a server that sends `text`, and the error that ended it. */
async function watched(text: string): Promise<{ events: string[]; error: unknown; query: string }> {
  await using server = await scriptedServer((_, answer) => void answer.writeHead(200, { "content-type": "application/json" }).end(text));
  await using client = createClient({ server: server.url });
  const events: string[] = [];
  let error: unknown;
  try {
    for await (const { type, object } of client.watch("/api/v1/configmaps", { resourceVersion: "5", allowWatchBookmarks: true, timeoutSeconds: 300 }))
      events.push(`${type} ${object.metadata.resourceVersion}`);
  } catch (thrown) {
    error = thrown;
  }
  return { events, error, query: String(server.seen[0]?.query) };
}

test("events come in order and the watch ends when the server ends it", async () => {
  const { events, error, query } = await watched(
    eventLine("ADDED", configMap("a", 6)) + eventLine("MODIFIED", configMap("a", 7)) + bookmark(9) + eventLine("DELETED", configMap("a", 10)),
  );
  expect(events).toEqual(["ADDED 6", "MODIFIED 7", "BOOKMARK 9", "DELETED 10"]);
  expect(error).toBeUndefined();
  expect(query).toBe("watch=true&resourceVersion=5&allowWatchBookmarks=true&timeoutSeconds=300");
});

test.each([
  {
    name: "half a line",
    text: eventLine("ADDED", configMap("b", 7)).slice(0, -20),
    code: "TP_RUNTIME_UNREACHABLE",
    because: "the connection was cut; the event is not known",
  },
  {
    name: "a whole event without its line end",
    text: eventLine("ADDED", configMap("b", 7)).trimEnd(),
    code: "TP_RUNTIME_UNREACHABLE",
    because: "a number may be cut in two and still be JSON",
  },
  {
    name: "a 410 in the stream",
    text: eventLine("ERROR", failure(410, "Expired", "too old resource version: 5 (9)")),
    code: "TP_EXPIRED",
    because: "the reader must list again",
  },
  {
    name: "another error in the stream",
    text: eventLine("ERROR", failure(500, "InternalError", "storage is gone")),
    code: "TP_INTERNAL",
    because: "the server says so",
  },
  { name: "a line that is no JSON", text: "<html>\n", code: "TP_RUNTIME_ANSWER_INVALID", because: "a proxy answered" },
  { name: "an event of a type that does not exist", text: eventLine("SYNC", {}), code: "TP_RUNTIME_ANSWER_INVALID", because: "guessing loses changes" },
  { name: "an event without an object", text: '{"type":"ADDED"}\n', code: "TP_RUNTIME_ANSWER_INVALID", because: "there is nothing to deliver" },
  { name: "JSON that is no object", text: "null\n", code: "TP_RUNTIME_ANSWER_INVALID", because: "there is nothing to deliver" },
])("$name after an event ends the watch: $because", async ({ text, code }) => {
  const { events, error } = await watched(eventLine("ADDED", configMap("a", 6)) + text);
  expect(events).toEqual(["ADDED 6"]);
  expect(error).toBeInstanceOf(PlatformError);
  expect((error as PlatformError).code).toBe(code);
});

test("a line that never ends is not collected for ever", async () => {
  await using server = await scriptedServer((_, answer) => {
    answer.writeHead(200);
    const piece = Buffer.alloc(1024 * 1024, "x");
    const more = () => {
      while (!answer.destroyed && answer.write(piece));
      answer.once("drain", more);
    };
    more();
  });
  await using client = createClient({ server: server.url });
  await expect(Array.fromAsync(client.watch("/api/v1/configmaps"))).rejects.toThrow("longer than 16777216 bytes");
});

test("a refusal is thrown at the first step", async () => {
  await using server = await scriptedServer((_, answer) => json(answer, 410, failure(410, "Expired", "too old resource version")));
  await using client = createClient({ server: server.url });
  await expect(Array.fromAsync(client.watch("/api/v1/configmaps", { resourceVersion: "1" }))).rejects.toMatchObject({ code: "TP_EXPIRED" });
});

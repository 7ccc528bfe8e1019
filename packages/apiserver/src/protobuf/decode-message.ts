import { PlatformError, formatPath, setOwn, type JsonObject, type PathSegment } from "@threeport/resource";
import { applyForm } from "./forms.ts";
import type { Field, Message, MessageField, RepeatedField, Scalar, ScalarField } from "./message.ts";
import { WireReader, WireType } from "./wire.ts";

/** Deepest nesting of messages. Only schemas of custom resources nest freely; real ones stay below 40. */
const depthMax = 200;
/**
 * Most messages, list items and map entries of one body. An empty one is two bytes on the wire and a hundred in memory, so
 * the body's own limit alone would let 3 MiB become hundreds, and hold up everybody else for a second.
 */
const valuesMax = 2 ** 18;
/** Most unknown fields of one body that are told: naming millions would take longer than reading them. */
const unknownFieldsMax = 100;

export interface DecodeOptions {
  /** The message's place in the bytes; all of them unless said. Errors name bytes counted from the beginning. */
  readonly start?: number;
  readonly end?: number;
  /** Hears of fields that the descriptors do not know, by their paths: `spec.#9` is field number 9 of spec. Of the first 100. */
  readonly unknownField?: (path: string) => void;
}

interface Decoding {
  readonly options: DecodeOptions;
  /** Where we are, for error messages. */
  readonly path: PathSegment[];
  depthLeft: number;
  valuesLeft: number;
  unknownFieldsLeft: number;
}

/**
 * The bytes of one message as the value that JSON would have held. As protobuf says: of a single field that stands twice
 * the last one counts, and messages that stand twice are merged.
 * @throws PlatformError TP_BAD_REQUEST, or TP_TOO_LARGE for more than 2^18 messages, list items and map entries
 */
export function decodeMessage(bytes: Uint8Array, message: Message, options: DecodeOptions = {}): unknown {
  return readMessage(
    { options, path: [], depthLeft: depthMax, valuesLeft: valuesMax, unknownFieldsLeft: unknownFieldsMax },
    new WireReader(bytes, options.start, options.end),
    message,
  );
}

function readMessage(decoding: Decoding, reader: WireReader, message: Message, into: JsonObject = {}): unknown {
  countValue(decoding);
  if (decoding.depthLeft-- <= 0) throw refused(decoding, `is nested deeper than ${depthMax} levels`);
  while (!reader.done) {
    const { number, wireType } = reader.tag();
    const field = message.fields[number];
    if (field === undefined) {
      reader.skip(wireType);
      tellUnknown(decoding, [`#${number}`]);
      continue;
    }
    decoding.path.push(field.name);
    if (wireType !== wireTypeFor(field.type))
      throw refused(decoding, `has wire type ${wireType}, but is a ${typeof field.type === "string" ? field.type : field.type.name}`);
    if ("repeated" in field) readItem(decoding, reader, field, into);
    else readSingle(decoding, reader, field, into);
    decoding.path.pop();
  }
  decoding.depthLeft++;
  fillAbsent(message, into);
  return message.form === undefined ? into : formed(decoding, message, into);
}

function readSingle(decoding: Decoding, reader: WireReader, field: ScalarField | MessageField, into: JsonObject): void {
  const value =
    typeof field.type === "string"
      ? readScalar(decoding, reader, field.type)
      : readMessage(decoding, reader.message(), field.type, earlier(field.type, into[field.name]));
  const isZero = value === null || value === "" || value === 0 || value === false;
  if (isZero && (field.presence ?? "omitEmpty") === "omitEmpty") delete into[field.name];
  else into[field.name] = value;
}

/** What a second message of the same field is merged into. Forms are values: the last one replaces. */
function earlier(message: Message, value: unknown): JsonObject {
  return message.form === undefined && value !== undefined ? (value as JsonObject) : {};
}

function readItem(decoding: Decoding, reader: WireReader, field: RepeatedField, into: JsonObject): void {
  countValue(decoding);
  if (field.repeated === "map") return readEntry(decoding, reader.message(), field, (into[field.name] ??= {}) as JsonObject);
  const list = (into[field.name] ??= []) as unknown[];
  decoding.path.push(list.length);
  list.push(readValue(decoding, reader, field.type));
  decoding.path.pop();
}

const entryKey = 1;
const entryValue = 2;

/** A map entry is a message of its own: the key is field 1, the value field 2, and either may be missing when it is zero. */
function readEntry(decoding: Decoding, reader: WireReader, field: RepeatedField, into: JsonObject): void {
  let key = "";
  let value = zeroOf(field.type);
  while (!reader.done) {
    const { number, wireType } = reader.tag();
    const type = number === entryKey ? "string" : number === entryValue ? field.type : undefined;
    if (type === undefined) {
      reader.skip(wireType);
      tellUnknown(decoding, [key, `#${number}`]);
      continue;
    }
    decoding.path.push(key);
    if (wireType !== wireTypeFor(type)) throw refused(decoding, `has an entry whose ${number === entryKey ? "key" : "value"} has wire type ${wireType}`);
    if (number === entryKey) key = reader.string();
    else value = readValue(decoding, reader, field.type);
    decoding.path.pop();
  }
  setOwn(into, key, value);
}

function countValue(decoding: Decoding): void {
  if (decoding.valuesLeft-- > 0) return;
  throw new PlatformError("TP_TOO_LARGE", {
    message: `The body has more than ${valuesMax} messages, list items and map entries; send less.`,
    detail: { valuesMax },
  });
}

function tellUnknown(decoding: Decoding, path: readonly PathSegment[]): void {
  if (decoding.options.unknownField === undefined || decoding.unknownFieldsLeft-- <= 0) return;
  decoding.options.unknownField(formatPath([...decoding.path, ...path]));
}

function readValue(decoding: Decoding, reader: WireReader, type: Scalar | Message): unknown {
  return typeof type === "string" ? readScalar(decoding, reader, type) : readMessage(decoding, reader.message(), type);
}

function readScalar(decoding: Decoding, reader: WireReader, type: Scalar): unknown {
  switch (type) {
    case "string":
      return reader.string();
    case "bytes":
      return base64(reader.bytes());
    case "raw":
      return reader.bytes();
    case "bool":
      return Number(reader.varint()) !== 0;
    case "int32":
    case "int64":
      return readInteger(decoding, reader, type);
    case "double": {
      const value = reader.double();
      if (!Number.isFinite(value)) throw refused(decoding, "is a number that JSON cannot hold");
      return value;
    }
  }
}

function readInteger(decoding: Decoding, reader: WireReader, type: "int32" | "int64"): number {
  const sent = reader.varint();
  const value = Number(typeof sent === "bigint" ? BigInt.asIntN(64, sent) : sent);
  if (type === "int32" && value !== (value | 0)) throw refused(decoding, "is a number that does not fit into 32 bits");
  if (!Number.isSafeInteger(value)) throw refused(decoding, "is an integer beyond ±2^53, which would lose digits");
  return value;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

function wireTypeFor(type: Scalar | Message): WireType {
  if (type === "bool" || type === "int32" || type === "int64") return WireType.Varint;
  return type === "double" ? WireType.Fixed64 : WireType.Bytes;
}

/** Fields that Go writes into JSON though nobody sent them. */
function fillAbsent(message: Message, into: JsonObject): void {
  for (const field of Object.values(message.fields) as Field[]) {
    if (into[field.name] !== undefined) continue;
    if (field.presence === "nullable") into[field.name] = null;
    else if (field.presence === "always") into[field.name] = zeroOf(field.type);
  }
}

/** What a field shows of which nothing was sent. */
function zeroOf(type: Scalar | Message): unknown {
  switch (type) {
    case "string":
    case "bytes":
    case "raw":
      return "";
    case "bool":
      return false;
    case "int32":
    case "int64":
    case "double":
      return 0;
    default: {
      const empty: JsonObject = {};
      fillAbsent(type, empty);
      return type.form === undefined ? empty : applyForm(type.form, empty);
    }
  }
}

function formed(decoding: Decoding, message: Message, fields: JsonObject): unknown {
  if (message.form === undefined) return fields;
  try {
    return applyForm(message.form, fields);
  } catch (thrown) {
    if (!(thrown instanceof PlatformError)) throw thrown;
    throw refused(decoding, `cannot be read: ${thrown.message.replace(/\.$/, "")}`, thrown);
  }
}

function refused(decoding: Decoding, what: string, cause?: PlatformError): PlatformError {
  const field = formatPath(decoding.path);
  const message = `${field === "" ? "The body" : field} ${what}.`;
  return new PlatformError(cause?.code ?? "TP_BAD_REQUEST", {
    message,
    causes: [{ ...(field === "" ? {} : { field }), reason: "FieldValueInvalid", message }],
    ...(cause === undefined ? {} : { cause }),
  });
}

import type { Field, Form, Message, Scalar } from "../message.ts";
import { WireType } from "../wire.ts";

/** Writes a decoded message back as protobuf: the inverse that round-trip tests need. */
export function encodeMessage(message: Message, value: unknown): Buffer {
  const fields = message.form === undefined ? (value as Record<string, unknown>) : fieldsOf(message.form, value);
  return Buffer.concat(
    Object.entries(message.fields).flatMap(([number, field]: [string, Field]) => {
      const sent = fields[field.name];
      if (sent === undefined || (sent === null && typeof field.type === "string")) return [];
      if (sent === null && (field.type as Message).form === undefined) return [];
      if (!("repeated" in field)) return [item(Number(number), field.type, sent)];
      if (field.repeated === "list") return ((sent as unknown[] | null) ?? []).map((element) => item(Number(number), field.type, element));
      return Object.entries(sent as object).map(([key, element]) =>
        lengthDelimited(Number(number), Buffer.concat([item(1, "string", key), item(2, field.type, element)])),
      );
    }),
  );
}

/** An envelope with its magic, around the bytes of a message. */
export function encodeBody(input: { apiVersion?: string; kind?: string; raw?: Uint8Array; contentEncoding?: string; contentType?: string }): Buffer {
  const typeMeta = Buffer.concat([item(1, "string", input.apiVersion ?? ""), item(2, "string", input.kind ?? "")]);
  const rest = [item(3, "string", input.contentEncoding ?? ""), item(4, "string", input.contentType ?? "")];
  const raw = input.raw === undefined ? [] : [lengthDelimited(2, input.raw)];
  return Buffer.concat([Buffer.from("k8s\0"), lengthDelimited(1, typeMeta), ...raw, ...rest]);
}

export function lengthDelimited(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([tag(number, WireType.Bytes), varint(BigInt(bytes.length)), bytes]);
}

export function tag(number: number, wireType: number): Buffer {
  return varint(BigInt(number) * 8n + BigInt(wireType));
}

export function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, value);
  for (; left >= 0x80n; left >>= 7n) bytes.push(Number(left & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(left)]);
}

function item(number: number, type: Scalar | Message, value: unknown): Buffer {
  if (typeof type !== "string") return lengthDelimited(number, encodeMessage(type, value));
  switch (type) {
    case "string":
      return lengthDelimited(number, Buffer.from(value as string, "utf8"));
    case "bytes":
      return lengthDelimited(number, Buffer.from(value as string, "base64"));
    case "raw":
      return lengthDelimited(number, value as Uint8Array);
    case "bool":
    case "int32":
    case "int64":
      return Buffer.concat([tag(number, WireType.Varint), varint(BigInt(value as number | boolean))]);
    case "double": {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleLE(value as number);
      return Buffer.concat([tag(number, WireType.Fixed64), bytes]);
    }
  }
}

function fieldsOf(form: Form, value: unknown): Record<string, unknown> {
  switch (form) {
    case "time":
    case "microTime": {
      if (value === null) return {};
      const [, whole = "", micros = ""] = /^(.*?)(?:\.(\d{6}))?Z$/.exec(value as string) ?? [];
      return { seconds: Date.parse(`${whole}Z`) / 1000, nanos: Number(micros) * 1000 };
    }
    case "json":
      return { raw: Buffer.from(JSON.stringify(value)) };
    case "items":
      return { items: value };
    case "schemaOrBool":
      return typeof value === "boolean" ? { allows: value } : { allows: true, schema: value };
    case "schemaOrList":
      return Array.isArray(value) ? { schemas: value } : { schema: value };
    case "schemaOrTexts":
      return Array.isArray(value) ? { texts: value } : { schema: value };
  }
}

import fc from "fast-check";
import { rfc3339, rfc3339Micro } from "@threeport/platform";
import type { Field, Form, Message, Scalar } from "../message.ts";

/** Schemas hold schemas; deeper than this they hold none. */
const schemaDepthMax = 2;

/** Values of a message in the shape that decoding gives them. */
export function arbitraryMessage(message: Message, depth = 0): fc.Arbitrary<unknown> {
  if (message.form !== undefined) return arbitraryForm(message.form, message, depth);
  const fields = Object.values(message.fields).filter((field) => depth < schemaDepthMax * 2 || typeof field.type === "string");
  const present = fields.filter((field) => field.presence === "always" || field.presence === "nullable");
  const record = Object.fromEntries(fields.map((field) => [field.name, arbitraryField(field, depth + 1)]));
  return fc.record(record, { requiredKeys: present.map((field) => field.name) });
}

function arbitraryField(field: Field, depth: number): fc.Arbitrary<unknown> {
  const value = typeof field.type === "string" ? arbitraryScalar(field.type) : arbitraryMessage(field.type, depth);
  if ("repeated" in field) {
    const many: fc.Arbitrary<unknown> =
      field.repeated === "list"
        ? fc.array(value, { minLength: 1, maxLength: 3 })
        : fc.dictionary(fc.string({ unit: "grapheme" }), value, { minKeys: 1, maxKeys: 3 });
    return field.presence === "nullable" ? fc.option(many) : many;
  }
  if (field.presence === "nullable") return fc.option(value);
  const omitted = (field.presence ?? "omitEmpty") === "omitEmpty";
  return omitted ? value.filter((chosen) => chosen !== null && chosen !== "" && chosen !== 0 && chosen !== false) : value;
}

function arbitraryScalar(type: Scalar): fc.Arbitrary<unknown> {
  switch (type) {
    case "string":
      return fc.string({ unit: "grapheme", maxLength: 8 });
    case "bytes":
    case "raw":
      return fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString("base64"));
    case "bool":
      return fc.boolean();
    case "int32":
      return fc.integer();
    case "int64":
      return fc.maxSafeInteger();
    case "double":
      return fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
  }
}

/** 0001-01-01T00:00:01Z and 9999-12-31T23:59:59Z. */
const timeMsMin = -62_135_596_799_000;
const timeMsMax = 253_402_300_799_000;

function arbitraryForm(form: Form, message: Message, depth: number): fc.Arbitrary<unknown> {
  const ms = fc.integer({ min: timeMsMin, max: timeMsMax });
  const schema = (): fc.Arbitrary<unknown> => {
    const field = Object.values(message.fields).find((candidate) => candidate.name === "schema");
    return depth >= schemaDepthMax || field === undefined || typeof field.type === "string" ? fc.constant({}) : arbitraryMessage(field.type, depth + 1);
  };
  switch (form) {
    case "time":
      return fc.option(ms.map(rfc3339));
    case "microTime":
      return fc.option(ms.map(rfc3339Micro));
    case "json":
      return fc.oneof(
        fc.constant(null),
        fc.boolean(),
        fc.integer(),
        fc.string({ unit: "grapheme" }),
        fc.array(fc.boolean()),
        fc.dictionary(fc.string(), fc.integer()),
      );
    case "items":
      return fc.array(fc.string({ unit: "grapheme" }), { maxLength: 3 });
    case "schemaOrBool":
      return fc.oneof(fc.boolean(), schema());
    case "schemaOrList":
      return fc.oneof(fc.array(schema(), { minLength: 1, maxLength: 2 }), schema());
    case "schemaOrTexts":
      return fc.oneof(fc.array(fc.string(), { minLength: 1, maxLength: 2 }), schema());
  }
}

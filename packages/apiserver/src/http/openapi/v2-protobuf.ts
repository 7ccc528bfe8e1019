import { ProtobufWriter } from "./protobuf-writer.ts";
import type { OpenApiV2Form } from "./assemble-v2.ts";
import { openApiV2Head } from "./v2.ts";

/** The media type in which kubectl asks for OpenAPI v2, as it stands in answers; requests may have `@` in the place of the dot. */
export const openApiV2Protobuf = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/**
 * How a value of the JSON document becomes a field of gnostic's openapi.v2 messages. `any` is YAML text in a message;
 * `named` is a JSON object as a list of {name, value}; a union is a message around the one thing that it is here.
 */
type Shape =
  | { readonly as: "string" | "boolean" | "integer" | "double" | "any" }
  | { readonly as: "list" | "named"; readonly of: Shape }
  | { readonly as: "message"; readonly fields: () => Fields }
  /** Chooses the field of the union by the value. */
  | { readonly as: "union"; readonly choose: (value: unknown) => readonly [number: number, shape: Shape] };

/** By JSON key. `x-` is for all vendor extensions. Keys that are not here are left out. */
type Fields = Readonly<Record<string, readonly [number: number, shape: Shape]>>;

const text: Shape = { as: "string" };
const flag: Shape = { as: "boolean" };
const integer: Shape = { as: "integer" };
const double: Shape = { as: "double" };
const any: Shape = { as: "any" };
const texts: Shape = { as: "list", of: text };
const message = (fields: () => Fields): Shape => ({ as: "message", fields });
/** A message whose only field is `number`. */
const inside = (number: number, shape: Shape): Shape => ({ as: "union", choose: () => [number, shape] });
const extensions = (number: number): readonly [number, Shape] => [number, { as: "named", of: any }];

const schema: Shape = message(() => ({
  $ref: [1, text],
  format: [2, text],
  title: [3, text],
  description: [4, text],
  default: [5, any],
  multipleOf: [6, double],
  maximum: [7, double],
  exclusiveMaximum: [8, flag],
  minimum: [9, double],
  exclusiveMinimum: [10, flag],
  maxLength: [11, integer],
  minLength: [12, integer],
  pattern: [13, text],
  maxItems: [14, integer],
  minItems: [15, integer],
  uniqueItems: [16, flag],
  maxProperties: [17, integer],
  minProperties: [18, integer],
  required: [19, texts],
  enum: [20, { as: "list", of: any }],
  additionalProperties: [21, { as: "union", choose: (value) => (typeof value === "boolean" ? [2, flag] : [1, schema]) }],
  type: [22, inside(1, text)],
  items: [23, inside(1, schema)],
  properties: [25, inside(1, { as: "named", of: schema })],
  "x-": extensions(31),
}));

const queryParameter = message(() => ({ required: [1, flag], in: [2, text], description: [3, text], name: [4, text], type: [6, text] }));
const pathParameter = message(() => ({ required: [1, flag], in: [2, text], description: [3, text], name: [4, text], type: [5, text] }));
const bodyParameter = message(() => ({ description: [1, text], name: [2, text], in: [3, text], required: [4, flag], schema: [5, schema] }));

const parameters: Shape = {
  as: "list",
  of: inside(1, {
    as: "union",
    choose(value) {
      const { in: place } = value as { in?: unknown };
      if (place === "body") return [1, bodyParameter];
      return [2, place === "path" ? inside(4, pathParameter) : inside(3, queryParameter)];
    },
  }),
};

const responses = inside(1, {
  as: "named",
  of: inside(
    1,
    message(() => ({ description: [1, text], schema: [2, inside(1, schema)] })),
  ),
});

const operation = message(() => ({
  tags: [1, texts],
  description: [3, text],
  operationId: [5, text],
  produces: [6, texts],
  consumes: [7, texts],
  parameters: [8, parameters],
  responses: [9, responses],
  schemes: [10, texts],
  "x-": extensions(13),
}));

const pathItem = message(() => ({
  get: [2, operation],
  put: [3, operation],
  post: [4, operation],
  delete: [5, operation],
  patch: [8, operation],
  parameters: [9, parameters],
}));

/** Encodes OpenAPI v2 in gnostic's binary form, the only one that client-go reads. */
export const protobufForm: OpenApiV2Form = {
  contentType: openApiV2Protobuf,
  // In protobuf, parts of a list that stand one after another are one list.
  paths: (entries) => encode((writer) => writeField(writer, 2, { shape: { as: "named", of: pathItem }, value: entries })),
  definitions: (entries) => encode((writer) => writeField(writer, 1, { shape: { as: "named", of: schema }, value: entries })),
  whole(paths, definitions) {
    const writer = new ProtobufWriter();
    writer.bytesField(9, definitions);
    writer.bytesField(8, paths);
    writeMessage(writer, head(), openApiV2Head);
    return writer.finish();
  },
};

const head = (): Fields => ({ swagger: [1, text], info: [2, message(() => ({ title: [1, text], version: [2, text] }))] });

function encode(write: (writer: ProtobufWriter) => void): Buffer {
  const writer = new ProtobufWriter();
  write(writer);
  return writer.finish();
}

function writeMessage(writer: ProtobufWriter, fields: Fields, value: Readonly<Record<string, unknown>>): void {
  const vendor = fields["x-"];
  for (const [key, child] of Object.entries(value).toReversed()) {
    const field = fields[key];
    if (field !== undefined) writeField(writer, field[0], { shape: field[1], value: child });
  }
  if (vendor === undefined) return;
  const named = Object.fromEntries(Object.entries(value).filter(([key]) => key.startsWith("x-")));
  writeField(writer, vendor[0], { shape: vendor[1], value: named });
}

function writeField(writer: ProtobufWriter, number: number, { shape, value }: { readonly shape: Shape; readonly value: unknown }): void {
  switch (shape.as) {
    case "string":
      return writer.stringField(number, String(value));
    case "boolean":
      return writer.varintField(number, value === true ? 1 : 0);
    case "integer":
      return writer.varintField(number, Math.max(0, Number(value)));
    case "double":
      return writer.doubleField(number, Number(value));
    case "any":
      return writer.messageField(number, () => writer.stringField(2, `${JSON.stringify(value)}\n`)); // JSON is YAML
    case "list":
      for (const element of (value as unknown[]).toReversed()) writeField(writer, number, { shape: shape.of, value: element });
      return;
    case "named":
      for (const [name, child] of Object.entries(value as object).toReversed())
        writer.messageField(number, () => {
          writeField(writer, 2, { shape: shape.of, value: child as unknown });
          writer.stringField(1, name);
        });
      return;
    case "union": {
      const [inner, chosen] = shape.choose(value);
      return writer.messageField(number, () => writeField(writer, inner, { shape: chosen, value }));
    }
    case "message":
      return writer.messageField(number, () => writeMessage(writer, shape.fields(), value as Record<string, unknown>));
  }
}

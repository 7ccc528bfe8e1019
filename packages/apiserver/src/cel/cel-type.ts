import type { CelDuration, CelEnvironment } from "@threeport/cel";
import { isJsonObject, ownValue, type Schema } from "@threeport/resource";

/** How the values of a schema stand in expressions. */
export interface CelType {
  /** The type's name. */
  readonly name: string;
  /** A JSON value as a value of this type. Objects are converted once. */
  convert(value: unknown): unknown;
}

export interface TypeContext {
  /** Types that were made: rules at several levels of a schema share them. */
  readonly known: Map<Schema, CelType>;
  readonly environment: CelEnvironment;
  readonly parseDuration: (text: string) => CelDuration | undefined;
  /** Fields of all types that were made, by the names of these: what `has` may ask for. */
  readonly fields: Map<string, ReadonlyMap<string, string>>;
  /** Deep equality in the sense of CEL. */
  readonly equal: (a: unknown, b: unknown) => boolean;
}

const plain = (name: string): CelType => ({ name, convert: (value) => value });
const text = plain("string");
const integer: CelType = { name: "int", convert: (value) => (typeof value === "number" && Number.isInteger(value) ? BigInt(value) : value) };
const anything: CelType = { name: "dyn", convert: dynamic };

/**
 * The type of a schema, with all types that are in it made known to the environment. As in Kubernetes, only fields that the
 * schema names can be spoken of.
 */
export function celType(schema: Schema, name: string, context: TypeContext): CelType {
  const before = context.known.get(schema);
  if (before !== undefined) return before;
  const made = makeType(schema, name, context);
  context.known.set(schema, made);
  return made;
}

function makeType(schema: Schema, at: string, context: TypeContext): CelType {
  if (schema["x-kubernetes-int-or-string"] === true) return anything;
  switch (schema.type) {
    case "boolean":
      return plain("bool");
    case "integer":
      return integer;
    case "number":
      return plain("double");
    case "string":
      return textType(schema.format, context);
    case "array":
      return listType(celType(schema.items ?? {}, `${at}_item`, context));
    case "object":
      if (schema.properties !== undefined && Object.keys(schema.properties).length > 0) return objectType(schema, at, context);
      if (typeof schema.additionalProperties === "object") return mapType(celType(schema.additionalProperties, `${at}_value`, context));
      return anything;
    default:
      return anything;
  }
}

function textType(format: string | undefined, { parseDuration }: TypeContext): CelType {
  switch (format) {
    case "date-time":
    case "date":
      return {
        name: "google.protobuf.Timestamp",
        convert(value) {
          const time = new Date(String(value));
          return Number.isNaN(time.getTime()) ? undefined : time;
        },
      };
    case "duration":
      return { name: "google.protobuf.Duration", convert: (value) => parseDuration(String(value)) };
    case "byte":
      return { name: "bytes", convert: (value) => new Uint8Array(Buffer.from(String(value), "base64")) };
    default:
      return text;
  }
}

function listType(item: CelType): CelType {
  const known = new WeakMap<object, unknown>();
  return {
    name: `list<${item.name}>`,
    convert: (value) => remembered(known, value, (list) => (Array.isArray(list) ? list.map((element: unknown) => item.convert(element)) : [])),
  };
}

function mapType(inner: CelType): CelType {
  const known = new WeakMap<object, unknown>();
  return {
    name: `map<string, ${inner.name}>`,
    convert: (value) => remembered(known, value, (object) => new Map(Object.entries(object).map(([key, child]) => [key, inner.convert(child)]))),
  };
}

/** Types of one version; each costs some 40 µs. */
const typesMax = 10_000;

function objectType(schema: Schema, name: string, context: TypeContext): CelType {
  if (context.fields.size >= typesMax) throw new RangeError(`rules can look at ${typesMax} objects of a schema at most`);
  const fields = Object.entries(schema.properties ?? {}).flatMap(([field, child]) => {
    const escaped = escapeName(field);
    return escaped === undefined ? [] : [{ name: field, escaped, type: celType(child, field.replace(/\W/g, "_"), context) }];
  });
  let at = `object.${name}`;
  for (let next = 2; context.fields.has(at); next++) at = `object.${name}_${next}`;
  const ctor = { [at]: class {} }[at] ?? class {};
  context.environment.registerType(at, { ctor, fields: Object.fromEntries(fields.map(({ escaped, type }) => [escaped, type.name])) });
  context.fields.set(at, new Map(fields.map(({ escaped, type }) => [escaped, type.name])));
  context.environment.registerOperator(`${at} == ${at}`, (a: unknown, b: unknown) => context.equal(a, b));
  const known = new WeakMap<object, unknown>();
  return {
    name: at,
    convert: (value) =>
      remembered(known, value, (object) => {
        const made = new ctor() as Record<string, unknown>;
        if (!isJsonObject(object)) return made;
        for (const { name, escaped, type } of fields) {
          const child = ownValue(object, name);
          const converted = child === undefined || child === null ? undefined : type.convert(child);
          if (converted !== undefined) made[escaped] = converted;
        }
        return made;
      }),
  };
}

function remembered(known: WeakMap<object, unknown>, value: unknown, convert: (value: object) => unknown): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  const before = known.get(value);
  if (before !== undefined) return before;
  const made = convert(value);
  known.set(value, made);
  return made;
}

/** A value of which no schema tells: whole numbers are int, as in Kubernetes. */
function dynamic(value: unknown): unknown {
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(dynamic);
  if (isJsonObject(value)) return new Map(Object.entries(value).map(([key, child]) => [key, dynamic(child)]));
  return value;
}

/** Words that CEL keeps for itself: a field of such a name is written with underscores around it. */
const reserved: ReadonlySet<string> = new Set(
  "true false null in as break const continue else for function if import let loop package namespace return var void while".split(" "),
);

/** How a field's name is written in an expression; undefined where it cannot be. */
function escapeName(name: string): string | undefined {
  if (reserved.has(name)) return `__${name}__`;
  const escaped = name.replaceAll("__", "__underscores__").replaceAll(".", "__dot__").replaceAll("-", "__dash__").replaceAll("/", "__slash__");
  return /^[A-Za-z_]\w*$/.test(escaped) ? escaped : undefined;
}

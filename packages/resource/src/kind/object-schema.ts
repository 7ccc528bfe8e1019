import { z } from "zod";
import type { Schema } from "../schema.ts";

/** JSON Schema of a whole object from the Zod schema of its own fields. Kept structural, as CustomResourceDefinitions must be. */
export function objectSchema(fields: z.ZodObject, description: string): Schema {
  const own = structural(z.toJSONSchema(fields, { io: "input", unrepresentable: "any" }) as Raw);
  return {
    type: "object",
    description,
    properties: {
      apiVersion: { type: "string", description: "The group and version of this object's schema." },
      kind: { type: "string", description: "The kind of this object." },
      metadata: metadataSchema,
      ...own.properties,
    },
    ...(own.required === undefined || own.required.length === 0 ? {} : { required: own.required }),
  };
}

type Raw = { [key: string]: unknown };

/** Drops what JSON Schema has and structural schemas have not, and bounds that Zod prints for every integer. */
function structural(source: Raw): Schema {
  const raw = withoutNull(source);
  const out: Raw = {};
  for (const [key, value] of Object.entries(raw)) {
    if (key === "$schema" || key === "propertyNames" || key === "~standard" || key === "id") continue;
    if ((key === "minimum" || key === "maximum") && Math.abs(value as number) === Number.MAX_SAFE_INTEGER) continue;
    if (key === "const") out["enum"] = [value];
    else if (key === "properties") out[key] = Object.fromEntries(Object.entries(value as Raw).map(([name, schema]) => [name, structural(schema as Raw)]));
    else if (key === "items" || (key === "additionalProperties" && typeof value === "object")) out[key] = structural(value as Raw);
    else if (key === "additionalProperties") continue;
    else if (key === "exclusiveMinimum" && typeof value === "number") out["minimum"] = value + 1;
    else out[key] = value;
  }
  return out as Schema;
}

/** `x or null` is `nullable` in structural schemas. */
function withoutNull(raw: Raw): Raw {
  const type = raw["type"];
  if (Array.isArray(type) && type.length === 2 && type.includes("null"))
    return { ...raw, type: (type as string[]).find((name) => name !== "null"), nullable: true };
  const variants = raw["anyOf"];
  if (!Array.isArray(variants) || variants.length !== 2) return raw;
  const other = (variants as Raw[]).find((variant) => variant["type"] !== "null");
  if (other === undefined || !(variants as Raw[]).some((variant) => variant["type"] === "null")) return raw;
  const { anyOf: _, ...rest } = raw;
  return { ...other, ...rest, nullable: true };
}

const stringMap = (description: string): Schema => ({ type: "object", description, additionalProperties: { type: "string" } });

/** metav1.ObjectMeta, as far as the API server reads it. */
export const metadataSchema: Schema = {
  type: "object",
  description: "Standard object metadata.",
  properties: {
    name: { type: "string", description: "Unique within its kind and namespace; cannot change." },
    generateName: { type: "string", description: "Prefix of a name that the server makes when `name` is empty." },
    namespace: { type: "string", description: "The namespace (a project) that the object lives in." },
    uid: { type: "string", description: "Identity in time and space; set by the server." },
    resourceVersion: { type: "string", description: "Version of the object for optimistic locking and watches; set by the server." },
    generation: { type: "integer", format: "int64", description: "Grows when the desired state changes; set by the server." },
    creationTimestamp: { type: "string", format: "date-time", nullable: true, description: "When the object was created; set by the server." },
    deletionTimestamp: { type: "string", format: "date-time", nullable: true, description: "When deletion was asked for; set by the server." },
    deletionGracePeriodSeconds: { type: "integer", format: "int64", description: "Seconds granted before the object is removed." },
    selfLink: { type: "string", description: "Not used any more." },
    labels: stringMap("Words to select objects by."),
    annotations: stringMap("Notes for tools and people; not selectable."),
    finalizers: {
      type: "array",
      description: "The object is removed when this list is empty after deletion was asked for.",
      items: { type: "string" },
      "x-kubernetes-list-type": "set",
      "x-kubernetes-patch-strategy": "merge",
    },
    ownerReferences: {
      type: "array",
      description: "Objects that this one depends on; it is deleted when all of them are gone.",
      items: {
        type: "object",
        properties: {
          apiVersion: { type: "string", description: "API version of the owner." },
          kind: { type: "string", description: "Kind of the owner." },
          name: { type: "string", description: "Name of the owner." },
          uid: { type: "string", description: "Identity of the owner." },
          controller: { type: "boolean", description: "Whether the owner is the managing controller." },
          blockOwnerDeletion: { type: "boolean", description: "Whether a foreground deletion of the owner waits for this object." },
        },
        required: ["apiVersion", "kind", "name", "uid"],
        "x-kubernetes-map-type": "atomic",
      },
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["uid"],
      "x-kubernetes-patch-strategy": "merge",
      "x-kubernetes-patch-merge-key": "uid",
    },
    managedFields: {
      type: "array",
      description: "Who manages which fields.",
      items: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
      "x-kubernetes-list-type": "atomic",
    },
  },
};

import type { Schema } from "@threeport/resource";
import { reference } from "./names.ts";

/** The word by which a schema says that documents refer to it by name; so schemas may contain themselves. */
export const componentWord = "x-threeport-component";

/** A schema with references in the place of schemas that have a name; these are added to `components`. */
export function withReferences(schema: Schema, components: Map<string, Schema>): Schema {
  return copy(schema, components) as Schema;
}

function copy(value: unknown, components: Map<string, Schema>): unknown {
  if (Array.isArray(value)) return value.map((element: unknown) => copy(element, components));
  if (typeof value !== "object" || value === null) return value;
  const source = value as Readonly<Record<string, unknown>>;
  const name = source[componentWord];
  if (typeof name !== "string") return copyFields(source, components);
  if (!components.has(name)) {
    components.set(name, {}); // before what is in it, which may be the same again
    components.set(name, copyFields(source, components));
  }
  return reference(name);
}

function copyFields(source: Readonly<Record<string, unknown>>, components: Map<string, Schema>): Schema {
  return Object.fromEntries(
    Object.entries(source)
      .filter(([key]) => key !== componentWord)
      .map(([key, child]) => [key, copy(child, components)]),
  );
}

// What is in params of the types that are provided here. Files are written for several platforms: params that only another one reads have no effect
// here, which is told, and nothing more. Typing errors are refused.
import type { ErrorCause } from "@threeport/resource";
import { below, invalid } from "../field.ts";
import { nearest } from "../nearest.ts";
import { resourceType } from "./index.ts";
import type { NamedResource } from "./resource-type.ts";

/** Params whose names are nearly those of others. */
export function paramCauses(named: NamedResource): ErrorCause[] {
  return unknown(named).flatMap(({ field, known, meant }) => (meant === undefined ? [] : [invalid(field, `did you mean ${meant}? ${there(named, known)}`)]));
}

/** Params that nothing here reads. */
export function paramNotices(named: NamedResource): ErrorCause[] {
  return unknown(named).flatMap(({ field, known, meant }) =>
    meant === undefined ? [{ field, message: `this has no effect here: ${there(named, known)}` }] : [],
  );
}

function there({ resource }: NamedResource, known: readonly string[]): string {
  return known.length === 0 ? `type ${resource.type} has no params` : `type ${resource.type} has ${known.join(", ")}`;
}

interface Unknown {
  readonly field: string;
  readonly known: readonly string[];
  readonly meant: string | undefined;
}

function unknown({ field, resource }: NamedResource): Unknown[] {
  const known = resourceType(resource.type)?.params;
  if (known === undefined) return [];
  return Object.keys(resource.params ?? {})
    .filter((key) => !known.includes(key))
    .map((key) => ({ field: below(below(field, "params"), key), known, meant: nearest(key, known) }));
}

import type { ErrorCause } from "@threeport/resource";
import { below, invalid } from "../field.ts";
import { nearest } from "../nearest.ts";
import type { NamedResource } from "./resource-type.ts";

/** Params that a type does not know would be without effect, which nobody wants. */
export function unknownParams({ field, resource }: NamedResource, known: readonly string[]): ErrorCause[] {
  return Object.keys(resource.params ?? {})
    .filter((key) => !known.includes(key))
    .map((key) => {
      const meant = nearest(key, known);
      const there = known.length === 0 ? `type ${resource.type} has no params` : `type ${resource.type} has ${known.join(", ")}`;
      return invalid(below(below(field, "params"), key), `${meant === undefined ? "" : `did you mean ${meant}? `}${there}`);
    });
}

// Circles: resources whose params read outputs of each other, containers that wait for each other. None of them could ever be first.
import type { ErrorCause } from "@threeport/resource";
import { below, invalid } from "./field.ts";
import { lex } from "./placeholders.ts";
import type { NamedResource } from "./resource-types/resource-type.ts";

/** Names of resources that a value of any depth reads. */
export function resourcesRead(value: unknown): string[] {
  if (typeof value === "string")
    return lex(value).flatMap((piece) => (piece.kind === "reference" && piece.path[0] === "resources" && piece.path[1] !== undefined ? [piece.path[1]] : []));
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(resourcesRead);
}

/** A circle by the names on it, the first one again at its end; undefined when there is none. */
export function findCycle(reads: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): readonly string[] | undefined => {
    const start = path.indexOf(name);
    if (start >= 0) return [...path.slice(start), name];
    if (done.has(name)) return undefined;
    done.add(name);
    for (const next of reads.get(name) ?? []) {
      const found = visit(next, [...path, name]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  for (const name of reads.keys()) {
    const found = visit(name, []);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What is wrong with resources that read each other, at the params of the first of them. */
export function readingCauses(resources: readonly NamedResource[]): ErrorCause[] {
  const cycle = findCycle(new Map(resources.map(({ name, resource }) => [name, resourcesRead(resource.params)] as const)));
  const first = resources.find(({ name }) => name === cycle?.[0]);
  if (cycle === undefined || first === undefined) return [];
  return [invalid(below(first.field, "params"), `these read each other, so none can be first: ${cycle.join(" → ")}`)];
}

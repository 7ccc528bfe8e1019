import type { ErrorCause } from "@threeport/resource";
import { deepEqual } from "@threeport/resource";
import type { ScoreDocument } from "./document.ts";
import { below, invalid } from "./field.ts";
import type { NamedResource } from "./resource-types/resource-type.ts";

export interface Identity {
  readonly type: string;
  readonly class: string;
  readonly id: string;
}

/** What makes two uses one resource. Without an id it is the workload's own. */
export function identityOf({ name, resource }: Pick<NamedResource, "name" | "resource">, workload: string): Identity {
  return { type: resource.type, class: resource.class ?? "default", id: resource.id ?? `${workload}.${name}` };
}

export function identityText(identity: Identity): string {
  return `${identity.type}.${identity.class}#${identity.id}`;
}

export function resourcesOf(document: ScoreDocument): NamedResource[] {
  return Object.entries(document.resources ?? {})
    .map(([name, resource]) => ({ name, resource, field: below("resources", name) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Uses of one resource give its params and metadata in one place, or alike. A use without them joins. */
export function identityCauses(document: ScoreDocument): ErrorCause[] {
  const causes: ErrorCause[] = [];
  const first = new Map<string, NamedResource>();
  for (const part of ["params", "metadata"] as const) {
    first.clear();
    for (const named of resourcesOf(document)) {
      if (named.resource[part] === undefined) continue;
      const text = identityText(identityOf(named, document.metadata.name));
      const before = first.get(text);
      if (before === undefined) first.set(text, named);
      else if (!deepEqual(before.resource[part], named.resource[part]))
        causes.push(
          invalid(below(named.field, part), `${named.name} and ${before.name} are one resource (${text}): give ${part} in one of them, or the same in both`),
        );
    }
  }
  return causes;
}

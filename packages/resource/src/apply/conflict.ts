import { PlatformError } from "../errors.ts";
import type { Owner } from "./managed-fields.ts";
import { type PathElement, printPath } from "./path-element.ts";

/** A field that an apply would change, and who owns it. */
export interface Conflict {
  readonly owner: Owner;
  readonly path: readonly PathElement[];
}

/** Thrown inside apply only; turned into the error that users see, or into force, at its border. */
export class ApplyConflicts extends Error {
  readonly conflicts: readonly Conflict[];

  constructor(conflicts: readonly Conflict[]) {
    super("apply conflicts");
    this.name = "ApplyConflicts";
    this.conflicts = conflicts;
  }
}

/** In the words of Kubernetes, which kubectl and others look at. */
export function conflictError(conflicts: readonly Conflict[], applied: { readonly kind?: unknown; readonly name?: unknown }): PlatformError {
  const causes = conflicts.map(({ owner, path }) => ({ field: printPath(path), reason: "FieldManagerConflict", message: `conflict with ${printOwner(owner)}` }));
  const count = `Apply failed with ${causes.length} conflict${causes.length === 1 ? "" : "s"}`;
  const message =
    causes.length === 1 ? `${count}: ${causes[0]?.message}: ${causes[0]?.field}` : `${count}: ${[...byOwner(conflicts)].map(([owner, paths]) => `conflicts with ${owner}:\n${paths.map((path) => `- ${path}`).join("\n")}`).join("\n")}`;
  return new PlatformError("TP_VERSION_CONFLICT", { message, causes, detail: { kind: applied.kind, name: applied.name } });
}

function byOwner(conflicts: readonly Conflict[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const { owner, path } of conflicts) groups.set(printOwner(owner), [...(groups.get(printOwner(owner)) ?? []), printPath(path)]);
  return new Map([...groups].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function printOwner({ manager, operation, subresource, apiVersion, time }: Owner): string {
  const name = `${JSON.stringify(manager)}${subresource === "" ? "" : ` with subresource ${JSON.stringify(subresource)}`}`;
  if (operation === "Apply") return name;
  return `${name} using ${apiVersion}${time === undefined ? "" : ` at ${time}`}`;
}

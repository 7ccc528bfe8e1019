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

/** Conflicts that are named one by one; more help nobody, and an object can have a hundred thousand. */
const conflictsShownMax = 100;

/** In the words of Kubernetes, which kubectl and others look at. */
export function conflictError(conflicts: readonly Conflict[]): PlatformError {
  const shown = conflicts.slice(0, conflictsShownMax);
  const causes = shown.map(({ owner, path }) => ({ field: printPath(path), reason: "FieldManagerConflict", message: `conflict with ${printOwner(owner)}` }));
  return new PlatformError("TP_APPLY_CONFLICT", { message: conflictMessage(shown, conflicts.length), causes });
}

function conflictMessage(shown: readonly Conflict[], count: number): string {
  const [only] = shown;
  if (count === 1 && only !== undefined) return `Apply failed with 1 conflict: conflict with ${printOwner(only.owner)}: ${printPath(only.path)}`;
  const groups = [...byOwner(shown)].map(([owner, fields]) => `conflicts with ${owner}:\n${fields.map((field) => `- ${field}`).join("\n")}`);
  const more = count > shown.length ? [`and ${count - shown.length} more`] : [];
  return `Apply failed with ${count} conflicts: ${[...groups, ...more].join("\n")}`;
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

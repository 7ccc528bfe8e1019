// The type `secret`: a Secret that stands in the project already. Which one is read off the need alone, so that it is known when the need is written, and
// its author can be held to the right to read it (§5.10 P2).
import type { DependencyClaim } from "./kinds/claim.ts";

export const secretType = "secret";

/** Name of the Secret that a need of the type is met with. */
export function secretNameOf({ id, params }: Pick<DependencyClaim["spec"], "id" | "params">): string {
  const name = params?.["name"];
  return name === undefined ? id.slice(id.lastIndexOf(".") + 1) : String(name);
}

// F12: a set that loses most of its objects at once is more often a mistake (a wrong file, a failed render) than a wish.
import { createHash } from "node:crypto";
import type { Entry } from "./entry.ts";

/** Sets that lose fewer at once are never held: people clean up small things all the time. */
const fewestHeld = 10;
const tokenCharacters = 8;

/** Objects that are kept although they left the set, until somebody confirms. */
export interface Held {
  readonly count: number;
  /** Names exactly these objects: a confirmation of them is none of others. */
  readonly token: string;
}

/** What must be confirmed before `leaving` goes: at least ten objects, and as many as remain, or more. Those whose removal has begun go on. */
export function heldBack(leaving: readonly Entry[], remaining: number, confirmation: string | undefined): Held | undefined {
  const fresh = leaving.filter((entry) => entry.state !== "pruning");
  if (fresh.length < fewestHeld || fresh.length < remaining) return undefined;
  const ids = fresh.map((entry) => entry.id).toSorted();
  const token = createHash("sha256").update(ids.join("\n")).digest("hex").slice(0, tokenCharacters);
  return confirmation === token ? undefined : { count: fresh.length, token };
}

import { formatKey, type Guard, type Write } from "./types.ts";

/** Writes per transaction: enough to share one fsync among all waiting callers, few enough to keep the counter row for milliseconds only. */
const groupMax = 128;
/** Characters of bodies per transaction: a statement carries them all, and so do both ends' memories. One write may be larger; it then goes alone. */
const groupCharactersMax = 8 * 1024 * 1024;

/**
 * Takes from `waiting` what one transaction may hold; `rest` keeps its order, and writes of one key never overtake each other. A group must end as its
 * writes would have ended one after another, yet it is judged as a whole against the state before it. So a write waits for the next group when its judgement needs an earlier one of this:
 * - its own key, or the target of one of its guards, is written there;
 * - it ends an object, or changes what others wait for, and a write there guards or refers to that object;
 * - it asks that nobody refers to an object, and a write there changes references, or ends an object, which then counts as nobody.
 */
export function takeGroup<Item extends { readonly write: Write }>(waiting: readonly Item[]): { group: Item[]; rest: Item[] } {
  const group: Item[] = [];
  const rest: Item[] = [];
  /** Keys of the group and of those that wait: who comes later waits behind both. */
  const written = new Set<string>();
  const reliedOn = new Set<string>();
  let referencesChange = false;
  let characters = 0;
  for (const [index, item] of waiting.entries()) {
    const { write } = item;
    const size = write.body[0].length + write.body[1].length;
    const full = group.length >= groupMax || (group.length > 0 && characters + size > groupCharactersMax);
    if (full) return { group, rest: [...rest, ...waiting.slice(index)] };
    const key = formatKey(write.key);
    const matters = write.remove || write.terminating || write.changes !== 0;
    const mustBeFree = write.guards.some((guard) => guard.unreferenced === true);
    const guarded = write.guards.filter((guard) => guard.unreferenced !== true).map(targetOf);
    const mustWait = written.has(key) || guarded.some((target) => written.has(target)) || (matters && reliedOn.has(key)) || (mustBeFree && referencesChange);
    written.add(key);
    if (mustWait) {
      rest.push(item);
      continue;
    }
    group.push(item);
    characters += size;
    referencesChange ||= write.remove || write.terminating || write.references !== undefined;
    for (const target of guarded) reliedOn.add(target);
    for (const reference of write.references ?? []) reliedOn.add(formatKey(reference.target));
  }
  return { group, rest };
}

function targetOf(guard: Guard): string {
  return formatKey(guard.target);
}

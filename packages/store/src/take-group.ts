import { formatKey, type Guard, type Write } from "./types.ts";

/** Writes per transaction: enough to share one fsync among all waiting callers, few enough to keep the counter row for milliseconds only. */
const groupMax = 128;
/** Characters of bodies per transaction: a statement carries them all, and so do both ends' memories. One write may be larger; it then goes alone. */
const groupCharactersMax = 8 * 1024 * 1024;

/**
 * Takes from `waiting` what one transaction may hold; `rest` keeps its order. The whole group is judged against the state
 * before it, so nothing may stand in it whose judgement needs an earlier write of the same group:
 * - a key stands in it at most once;
 * - what the group ends (deletes, marks as terminating) is no guard's target of a later write;
 * - what an earlier write guards, or refers to, is not ended or asked to be unreferenced by a later one.
 */
export function takeGroup<Item extends { readonly write: Write }>(waiting: readonly Item[]): { group: Item[]; rest: Item[] } {
  const group: Item[] = [];
  const rest: Item[] = [];
  const keys = new Set<string>();
  const ended = new Set<string>();
  const relied = new Set<string>();
  let characters = 0;
  for (const [index, item] of waiting.entries()) {
    const { write } = item;
    const size = write.body[0].length + write.body[1].length;
    const full = group.length >= groupMax || (group.length > 0 && characters + size > groupCharactersMax);
    if (full) return { group, rest: [...rest, ...waiting.slice(index)] };
    const key = formatKey(write.key);
    const ends = write.remove || write.terminating;
    const reliesOn = write.guards.filter((guard) => guard.unreferenced !== true).map(targetOf);
    const mustBeFree = write.guards.filter((guard) => guard.unreferenced === true).map(targetOf);
    const clashes = keys.has(key) || (ends && relied.has(key)) || mustBeFree.some((target) => relied.has(target)) || reliesOn.some((target) => ended.has(target));
    keys.add(key); // also for one that must wait: later writes of its key wait behind it
    if (clashes) {
      rest.push(item);
      continue;
    }
    group.push(item);
    characters += size;
    if (ends) ended.add(key);
    for (const target of reliesOn) relied.add(target);
    for (const reference of write.references ?? []) relied.add(formatKey(reference.target));
  }
  return { group, rest };
}

function targetOf(guard: Guard): string {
  return formatKey(guard.target);
}

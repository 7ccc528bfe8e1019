import { isErrorCode } from "@threeport/resource";
import type { ObjectStore } from "@threeport/store";
import type { Answer, ApiContext, ObjectName } from "../api.ts";
import { knownCurrent, readCurrent, versionConflict, type Current } from "./current.ts";

/** Tries of a read-change-write before the caller hears of the conflict: other replicas may write too. */
const tries = 8;

/** Changes an object from a version of it, undefined when there is none. Its answer is undefined when the object has moved since. */
export type Attempt<T extends Answer> = (current: Current | undefined) => Promise<T | undefined>;

/**
 * K4: patches and the like are retried by the server. Attempts on one object run one after another in this process: left to
 * retries alone they can lose to each other for ever, since the winner's next one always reads between the loser's read and write.
 */
export async function untilWritten<T extends Answer>(context: ApiContext, target: ObjectName, attempt: Attempt<T>): Promise<T> {
  return inTurn(context.store, `${target.kind.resource}|${target.namespace}|${target.name}`, async () => {
    let answer = await writtenAtFirst(context, target, attempt);
    for (let count = 2; answer === undefined && count <= tries; count++) answer = await attempt(await readCurrent(context, target));
    if (answer === undefined) throw versionConflict(target);
    return answer;
  });
}

/**
 * One attempt, if possible on the version that this process knows, which saves the way to the database. A write is committed only if what it was made
 * from is the newest version, so what was written is right; whatever else came of it holds only if that version is still the newest.
 */
export async function writtenAtFirst<T extends Answer>(context: ApiContext, target: ObjectName, attempt: Attempt<T>): Promise<T | undefined> {
  const known = knownCurrent(context, target);
  if (known === undefined) return attempt(await readCurrent(context, target));
  let refused: Error | undefined;
  let answer: T | undefined;
  try {
    answer = await attempt(known);
  } catch (error) {
    if (isErrorCode(error, "TP_DATABASE_UNAVAILABLE")) throw error; // nobody knows whether it was written
    refused = error as Error;
  }
  const moved = refused === undefined && answer === undefined;
  const written = answer !== undefined && answer.rv !== known.rv;
  if (moved || written) return answer;
  const current = await readCurrent(context, target);
  if (current?.rv !== known.rv) return attempt(current);
  if (refused !== undefined) throw refused;
  return answer;
}

/** The last in line for each object, by store. An object without anybody in line is not in the map. */
const lines = new WeakMap<ObjectStore, Map<string, Promise<unknown>>>();

async function inTurn<T>(store: ObjectStore, key: string, work: () => Promise<T>): Promise<T> {
  let line = lines.get(store);
  if (line === undefined) lines.set(store, (line = new Map()));
  const before = line.get(key);
  const mine = before === undefined ? work() : before.then(work, work);
  line.set(key, mine);
  try {
    return await mine;
  } finally {
    if (line.get(key) === mine) line.delete(key);
  }
}

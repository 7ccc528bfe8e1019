import type { Store } from "@threeport/store";
import type { ApiContext, ObjectName } from "../api.ts";
import { versionConflict } from "./current.ts";

/** Tries of a read-change-write before the caller hears of the conflict: other replicas may write too. */
const tries = 8;

/**
 * K4: patches and the like are retried by the server. `attempt` reads, changes and writes; undefined means that the
 * object moved in between. Attempts on one object run one after another in this process: left to retries alone they can
 * lose to each other for ever, since the winner's next one always reads between the loser's read and write.
 */
export async function untilWritten<T>(context: ApiContext, target: ObjectName, attempt: () => Promise<T | undefined>): Promise<T> {
  return inTurn(context.store, `${target.kind.resource}|${target.namespace}|${target.name}`, async () => {
    for (let count = 1; count <= tries; count++) {
      const result = await attempt();
      if (result !== undefined) return result;
    }
    throw versionConflict(target);
  });
}

/** The last in line for each object, by store. An object without anybody in line is not in the map. */
const lines = new WeakMap<Store, Map<string, Promise<unknown>>>();

async function inTurn<T>(store: Store, key: string, work: () => Promise<T>): Promise<T> {
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

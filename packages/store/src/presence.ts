// Who is alive (Q4). A lease ends by itself after its time; this only ends it earlier, when the process that holds it has stopped to say that it lives:
// killed, paused, or cut off from the database. Nothing rests on it being right. Who is taken for dead and lives on has lost its leases as if their
// time had come: its writes are refused by their fences (Q3).
import type { Clock, Logger } from "@threeport/platform";
import type { Database } from "./database.ts";
import { lockCounter } from "./sql/work.ts";

export interface PresenceOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Logger;
  /** As it stands in leases. */
  readonly owner: string;
  /** Leases of others were ended: there is work. */
  readonly onEnded: () => void;
  readonly beatMs?: number;
  readonly aliveMs?: number;
}

export const beatMsDefault = 2_000;
/** Longer than an event loop may stall (5 s, F15) plus a beat. */
export const aliveMsDefault = 8_000;
/** Bounds one look; there are as many processes as replicas. */
const deadMax = 100;

/** Not waited for on the disk: after a crash of the database everybody beats again. Served by process' primary key. */
const beat = {
  name: "presence_beat",
  text: `
WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
INSERT INTO process (owner, alive_until) SELECT $1, clock_timestamp() + $2 * interval '1 millisecond' FROM quick
ON CONFLICT (owner) DO UPDATE SET alive_until = excluded.alive_until`,
};
const someDead = { name: "presence_dead", text: `SELECT owner FROM process WHERE alive_until < clock_timestamp() ORDER BY owner LIMIT ${deadMax}` };
/** Behind the counter's row, as any end of a lease that its holder did not ask for: see `endExpired`. A key that may have killed its process comes back later each time. */
const endLeases = {
  name: "presence_end_leases",
  text: `
WITH dead AS MATERIALIZED (
  DELETE FROM process WHERE owner = ANY($1) AND alive_until < clock_timestamp() RETURNING owner
), ended AS (
  UPDATE work SET lease_owner = NULL, attempts = attempts + 1, due_at = clock_timestamp() + least(60, power(2, least(attempts, 6)) - 1) * interval '1 second'
  FROM dead WHERE work.lease_owner = dead.owner RETURNING 1
)
SELECT (SELECT count(*) FROM dead) AS dead, (SELECT count(*) FROM ended) AS ended`,
};
const leave = { name: "presence_leave", text: "DELETE FROM process WHERE owner = $1" };

/** Says that this process lives, and ends the leases of those who do not, until disposed. */
export function keepPresence(options: PresenceOptions): AsyncDisposable {
  const { database, clock, log, owner } = options;
  const beatMs = options.beatMs ?? beatMsDefault;
  const aliveMs = options.aliveMs ?? aliveMsDefault;
  const stopping = new AbortController();
  /** Since when this process was never away itself for long. Who was away judges nobody: the others may have been, too. */
  let steadySince = clock.monotonic();
  let lastBeat = clock.monotonic();

  async function turn(): Promise<void> {
    await database.query(beat, [owner, aliveMs]);
    const now = clock.monotonic();
    if (now - lastBeat > aliveMs / 2) steadySince = now;
    lastBeat = now;
    if (now - steadySince < aliveMs) return;
    const dead = await database.query<{ owner: string }>(someDead, []);
    if (dead.length === 0) return;
    const [found] = await database.transaction(async (tx) => {
      await tx.query(lockCounter, []);
      return tx.query<{ dead: string; ended: string }>(endLeases, [dead.map((each) => each.owner)]);
    });
    log.info("processes of this control plane are no longer heard of; what they worked on goes on here", {
      processes: Number(found?.dead),
      keys: Number(found?.ended),
    });
    options.onEnded();
  }

  const loop = (async () => {
    while (!stopping.signal.aborted) {
      await turn().catch((error: unknown) => log.debug("presence could not be told", { error: String(error) }));
      await clock.sleep(beatMs, stopping.signal).catch(() => {});
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await loop;
      await database.query(leave, [owner]).catch((error: unknown) => log.debug("presence could not be ended; it will by itself", { error: String(error) }));
    },
  };
}

import { isErrorCode } from "@threeport/resource";
import { expect, test } from "vitest";
import { dice, withSeed } from "./proofs/dice.ts";
import { keyOf, openLab, put, until } from "./proofs/lab.ts";
import type { Store } from "./store.ts";

const neverMs = 3_600_000;
/** Forget everything that is not current. */
const all = { ageMs: neverMs, count: 0 };

async function stateAt(store: Store, atRv: number | undefined, pageSize = 1_000): Promise<Record<string, number>> {
  const state: Record<string, number> = {};
  let page = await store.reader.list({ kind: "things", limit: pageSize, ...(atRv === undefined ? {} : { atRv }) });
  for (;;) {
    for (const item of page.items) state[item.key.name] = item.rv;
    if (page.next === undefined) return state;
    page = await store.reader.list({ kind: "things", limit: pageSize, after: page.next, atRv: page.rv });
  }
}

/** One random write; returns the state after it. */
async function step(store: Store, state: Record<string, number>, chance: ReturnType<typeof dice>, names: number): Promise<Record<string, number>> {
  const name = `thing-${chance.below(names)}`;
  const expectRv = state[name] ?? 0;
  const remove = expectRv !== 0 && chance.chance(0.3);
  const rv = await put(store, keyOf(name), { expectRv, remove });
  const { [name]: _, ...others } = state;
  return remove ? others : { ...others, [name]: rv };
}

test("S3, S4: a list at any number that was not compacted is the state of that moment, before and after a compaction", () =>
  withSeed(async (seed) => {
    await using lab = await openLab();
    const store = await lab.open();
    const chance = dice(seed);
    const states = new Map<number, Record<string, number>>();
    let state: Record<string, number> = {};
    for (let n = 0; n < 80; n++) {
      state = await step(store, state, chance, 6);
      states.set(await store.reader.currentRv(), state);
    }
    const check = async (lowest: number): Promise<void> => {
      for (const [rv, expected] of states) {
        if (rv >= lowest) expect(await stateAt(store, rv, 2), `at ${rv}`).toEqual(expected);
        else await expect(stateAt(store, rv), `at ${rv}`).rejects.toMatchObject({ code: "TP_EXPIRED" });
      }
    };
    await check(0);
    const newest = await store.reader.currentRv();
    for (const count of [50, 20, 0]) {
      await store.maintenance.compact({ ageMs: neverMs, count });
      await check(newest - count);
    }
    expect(await stateAt(store, undefined)).toEqual(state);
    await expect(stateAt(store, newest + 1)).rejects.toMatchObject({ code: "TP_VERSION_TOO_LARGE" });
    const rows = await lab.sql<{ n: string }>("SELECT count(*) AS n FROM version WHERE NOT deleted");
    expect(Number(rows[0]?.n)).toBe(Object.keys(state).length); // nothing is kept that nobody can read
  }));

test("S3: pages of a list at one number agree although objects come, change and go between the pages", () =>
  withSeed(async (seed) => {
    await using lab = await openLab();
    const store = await lab.open();
    const chance = dice(seed);
    let state: Record<string, number> = {};
    for (let n = 0; n < 40; n++) state = await step(store, state, chance, 20);
    const expected = state;
    const seen: Record<string, number> = {};
    let page = await store.reader.list({ kind: "things", limit: 3 });
    const { rv } = page;
    for (;;) {
      for (const item of page.items) seen[item.key.name] = item.rv;
      if (page.next === undefined) break;
      for (let n = 0; n < 5; n++) state = await step(store, state, chance, 20);
      page = await store.reader.list({ kind: "things", limit: 3, after: page.next, atRv: rv });
    }
    expect(seen).toEqual(expected);
    expect(await stateAt(store, undefined)).toEqual(state);
  }));

test("S4: watches that run while the log is compacted under them see an unbroken chain of each object's changes, or hear that they must list again", () =>
  withSeed(async (seed) => {
    await using lab = await openLab();
    const writer = await lab.open();
    const replica = await lab.open({ ringBytesMax: 500, pollMs: 2 });
    const chance = dice(seed);
    let writing = true;
    let state: Record<string, number> = {};
    const write = async (): Promise<void> => {
      for (let n = 0; n < 300; n++) state = await step(writer, state, chance, 8);
      writing = false;
    };
    const compact = async (): Promise<void> => {
      while (writing) await writer.maintenance.compact({ ageMs: neverMs, count: 10 });
    };
    const broken: string[] = [];
    const watch = async (store: Store, patience: number): Promise<void> => {
      const known = new Map<string, number>();
      let rv = 0;
      const relist = async (): Promise<void> => {
        const listed = await store.reader.list({ kind: "things", limit: 1_000 });
        known.clear();
        for (const item of listed.items) known.set(item.key.name, item.rv);
        rv = listed.rv;
      };
      await relist();
      for (;;) {
        let seen = 0;
        let lost = false;
        const subscription = await store.feed
          .subscribe(
            "things",
            rv,
            (changes) => {
              for (const change of changes) {
                if (seen >= patience) return;
                seen++;
                const before = known.get(change.key.name) ?? 0;
                if (change.prevRv !== before) broken.push(`${change.key.name}: ${change.rv} follows ${change.prevRv}, not ${before}`);
                rv = change.rv;
                if (change.deleted) known.delete(change.key.name);
                else known.set(change.key.name, change.rv);
              }
            },
            () => (lost = true),
          )
          .catch((error: unknown) => {
            if (!isErrorCode(error, "TP_EXPIRED")) throw error;
          });
        if (subscription === undefined) {
          await relist();
          continue;
        }
        await until(
          "changes",
          () =>
            seen >= patience ||
            lost ||
            (!writing && JSON.stringify(Object.fromEntries([...known].sort())) === JSON.stringify(Object.fromEntries(Object.entries(state).sort()))),
        );
        subscription[Symbol.dispose]();
        if (lost) await relist();
        else if (seen < patience) return;
      }
    };
    await Promise.all([write(), compact(), watch(replica, 5), watch(replica, 40), watch(writer, 11)]);
    expect(broken).toEqual([]);
  }));

test("S4: versions are forgotten by age, and what was interrupted is finished by the next compaction", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  let rv = await put(store, keyOf("old"));
  rv = await put(store, keyOf("old"), { expectRv: rv });
  const horizon = rv;
  await lab.sql("UPDATE version SET written_at = now() - interval '1 hour'");
  rv = await put(store, keyOf("old"), { expectRv: rv });
  await put(store, keyOf("old"), { expectRv: rv });
  expect(await store.maintenance.compact({ ageMs: 60_000, count: 1_000 })).toBe(1);
  expect(await stateAt(store, horizon)).toEqual({ old: horizon });
  // a process that was killed after it had moved the horizon
  await lab.sql("UPDATE counter SET compacted_rv = rv");
  expect(await store.maintenance.compact({ ageMs: neverMs, count: 1_000 })).toBe(2);
  expect(await lab.sql("SELECT 1 FROM version")).toHaveLength(1);
});

test("S4: two replicas may compact at once", async () => {
  await using lab = await openLab();
  const stores = [await lab.open(), await lab.open()];
  const [first] = stores;
  if (first === undefined) throw new Error("there are two");
  let rv = await put(first, keyOf("one"));
  for (let n = 0; n < 30; n++) rv = await put(first, keyOf("one"), { expectRv: rv });
  const removed = await Promise.all(stores.map((store) => store.maintenance.compact(all)));
  expect(removed.reduce((sum, n) => sum + n, 0)).toBe(30);
  expect(await stateAt(first, undefined)).toEqual({ one: rv });
});

test("two replicas that ask for a fact at once agree on it", async () => {
  await using lab = await openLab();
  const stores = [await lab.open(), await lab.open()];
  const answers = await Promise.all(stores.map((store, index) => store.maintenance.fact("control-plane", `mine-${index}`)));
  expect(new Set(answers).size).toBe(1);
});

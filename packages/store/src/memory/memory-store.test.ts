import { silentLogger, systemClock, type Clock } from "@threeport/platform";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { ObjectStore } from "../object-store.ts";
import { keyOf, openLab, writeOf } from "../proofs/lab.ts";
import type { Change, Guard, ReferenceRow, Write } from "../types.ts";
import { openMemoryStore, type MemoryStore } from "./memory-store.ts";

const names = ["a", "ab", "b", "c"] as const;
const name = fc.constantFrom(...names);
const space = fc.constantFrom("ns", "other");

interface Command {
  readonly name: string;
  readonly space: string;
  readonly belief: "true" | "stale" | "none";
  readonly action: "keep" | "end" | "remove";
  readonly refersTo: string | undefined;
  readonly path: "spec.to" | "$owner";
  readonly guards: readonly { readonly name: string; readonly rule: "exists" | "alive" | "unreferenced" }[];
}

const command: fc.Arbitrary<Command> = fc.record({
  name,
  space,
  belief: fc.constantFrom("true", "true", "true", "stale", "none"),
  action: fc.constantFrom("keep", "keep", "end", "remove"),
  refersTo: fc.option(name, { nil: undefined }),
  path: fc.constantFrom("spec.to", "$owner"),
  guards: fc.array(fc.record({ name, rule: fc.constantFrom("exists", "alive", "unreferenced") }), { maxLength: 2 }),
});

function toWrite(given: Command, prefix: string, current: { readonly rv: number; readonly body: string } | undefined): Write {
  const key = keyOf(given.name, "things", `${prefix}-${given.space}`);
  const target = (of: string) => keyOf(of, "things", `${prefix}-${given.space}`);
  const references: ReferenceRow[] | undefined =
    given.refersTo === undefined ? undefined : [{ path: given.path, wakerQueue: "things", wakerKey: given.name, target: target(given.refersTo), waitsFor: 0 }];
  return writeOf(key, {
    expectRv: given.belief === "none" ? 0 : (current?.rv ?? 0) + (given.belief === "stale" ? 1 : 0),
    prevBody: current?.body,
    remove: given.action === "remove",
    terminating: given.action === "end",
    references,
    guards: given.guards.map((guard): Guard => ({
      target: target(guard.name),
      mustExist: guard.rule === "exists",
      ...(guard.rule === "unreferenced" ? { unreferenced: true } : {}),
    })),
  });
}

/** All that a store answers about one run, from every number and in small pages. */
async function seen(store: ObjectStore, prefix: string, fromRv: number): Promise<unknown[]> {
  const out: unknown[] = [];
  const now = await store.reader.currentRv();
  out.push(now);
  for (let after = fromRv; ;) {
    const page = await store.reader.changes({ afterRv: after, kind: "things", limit: 3 });
    out.push(page);
    after = page.readTo;
    if (!page.more) break;
  }
  for (const namespace of [`${prefix}-ns`, `${prefix}-other`]) {
    for (const atRv of [undefined, ...Array.from({ length: now - fromRv + 1 }, (_, n) => fromRv + n)]) {
      for (let after: { namespace: string; name: string } | undefined; ;) {
        const page = await store.reader.list({
          kind: "things",
          namespace,
          limit: 2,
          ...(after === undefined ? {} : { after }),
          ...(atRv === undefined ? {} : { atRv }),
        });
        out.push(page);
        if (page.next === undefined) break;
        after = page.next;
        if (atRv === undefined) out.push(await store.reader.countBehind({ kind: "things", namespace, after }));
      }
    }
    for (const each of names) {
      const key = keyOf(each, "things", namespace);
      out.push(await store.reader.get(key), await store.references.users(key, 2), await store.references.referrers(key, 10));
      out.push(await store.references.referrersOfKind(key, "things"));
      const [first] = await store.references.dependents(key, "", 1);
      out.push(first, first === undefined ? [] : await store.references.dependents(key, `${first.kind}|${first.namespace}|${first.name}`, 10));
    }
  }
  return out;
}

function openMemory(options: { readonly stepsKept?: number } = {}): Promise<MemoryStore> {
  return openMemoryStore({ clock: systemClock, log: silentLogger, stepsKept: 1_000_000, ...options });
}

test("S2, S3, K6: memory answers every sequence of writes, and every read after it, as PostgreSQL does", async () => {
  await using lab = await openLab();
  const database = await lab.open();
  await using memory = await openMemory();
  expect(await memory.reader.currentRv()).toBe(await database.reader.currentRv());
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 12 }), async (commands) => {
      const prefix = `run-${run++}`;
      const fromRv = await database.reader.currentRv();
      for (const given of commands) {
        const key = keyOf(given.name, "things", `${prefix}-${given.space}`);
        const write = toWrite(given, prefix, await database.reader.get(key));
        expect(await memory.writer.write(write)).toEqual(await database.writer.write(write));
      }
      expect(await seen(memory, prefix, fromRv)).toEqual(await seen(database, prefix, fromRv));
    }),
    { numRuns: 40 },
  );
});

test("S3: in memory, subscribers from any number get every later change once, in order, while many write", async () => {
  await using memory = await openMemory();
  const started = await memory.reader.currentRv();
  const heard = new Map<number, number[]>();
  for (let n = 0; n < 30; n++) {
    const [result] = await Promise.all([memory.writer.write(writeOf(keyOf(`thing-${n}`))), memory.writer.write(writeOf(keyOf("twice")))]);
    expect(result.outcome).toBe("written");
    const from = await memory.reader.currentRv();
    const rvs: number[] = [];
    heard.set(from, rvs);
    await memory.feed.subscribe("things", from, (changes) => rvs.push(...changes.map((change) => change.rv)));
  }
  const { changes } = await memory.reader.changes({ afterRv: started, limit: 1_000 });
  expect(changes).toHaveLength(31);
  for (const [from, rvs] of heard) expect(rvs, `from ${from}`).toEqual(changes.filter((change) => change.rv > from).map((change) => change.rv));
});

test("S4: in memory, what was compacted is expired, for lists and for watches, and a number to come is too large", async () => {
  await using memory = await openMemory({ stepsKept: 5 });
  const started = await memory.reader.currentRv();
  for (let n = 0; n < 40; n++) await memory.writer.write(writeOf(keyOf(`thing-${n}`)));
  const now = await memory.reader.currentRv();
  await expect(memory.reader.list({ kind: "things", limit: 10, atRv: started })).rejects.toMatchObject({ code: "TP_EXPIRED" });
  await expect(memory.feed.subscribe("things", started, () => {})).rejects.toMatchObject({ code: "TP_EXPIRED" });
  await expect(memory.reader.list({ kind: "things", limit: 10, atRv: now + 1 })).rejects.toMatchObject({ code: "TP_VERSION_TOO_LARGE" });
  const kept = await memory.reader.list({ kind: "things", limit: 100, atRv: now - 5 });
  expect(kept.items).toHaveLength(35);
});

test("a write that must prove a lease is refused in memory, where nothing is leased, and its number is used up", async () => {
  await using memory = await openMemory();
  const before = await memory.reader.currentRv();
  expect(await memory.writer.write(writeOf(keyOf("thing"), { fence: { queue: "things", key: "ns/thing", token: 1 } }))).toEqual({ outcome: "lease-lost" });
  expect(await memory.reader.currentRv()).toBe(before + 1);
  expect(await memory.reader.get(keyOf("thing"))).toBeUndefined();
});

test("a memory store waits for nothing: no timer is set, and who opened it is told of each change before its writer is", async () => {
  const waited: number[] = [];
  const clock: Clock = { ...systemClock, after: (ms, call) => (waited.push(ms), systemClock.after(ms, call)) };
  const told: Change[] = [];
  await using memory = await openMemoryStore({ clock, log: silentLogger, onChange: (change) => told.push(change) });
  const result = await memory.writer.write(writeOf(keyOf("thing")));
  expect(told.map((change) => change.rv)).toEqual([result.outcome === "written" ? result.rv : 0]);
  expect(waited).toEqual([]);
});

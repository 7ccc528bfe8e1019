// The two ways to commit a group against each other: whatever is written, both answer the same and leave the same rows.
import fc from "fast-check";
import { expect, test } from "vitest";
import { commitAtOnce, commitInSteps } from "./commit.ts";
import { openDatabase } from "./database.ts";
import { keyOf, openLab, writeOf, type Lab } from "./proofs/lab.ts";
import { takeGroup } from "./take-group.ts";
import type { Fence, Guard, Write } from "./types.ts";

interface Command {
  readonly name: string;
  readonly action: "put" | "end" | "remove";
  readonly belief: "newest" | "none" | "stale";
  readonly changes: number;
  readonly priority: 0 | 1 | 2;
  readonly refersTo: readonly string[] | undefined;
  readonly guards: readonly { readonly name: string; readonly rule: "alive" | "exists" | "unreferenced" }[];
  readonly wake: readonly string[];
  readonly fence: "none" | "held" | "lost";
  readonly data: string;
}

const name = fc.constantFrom("a", "b", "c", "d", "é|'\"\\{},");
const command: fc.Arbitrary<Command> = fc.record({
  name,
  action: fc.constantFrom("put", "put", "put", "end", "remove"),
  belief: fc.constantFrom("newest", "newest", "newest", "none", "stale"),
  changes: fc.constantFrom(0, 1, 2, 15),
  priority: fc.constantFrom(0, 1, 2),
  refersTo: fc.option(fc.uniqueArray(name, { maxLength: 2 }), { nil: undefined }),
  guards: fc.array(fc.record({ name, rule: fc.constantFrom("alive", "exists", "unreferenced") }), { maxLength: 2 }),
  wake: fc.array(fc.constantFrom("w1", "w2"), { maxLength: 2 }),
  fence: fc.constantFrom("none", "none", "none", "held", "lost"),
  data: fc.string({ unit: "grapheme", maxLength: 10 }).filter((text) => !text.includes("\u0000")),
});
const turns = fc.array(fc.array(command, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 6 });

const fences: Readonly<Record<Command["fence"], Fence | undefined>> = {
  none: undefined,
  held: { queue: "things", key: "holder", token: 2 ** 33 + 7 },
  lost: { queue: "things", key: "holder", token: 8 },
};

function toWrite(given: Command, namespace: string, current: number): Write {
  const key = keyOf(given.name, "things", namespace);
  return writeOf(key, {
    expectRv: given.belief === "none" ? 0 : current + (given.belief === "stale" ? 1 : 0),
    uid: `uid-${namespace}-${given.name}`,
    data: given.data,
    remove: given.action === "remove",
    terminating: given.action === "end",
    changes: given.changes,
    priority: given.priority,
    wake: given.wake.map((of) => ({ queue: "things", key: of })),
    fence: fences[given.fence],
    guards: given.guards.map(({ name: target, rule }): Guard => ({
      target: keyOf(target, "things", namespace),
      mustExist: rule === "exists",
      unreferenced: rule === "unreferenced",
    })),
    ...(given.refersTo === undefined
      ? {}
      : {
          references: given.refersTo.map((target) => ({
            path: "spec.to",
            wakerQueue: "things",
            wakerKey: given.name,
            target: keyOf(target, "things", namespace),
            waitsFor: 5,
          })),
        }),
  });
}

async function rows(lab: Lab): Promise<unknown> {
  return {
    counter: await lab.sql("SELECT rv FROM counter"),
    version: await lab.sql("SELECT rv, kind, namespace, name, uid, prev_rv, deleted, body, schema_version FROM version ORDER BY rv"),
    object: await lab.sql("SELECT * FROM object ORDER BY kind, namespace, name"),
    reference: await lab.sql("SELECT * FROM reference ORDER BY source_namespace, source_name, target_name, path"),
    work: await lab.sql(
      "SELECT queue, key, priority, generation, attempts, mask, fence, lease_owner, cursor, due_at <= now() AS due FROM work ORDER BY queue, key",
    ),
  };
}

test("S2, S5, Q3: a group that goes in one round trip ends as one that goes step by step: same answers, same rows", async () => {
  await using atOnceLab = await openLab();
  await using stepsLab = await openLab();
  await using atOnce = openDatabase(atOnceLab.connection, { connectionsMax: 1 });
  await using steps = openDatabase(stepsLab.connection, { connectionsMax: 1 });
  const { sealer } = await stepsLab.open();
  for (const lab of [atOnceLab, stepsLab]) {
    await lab.sql(
      `INSERT INTO work (queue, key, priority, due_at, generation, lease_owner, fence) VALUES ('things', 'holder', 0, now() + interval '1 hour', 1, 'me', ${2 ** 33 + 7})`,
    );
  }
  let run = 0;
  await fc.assert(
    fc.asyncProperty(turns, async (script) => {
      const namespace = `run-${run++}`;
      const current = new Map<string, number>();
      for (const commands of script) {
        let waiting = commands.map((given) => ({ write: toWrite(given, namespace, current.get(given.name) ?? 0) }));
        while (waiting.length > 0) {
          const { group, rest } = takeGroup(waiting);
          waiting = rest;
          const writes = group.map((item) => item.write);
          const [one, other] = await Promise.all([commitAtOnce(atOnce, writes), commitInSteps(steps, sealer, writes)]);
          expect(one).toEqual(other);
          for (const change of one.committed.changes) current.set(change.key.name, change.deleted ? 0 : change.rv);
        }
      }
    }),
    { numRuns: 60 },
  );
  expect(await rows(atOnceLab)).toEqual(await rows(stepsLab));
});

test("S1, S2: a group in one round trip that the database refuses leaves nothing, not even its numbers, and the connection goes on", async () => {
  await using lab = await openLab();
  await using database = openDatabase(lab.connection, { connectionsMax: 1 });
  const before = await rows(lab);
  const poisoned = [writeOf(keyOf("good")), writeOf(keyOf("a\u0000b"))];
  for (let time = 0; time < 2; time++) {
    await expect(commitAtOnce(database, poisoned)).rejects.toMatchObject({ code: "TP_INVALID" });
    expect(await rows(lab)).toEqual(before);
  }
  expect((await commitAtOnce(database, [writeOf(keyOf("good"))])).results[0]?.outcome).toBe("written");
});

test("S2: groups of two processes in one round trip each see all that was committed before them, whatever the server's default isolation is", async () => {
  await using lab = await openLab();
  await lab.sql("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable', current_database()); END $$");
  await using one = openDatabase(lab.connection, { connectionsMax: 1 });
  await using other = openDatabase(lab.connection, { connectionsMax: 1 });
  const rounds = 50;
  let rv = 0;
  for (let round = 0; round < rounds; round++) {
    const write = writeOf(keyOf("shared"), { expectRv: rv });
    const outcomes = (await Promise.all([commitAtOnce(one, [write]), commitAtOnce(other, [write])])).map(({ results }) => results[0]);
    const written = outcomes.find((result) => result?.outcome === "written");
    rv = written?.outcome === "written" ? written.rv : -1;
    expect(outcomes.map((result) => result?.outcome).toSorted(), `round ${round}`).toEqual(["conflict", "written"]);
    expect(outcomes.find((result) => result?.outcome === "conflict")).toEqual({ outcome: "conflict", currentRv: rv });
  }
});

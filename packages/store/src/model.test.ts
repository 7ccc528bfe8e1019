// Random turns of writes against a model of a dozen lines: whatever is grouped, retried or split, the outcome is that of one write after another.
// Calls of one turn have no order among themselves but the one that takeGroup gives them.
import fc from "fast-check";
import { expect, test } from "vitest";
import { keyOf, openLab, writeOf, type Lab } from "./proofs/lab.ts";
import type { Store } from "./store.ts";
import { takeGroup } from "./take-group.ts";
import { fanoutQueue, formatKey, type Guard, type ObjectKey, type Write } from "./types.ts";

interface Command {
  readonly name: string;
  readonly action: "put" | "end" | "remove";
  /** Which version the writer believes to be current. */
  readonly belief: "newest" | "none" | "stale";
  readonly changes: number;
  readonly refersTo: string | undefined | "nobody";
  readonly guards: readonly { readonly name: string; readonly rule: "alive" | "exists" | "unreferenced" }[];
}

const name = fc.constantFrom("a", "b", "c", "d");
const command: fc.Arbitrary<Command> = fc.record({
  name,
  action: fc.constantFrom("put", "put", "put", "end", "remove"),
  belief: fc.constantFrom("newest", "newest", "newest", "newest", "none", "stale"),
  changes: fc.constantFrom(0, 1, 2),
  refersTo: fc.option(fc.oneof(name, fc.constant("nobody")), { nil: undefined }),
  guards: fc.array(fc.record({ name, rule: fc.constantFrom("alive", "exists", "unreferenced") }), { maxLength: 2 }),
});
const turns = fc.array(fc.record({ replica: fc.constantFrom(0, 1), commands: fc.array(command, { minLength: 1, maxLength: 6 }) }), {
  minLength: 1,
  maxLength: 8,
});

interface ModelObject {
  readonly rv: number;
  readonly terminating: boolean;
}

/** The whole of the store's write rules. */
class Model {
  readonly objects = new Map<string, ModelObject>();
  /** Who refers to whom, for changes of bit 1. */
  readonly references = new Map<string, string>();
  readonly wakes = new Set<string>();
  /** A reference that goes in the same turn as its target changes may still cause a fan-out, which then finds nobody. */
  readonly mayWake = new Set<string>();
  readonly log: string[] = [];

  judge(given: Command, expectRv: number, rv: number): string {
    const current = this.objects.get(given.name);
    if ((current?.rv ?? 0) !== expectRv) return "conflict";
    const failed = given.guards.findIndex((guard) => !this.holds(guard));
    if (failed >= 0) return `refused ${failed}`;
    this.log.push(`${given.name} ${given.action === "remove" ? "deleted" : "kept"} after ${current?.rv ?? 0}`);
    if (given.action === "remove") {
      this.objects.delete(given.name);
      this.references.delete(given.name);
    } else {
      this.objects.set(given.name, { rv, terminating: given.action === "end" });
      if (given.refersTo === "nobody") this.references.delete(given.name);
      else if (given.refersTo !== undefined) this.references.set(given.name, given.refersTo);
    }
    // Judged with the references before this write: an object that refers to itself from now on knows its own state.
    return "written";
  }

  private holds({ name: target, rule }: Command["guards"][number]): boolean {
    const object = this.objects.get(target);
    if (rule === "unreferenced") return ![...this.references].some(([source, to]) => to === target && this.objects.get(source)?.terminating === false);
    return object === undefined ? rule === "alive" : !object.terminating;
  }
}

async function play(
  lab: Lab,
  stores: readonly Store[],
  namespace: string,
  script: readonly { replica: number; commands: readonly Command[] }[],
): Promise<void> {
  const model = new Model();
  const key = (of: string): ObjectKey => keyOf(of, "things", namespace);
  const startRv = await lab.sql<{ rv: string }>("SELECT rv FROM counter");
  for (const { replica, commands } of script) {
    const store = stores[replica];
    if (store === undefined) throw new Error("no such replica");
    const beliefs = commands.map((given) => (given.belief === "none" ? 0 : (model.objects.get(given.name)?.rv ?? 0) + (given.belief === "stale" ? 1 : 0)));
    const writes = commands.map((given, index) => toWrite(given, beliefs[index] ?? 0, key));
    const referredAtFirst = new Set(model.references.values());
    const results = await Promise.all(writes.map((write) => store.writer.write(write)));
    for (const index of orderOf(writes)) {
      const result = results[index];
      const given = commands[index];
      if (given === undefined) throw new Error("each write has its command");
      const before = [...model.references].filter(([, target]) => target === given.name).map(([source]) => source);
      const expected = model.judge(given, beliefs[index] ?? 0, result?.outcome === "written" ? result.rv : -1);
      if (expected === "written" && (given.changes & 1) !== 0) {
        if (before.length > 0) model.wakes.add(formatKey(key(given.name)));
        if (referredAtFirst.has(given.name)) model.mayWake.add(formatKey(key(given.name)));
      }
      const actual =
        result?.outcome === "refused"
          ? `refused ${given.guards.findIndex((guard) => result.guard.target.name === guard.name && ruleOf(result.guard) === guard.rule)}`
          : result?.outcome;
      expect(actual, `write ${index} of the turn`).toBe(expected);
      if (result?.outcome === "conflict") expect(result.currentRv).toBe(model.objects.get(given.name)?.rv ?? 0);
    }
  }
  const listed = await stores[0]?.reader.list({ kind: "things", namespace, limit: 100 });
  expect(listed?.items.map((item) => [item.key.name, item.rv])).toEqual([...model.objects].sort().map(([of, { rv }]) => [of, rv]));
  const log = await stores[1]?.reader.changes({ afterRv: Number(startRv[0]?.rv), kind: "things", limit: 1_000 });
  expect(log?.changes.map((change) => `${change.key.name} ${change.deleted ? "deleted" : "kept"} after ${change.prevRv}`)).toEqual(model.log);
  const references = await lab.sql<{ source_name: string; target_name: string }>(
    "SELECT source_name, target_name FROM reference WHERE source_namespace = $1 ORDER BY 1, 2",
    [namespace],
  );
  expect(references.map((row) => [row.source_name, row.target_name])).toEqual([...model.references].sort());
  const fanouts = await lab.sql<{ key: string }>("SELECT key FROM work WHERE queue = $1 AND key LIKE $2 ORDER BY key", [fanoutQueue, `things|${namespace}|%`]);
  const woken = fanouts.map((row) => row.key);
  expect(woken).toEqual(expect.arrayContaining([...model.wakes]));
  expect(woken.filter((target) => !model.wakes.has(target) && !model.mayWake.has(target))).toEqual([]);
}

function orderOf(writes: readonly Write[]): number[] {
  const order: number[] = [];
  for (let waiting = writes.map((write, index) => ({ write, index })); waiting.length > 0;) {
    const { group, rest } = takeGroup(waiting);
    order.push(...group.map((item) => item.index));
    waiting = rest;
  }
  return order;
}

function toWrite(given: Command, expectRv: number, key: (name: string) => ObjectKey): Write {
  const { refersTo } = given;
  const references =
    refersTo === "nobody"
      ? []
      : refersTo === undefined
        ? undefined
        : [{ path: "spec.to", wakerQueue: "things", wakerKey: given.name, target: key(refersTo), waitsFor: 1 }];
  const guards = given.guards.map((guard): Guard => ({
    target: key(guard.name),
    mustExist: guard.rule === "exists",
    unreferenced: guard.rule === "unreferenced",
  }));
  return writeOf(key(given.name), {
    expectRv,
    remove: given.action === "remove",
    terminating: given.action === "end",
    changes: given.changes,
    references,
    guards,
  });
}

function ruleOf(guard: Guard): string {
  return guard.unreferenced === true ? "unreferenced" : guard.mustExist ? "exists" : "alive";
}

test("S2, S5, K6: any sequence of turns of writes ends as the same writes one after another", async () => {
  await using lab = await openLab();
  const stores = [await lab.open(), await lab.open()];
  let run = 0;
  await fc.assert(
    fc.asyncProperty(turns, (script) => play(lab, stores, `run-${run++}`, script)),
    { numRuns: 100 },
  );
});

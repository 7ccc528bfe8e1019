/** One replica: writes at random against the others' writes, and watches. Prints the acknowledged numbers and a journal for each watch. */
import type { Store } from "../store.ts";
import { dice, type Dice } from "./dice.ts";
import { keyOf, openLabStore, writeOf } from "./lab.ts";
import { runProgram } from "./spawn.ts";
import { keepJournal, type JournalInput } from "./watch-journal.ts";

export interface ReplicaInput {
  readonly seed: number;
  readonly writes: number;
  readonly kinds: readonly string[];
  readonly names: number;
  readonly watches: readonly JournalInput[];
  readonly store: { readonly notify: boolean; readonly pollMs: number; readonly ringBytesMax?: number };
}

/** Callers that write at the same time, so that groups form. */
const callers = 6;

await runProgram<ReplicaInput>(async ({ input, connection, print }) => {
  await using store = await openLabStore(connection, input.store);
  const journals = input.watches.map((watch, index) => keepJournal(store, dice(input.seed + index), watch));
  const acknowledged: number[] = [];
  await Promise.all(Array.from({ length: callers }, (_, caller) => writeAtRandom(store, dice(input.seed * 100 + caller), input, acknowledged)));
  print(`acknowledged ${JSON.stringify(acknowledged)}`);
  const all = await Promise.all(journals);
  all.forEach((journal, index) => {
    print(`journal ${index} ${journal.from} ${JSON.stringify(journal.state ?? null)}`);
    for (const line of journal.lines) print(`seen ${index} ${line}`);
  });
});

async function writeAtRandom(store: Store, chance: Dice, input: ReplicaInput, acknowledged: number[]): Promise<void> {
  for (let turn = 0; turn < input.writes / callers; turn++) {
    const key = keyOf(`thing-${String(chance.below(input.names)).padStart(3, "0")}`, chance.pick(input.kinds));
    const current = await store.reader.get(key);
    const stale = chance.chance(0.1) ? 1 : 0; // a number that is not current: must be refused
    const base = { expectRv: (current?.rv ?? 0) + stale, prevBody: current?.body, data: "x".repeat(chance.below(400)) };
    const write = current !== undefined && chance.chance(0.2) ? { ...base, remove: true } : base;
    const result = await store.writer.write(writeOf(key, write));
    if (result.outcome !== "written") continue;
    if (stale === 1) throw new Error(`a stale write of ${key.name} was accepted as ${result.rv}`);
    acknowledged.push(result.rv);
  }
}

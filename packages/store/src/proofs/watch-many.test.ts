import { expect, test } from "vitest";
import { withSeed } from "./dice.ts";
import { keyOf, openLab, put, until, type Lab } from "./lab.ts";
import type { ReplicaInput } from "./replica-program.ts";
import { spawnProgram, type Program } from "./spawn.ts";
import { lineOf, short } from "./watch-journal.ts";

const endName = "zz-end";
const kinds = ["things", "others"] as const;
/** Bytes that hold a handful of changes: later subscribers must read the log. */
const tinyRing = 2_000;

test("S2, S3: every watcher of several processes that write and watch sees exactly the committed sequence of its kind, in order, once", () =>
  withSeed(watchMany));

async function watchMany(seed: number): Promise<void> {
  await using lab = await openLab();
  const local = await lab.open();
  // A state to begin with, so that numbers to start from and lists have something in them.
  for (let n = 0; n < 30; n++) for (const kind of kinds) await put(local, keyOf(`thing-${String(n).padStart(3, "0")}`, kind));
  const start = await local.reader.currentRv();
  const watches: ReplicaInput["watches"] = [
    { kind: "things", from: "list", endName },
    { kind: "others", from: start, endName },
    { kind: "things", from: Math.floor(start / 2), endName },
    { kind: "others", from: 1, endName },
  ];
  const common = { seed, kinds, names: 40, watches };
  const inputs: ReplicaInput[] = [
    { ...common, seed, writes: 360, store: { notify: true, pollMs: 400 } },
    { ...common, seed: seed + 1_000, writes: 360, store: { notify: false, pollMs: 15, ringBytesMax: tinyRing } },
    { ...common, seed: seed + 2_000, writes: 360, store: { notify: true, pollMs: 400, ringBytesMax: tinyRing } },
    { ...common, seed: seed + 3_000, writes: 0, store: { notify: false, pollMs: 10, ringBytesMax: 0 } },
  ];
  await using stack = new AsyncDisposableStack();
  const programs = inputs.map((input) => stack.use(spawnProgram("replica-program", lab.connection, input)));
  await until(
    "the end of all writes",
    () => programs.every((program) => program.lines.some((line) => line.startsWith("acknowledged")) || !program.running),
    40_000,
  );
  const finals = new Map<string, Record<string, string>>();
  for (const kind of kinds) {
    await put(local, keyOf(endName, kind));
    const { items } = await local.reader.list({ kind, limit: 1_000 });
    finals.set(kind, Object.fromEntries(items.map((item) => [item.key.name, short(item.body)])));
  }
  const outputs = await Promise.all(programs.map((program: Program) => program.finished()));

  const committed = await committedLines(lab);
  const numbers = committed.map((line) => line.rv);
  expect(new Set(numbers).size).toBe(numbers.length);
  const acknowledged = outputs.flatMap((lines) => JSON.parse(lines.find((line) => line.startsWith("acknowledged"))?.slice(13) ?? "[]") as number[]);
  const byOthers = numbers.filter((rv) => rv > start).slice(0, -kinds.length); // the last ones are this test's
  expect(byOthers.length).toBeGreaterThan(300);
  expect(acknowledged.sort((a, b) => a - b)).toEqual(byOthers);

  for (const [replica, lines] of outputs.entries()) {
    for (const [index, watch] of watches.entries()) {
      const head = lines.find((line) => line.startsWith(`journal ${index} `)) ?? "";
      const from = Number(head.split(" ")[2]);
      const seen = lines.filter((line) => line.startsWith(`seen ${index} `)).map((line) => line.slice(`seen ${index} `.length));
      const expected = committed.filter((line) => line.kind === watch.kind && line.rv > from).map((line) => line.text);
      expect(seen, `replica ${replica}, watch ${index} from ${from}`).toEqual(expected);
      if (watch.from === "list") expect(JSON.parse(head.split(" ").slice(3).join(" ")), `replica ${replica}: list, then watch`).toEqual(finals.get(watch.kind));
    }
  }
}

async function committedLines(lab: Lab): Promise<{ rv: number; kind: string; text: string }[]> {
  const rows = await lab.sql<{ rv: string; kind: string; prev_rv: string; deleted: boolean; name: string; body: string; prev_body: string | null }>(
    "SELECT v.rv, v.kind, v.prev_rv, v.deleted, v.name, v.body, p.body AS prev_body FROM version v LEFT JOIN version p ON p.rv = v.prev_rv ORDER BY v.rv",
  );
  return rows.map((row) => ({
    rv: Number(row.rv),
    kind: row.kind,
    text: lineOf({
      rv: Number(row.rv),
      prevRv: Number(row.prev_rv),
      deleted: row.deleted,
      name: row.name,
      body: row.body,
      prevBody: row.prev_body ?? undefined,
    }),
  }));
}

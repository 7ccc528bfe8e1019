import { systemClock } from "@threeport/platform";
import { expect, test } from "vitest";
import { dice, withSeed } from "./dice.ts";
import { keyOf, openLab, put, until, type Lab } from "./lab.ts";
import { spawnProgram, type Program } from "./spawn.ts";

const keys = Array.from({ length: 60 }, (_, n) => `key-${String(n).padStart(2, "0")}`);
const leaseMs = 300;
const processes = 3;
const disturbances = 6;

/** The database itself keeps the journal: of every lease that begins while another one on the key lives, and of every write to the inventory. */
const journal = `
CREATE TABLE overlap (key text, old_fence bigint, new_fence bigint);
CREATE FUNCTION watch_lease() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.fence <> OLD.fence AND OLD.lease_owner IS NOT NULL THEN INSERT INTO overlap VALUES (OLD.key, OLD.fence, NEW.fence); END IF;
  IF NEW.lease_owner IS NULL AND OLD.lease_owner IS NOT NULL AND NEW.attempts > OLD.attempts AND OLD.due_at > clock_timestamp() AND NEW.due_at = OLD.due_at THEN
    INSERT INTO overlap VALUES (OLD.key, OLD.fence, -1); END IF;
  RETURN NEW; END $$;
CREATE TRIGGER watch_lease BEFORE UPDATE ON work FOR EACH ROW EXECUTE FUNCTION watch_lease();
CREATE TABLE recorded (id bigserial, owner text, token bigint);
CREATE FUNCTION watch_inventory() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO recorded (owner, token) VALUES (NEW.owner, NEW.uid::bigint); RETURN NEW; END $$;
CREATE TRIGGER watch_inventory BEFORE INSERT OR UPDATE ON inventory FOR EACH ROW EXECUTE FUNCTION watch_inventory();`;

test("Q1–Q4: workers of several processes, killed or paused at random, lose no key, share no key, and write nothing under a lease that has ended", () =>
  withSeed(killWorkers));

async function killWorkers(seed: number): Promise<void> {
  await using lab = await openLab();
  const store = await lab.open();
  await store.database.script(journal);
  const chance = dice(seed);
  const wanted = new Map<string, { rv: number; number: number }>();
  /** What a person does: the object and the work for it in one commit. */
  const want = async (key: string): Promise<void> => {
    const { rv, number } = wanted.get(key) ?? { rv: 0, number: 0 };
    wanted.set(key, {
      rv: await put(store, keyOf(key, "wanted"), { expectRv: rv, data: `number ${number + 1}`, wake: [{ queue: "wanted", key }] }),
      number: number + 1,
    });
  };
  await Promise.all(keys.map(want));
  await using stack = new AsyncDisposableStack();
  const start = (): Program => stack.use(spawnProgram("worker-program", lab.connection, { seed: chance.below(1e9), leaseMs }));
  const programs = Array.from({ length: processes }, start);
  let killing = true;
  const changeMind = async (): Promise<void> => {
    while (killing) {
      await want(chance.pick(keys));
      await systemClock.sleep(chance.below(8)); // the pace of the changes, not a wait for anything
    }
  };
  const disturb = async (n: number): Promise<void> => {
    const index = chance.below(processes);
    const victim = programs[index];
    if (victim === undefined) throw new Error("there are three");
    await until(`a worker that works before disturbance ${n}`, async () => {
      for (const program of programs) if (!program.running) throw new Error(`a worker ended by itself:\n${program.lines.join("\n")}`);
      return victim.lines.includes("ready") && (await writesOf(lab)) > n * 10;
    });
    if (n % 3 === 2) {
      victim.signal("SIGSTOP"); // a pause longer than the lease, in the middle of anything; then it goes on
      await systemClock.sleep(leaseMs * 3);
      victim.signal("SIGCONT");
    } else {
      await victim.kill();
      programs[index] = start();
    }
  };
  const changing = changeMind();
  try {
    for (let n = 0; n < disturbances; n++) await disturb(n);
  } finally {
    killing = false;
    await changing;
  }
  const unfinished = async (): Promise<string[]> => {
    const { items } = await store.reader.list({ kind: "done", limit: 1_000 });
    const done = new Map(items.map((item) => [item.key.name, Number(/number (\d+)/.exec(item.body)?.[1])]));
    return keys.filter((key) => done.get(key) !== wanted.get(key)?.number);
  };
  await until("every key to be done as last wanted", async () => (await unfinished()).length === 0 && (await store.queue.depth()).length === 0, 40_000);

  expect(await lab.sql("SELECT * FROM overlap")).toEqual([]);
  const writes = await lab.sql<{ name: string; body: string }>("SELECT name, body FROM version WHERE kind = 'done' ORDER BY rv");
  expectGrowing(writes.map((row) => [row.name, Number(/token (\d+)/.exec(row.body)?.[1])]));
  const recorded = await lab.sql<{ owner: string; token: string }>("SELECT owner, token FROM recorded ORDER BY id");
  expectGrowing(recorded.map((row) => [row.owner, Number(row.token)]));
  expect(new Set(writes.map((row) => row.name)).size).toBe(keys.length);
}

async function writesOf(lab: Lab): Promise<number> {
  const rows = await lab.sql<{ n: string }>("SELECT count(*) AS n FROM version WHERE kind = 'done'");
  return Number(rows[0]?.n);
}

/** For each key, no write under an older fence follows one under a newer. */
function expectGrowing(entries: readonly (readonly [key: string, token: number])[]): void {
  const newest = new Map<string, number>();
  for (const [key, token] of entries) {
    expect(token, `a late write of ${key}`).toBeGreaterThanOrEqual(newest.get(key) ?? 0);
    newest.set(key, token);
  }
}

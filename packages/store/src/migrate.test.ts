import { expect, test } from "vitest";
import { openDatabase } from "./database.ts";
import { migrate } from "./migrate.ts";
import { openLab, openLabStore } from "./proofs/lab.ts";
import { spawnProgram } from "./proofs/spawn.ts";
import { createTestDatabase } from "./testing/index.ts";

function emptyDatabase() {
  return createTestDatabase({ templateKey: "empty", migrate: () => Promise.resolve() });
}

test("two processes that start at once on an empty database apply each migration once, and both serve", async () => {
  await using created = await emptyDatabase();
  await using stack = new AsyncDisposableStack();
  const starts = [1, 2].map(() => stack.use(spawnProgram("open-program", created.connectionOptions, {})));
  const facts = await Promise.all(starts.map((program) => program.finished()));
  expect(facts[0]).toEqual(facts[1]); // what the first one stored, the second one read
  await using database = openDatabase(created.connectionOptions);
  const rows = await database.query<{ number: number }>({ name: "", text: "SELECT number FROM migration ORDER BY number" }, []);
  expect(rows[0]?.number).toBe(1);
});

test("many replicas that migrate in the same instant do not trip over each other", async () => {
  for (let round = 0; round < 4; round++) {
    await using created = await emptyDatabase();
    await using stack = new AsyncDisposableStack();
    const databases = Array.from({ length: 6 }, () => stack.use(openDatabase(created.connectionOptions, { connectionsMax: 1 })));
    await Promise.all(databases.map((database) => database.query({ name: "", text: "SELECT 1" }, []))); // connected before the race begins
    await Promise.all(databases.map((database) => migrate(database)));
  }
});

test("a database that a newer version wrote is refused with what to do, and nothing in it is changed", async () => {
  await using lab = await openLab();
  await lab.sql("INSERT INTO migration (number, name) VALUES (9999, '9999-from-the-future.sql')");
  await expect(openLabStore(lab.connection)).rejects.toThrow(
    /newer version of the control plane \(schema 9999, this program knows \d+\); start that version, or restore a backup/,
  );
  expect(await lab.sql("SELECT 1 FROM data_key")).toEqual([]);
});

test("migrating again changes nothing", async () => {
  await using lab = await openLab();
  await using database = openDatabase(lab.connection);
  const before = await lab.sql("SELECT * FROM migration");
  await migrate(database);
  expect(await lab.sql("SELECT * FROM migration")).toEqual(before);
});

test("a process that is killed in the middle of a migration leaves nothing of it, and the next start does it all", async () => {
  await using created = await emptyDatabase();
  await using database = openDatabase(created.connectionOptions);
  await expect(
    database.transaction(async (tx) => {
      await tx.query({ name: "", text: "CREATE TABLE counter (half int)" }, []);
      await tx.query({ name: "", text: "SELECT pg_terminate_backend(pg_backend_pid())" }, []);
    }),
  ).rejects.toMatchObject({ code: "TP_DATABASE_UNAVAILABLE" });
  await migrate(database);
  expect(await database.query({ name: "", text: "SELECT rv FROM counter" }, [])).toEqual([{ rv: "1" }]);
});

import pg from "pg";
import { expect, test } from "vitest";
import type { ConnectionOptions } from "../embedded/connection-options.ts";
import { withClient } from "../embedded/sign-in.ts";
import { createTestDatabase } from "./create-test-database.ts";
import { testCluster } from "./test-cluster.ts";

async function names(prefix: string): Promise<string[]> {
  const { rows } = await withClient(await testCluster(), (client) =>
    client.query<{ datname: string }>("SELECT datname FROM pg_database WHERE datname LIKE $1 ORDER BY 1", [`${prefix}%`]),
  );
  return rows.map(({ datname }) => datname);
}

function countingMigration(): { migrate: (connection: ConnectionOptions) => Promise<void>; runs: () => number } {
  let runs = 0;
  return {
    runs: () => runs,
    async migrate(connection) {
      runs++;
      await withClient(connection, (client) => client.query("CREATE TABLE thing (id int PRIMARY KEY); INSERT INTO thing VALUES (1)"));
    },
  };
}

test("Tests that ask at the same time share one migration and get databases of their own", async () => {
  const { migrate, runs } = countingMigration();
  const ask = () => createTestDatabase({ migrate, templateKey: "shared-by-four" });
  const [first, second, third, fourth] = await Promise.all([ask(), ask(), ask(), ask()]);
  try {
    expect(runs()).toBe(1);
    await withClient(first.connectionOptions, (client) => client.query("INSERT INTO thing VALUES (2)"));
    const { rows } = await withClient(second.connectionOptions, (client) => client.query("SELECT id FROM thing"));
    expect(rows).toEqual([{ id: 1 }]);
  } finally {
    for (const database of [first, second, third, fourth]) await database[Symbol.asyncDispose]();
  }
});

test("A migration that fails is not taken for a template, and the next test tries again", async () => {
  const failing = createTestDatabase({ migrate: () => Promise.reject(new Error("broken migration")), templateKey: "fails-once" });
  await expect(failing).rejects.toThrow("broken migration");
  await using database = await createTestDatabase({ ...countingMigration(), templateKey: "fails-once" });
  const { rows } = await withClient(database.connectionOptions, (client) => client.query("SELECT id FROM thing"));
  expect(rows).toEqual([{ id: 1 }]);
});

test("Disposing drops the database although somebody is still connected", async () => {
  const database = await createTestDatabase({ ...countingMigration(), templateKey: "dropped" });
  const before = await names("test_");
  const client = new pg.Client(database.connectionOptions);
  client.on("error", () => {}); // being thrown out is what this test is about
  await client.connect();
  await database[Symbol.asyncDispose]();
  expect(before).toContain(database.connectionOptions.database);
  expect(await names("test_")).not.toContain(database.connectionOptions.database);
});

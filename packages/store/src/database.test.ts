import { createServer, type Server } from "node:net";
import { once } from "node:events";
import { isErrorCode } from "@threeport/resource";
import { expect, test } from "vitest";
import { openDatabase } from "./database.ts";
import { keyOf, openLab, put, until, writeOf, type Lab } from "./proofs/lab.ts";
import type { Store } from "./store.ts";

/** Ends every connection of the stores of this lab, but not the lab's own. */
async function killConnections(lab: Lab): Promise<number> {
  const rows = await lab.sql(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'threeport%' AND query NOT LIKE '%pg_terminate_backend%'",
  );
  return rows.length;
}

test("F5: with connections killed again and again while many write, every acknowledged write is there, none is there in part, and the feed goes on", async () => {
  await using lab = await openLab();
  const store = await lab.open({ notify: true });
  const watcher = await lab.open({ notify: true });
  const seen: number[] = [];
  using _watch = await watcher.feed.subscribe("things", await watcher.reader.currentRv(), (changes) => seen.push(...changes.map((change) => change.rv)));
  const acknowledged = new Set<number>();
  let failed = 0;
  let writing = true;
  const write = async (caller: number): Promise<void> => {
    for (let n = 0; writing; n++) {
      const key = keyOf(`thing-${caller}-${n}`);
      const wake = [{ queue: "things", key: `ns/${key.name}` }];
      try {
        const result = await store.writer.write(
          writeOf(key, { wake, references: [{ path: "spec.a", wakerQueue: "things", wakerKey: key.name, target: keyOf("shared"), waitsFor: 1 }] }),
        );
        if (result.outcome === "written") acknowledged.add(result.rv);
      } catch (error) {
        if (!isErrorCode(error, "TP_DATABASE_UNAVAILABLE")) throw error;
        failed++;
      }
    }
  };
  const callers = Array.from({ length: 8 }, (_, caller) => write(caller));
  for (let kills = 0; kills < 15; kills++) {
    const before = acknowledged.size;
    await until("a connection to kill", async () => (await killConnections(lab)) > 0);
    await until("writes after a kill", () => acknowledged.size > before);
  }
  writing = false;
  await Promise.all(callers);
  expect(failed).toBeGreaterThan(0);

  const committed = (await lab.sql<{ rv: string }>("SELECT rv FROM version ORDER BY rv")).map((row) => Number(row.rv));
  const there = new Set(committed);
  expect([...acknowledged].filter((rv) => !there.has(rv))).toEqual([]);
  // an unacknowledged write is there whole or not at all: version, object, reference and work row stand or fall together
  const partial = await lab.sql(
    `SELECT v.name FROM version v LEFT JOIN object o ON o.rv = v.rv LEFT JOIN work w ON w.key = v.namespace || '/' || v.name LEFT JOIN reference r ON r.source_name = v.name
     WHERE o.rv IS NULL OR w.key IS NULL OR r.path IS NULL`,
  );
  expect(partial).toEqual([]);
  await until("the feed to hand on everything", () => seen.length >= committed.length);
  expect(seen).toEqual(committed);
});

test("F5: a LISTEN connection that is killed more often than the pool has connections costs hints only: the feed polls, listens again, and the pool is whole", async () => {
  await using lab = await openLab();
  const writer = await lab.open({ notify: true });
  const watcher = await lab.open({ notify: true, pollMs: 10, connectionsMax: 2 });
  const seen: string[] = [];
  using _watch = await watcher.feed.subscribe("things", await watcher.reader.currentRv(), (changes) => seen.push(...changes.map((change) => change.key.name)));
  for (let round = 0; round < 3; round++) {
    await until("a listener to kill", async () => {
      const killed = await lab.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'");
      return killed.length > 0;
    });
    await put(writer, keyOf(`after-${round}`));
    await until("the change by polling", () => seen.includes(`after-${round}`));
  }
  expect(seen).toEqual(["after-0", "after-1", "after-2"]);
  await Promise.all(Array.from({ length: 6 }, () => watcher.reader.currentRv()));
});

test("F5: a statement beyond its time is ended by the server, and the caller may try again", async () => {
  await using lab = await openLab();
  await using database = openDatabase(lab.connection, { statementTimeoutMs: 50 });
  await expect(database.query({ name: "", text: "SELECT pg_sleep(30)" }, [])).rejects.toMatchObject({
    code: "TP_DATABASE_UNAVAILABLE",
    detail: { sqlState: "57014" },
  });
  expect(await database.query({ name: "", text: "SELECT 1 AS one" }, [])).toEqual([{ one: 1 }]);
});

test("F5: a server that stops answering in the middle costs its callers an error and a connection, and the next write goes through", async () => {
  await using lab = await openLab();
  const store = await lab.open({ statementTimeoutMs: 400, connectionsMax: 1, pollMs: 3_600_000 });
  const rows = await store.database.query<{ pid: number }>({ name: "", text: "SELECT pg_backend_pid() AS pid" }, []);
  const pid = rows[0]?.pid;
  if (pid === undefined) throw new Error("the server names its process");
  process.kill(pid, "SIGSTOP"); // that one connection's server process; the others go on
  try {
    await expect(store.writer.write(writeOf(keyOf("unanswered")))).rejects.toMatchObject({ code: "TP_DATABASE_UNAVAILABLE" });
    await put(store, keyOf("after"));
  } finally {
    process.kill(pid, "SIGCONT");
  }
});

test("F5: a write that waits too long for the counter fails for its caller, and the next one goes through", async () => {
  await using lab = await openLab();
  const store = await lab.open({ statementTimeoutMs: 400 });
  await using other = openDatabase(lab.connection);
  await other.transaction(async (tx) => {
    await tx.query({ name: "", text: "SELECT 1 FROM counter FOR UPDATE" }, []);
    await expect(store.writer.write(writeOf(keyOf("late")))).rejects.toMatchObject({ code: "TP_DATABASE_UNAVAILABLE" });
  });
  await put(store, keyOf("late"));
});

test("F5: a deadlock is resolved by running the loser again", async () => {
  await using lab = await openLab();
  await lab.sql(`ALTER DATABASE ${lab.connection.database} SET deadlock_timeout = '20ms'`); // how long the server waits before it looks for one
  const store = await lab.open();
  const [first, second] = [keyOf("first"), keyOf("second")];
  await put(store, first, { wake: [{ queue: "q", key: "a" }] });
  await put(store, second, { wake: [{ queue: "q", key: "b" }] });
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  let runs = 0;
  const lockBoth = (keys: readonly [string, string], mine: PromiseWithResolvers<void>, theirs: PromiseWithResolvers<void>) =>
    store.database.transaction(async (tx) => {
      runs++;
      await tx.query({ name: "", text: "UPDATE work SET attempts = attempts + 1 WHERE key = $1" }, [keys[0]]);
      mine.resolve();
      await theirs.promise;
      await tx.query({ name: "", text: "UPDATE work SET attempts = attempts + 1 WHERE key = $1" }, [keys[1]]);
    });
  await Promise.all([lockBoth(["a", "b"], ...gates), lockBoth(["b", "a"], gates[1], gates[0])]);
  expect(runs).toBeGreaterThan(2);
  expect(await lab.sql("SELECT key, attempts FROM work ORDER BY key")).toEqual([
    { key: "a", attempts: 2 },
    { key: "b", attempts: 2 },
  ]);
});

test("F5: a read-only server (a failover in progress) is unavailable, not a fault of ours", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  await lab.sql(`ALTER DATABASE ${lab.connection.database} SET default_transaction_read_only = on`);
  await killConnections(lab);
  await expect(store.writer.write(writeOf(keyOf("refused")))).rejects.toMatchObject({ code: "TP_DATABASE_UNAVAILABLE" });
});

const hostile: readonly { name: string; behave: (server: Server) => void }[] = [
  { name: "takes connections and says nothing", behave: () => {} },
  { name: "drops every connection at once", behave: (server) => server.on("connection", (socket) => socket.destroy()) },
];

for (const { name, behave } of hostile) {
  test(`F5: a server that ${name} is reported as unavailable`, async () => {
    const server = createServer();
    const sockets = new Set<import("node:net").Socket>();
    server.on("connection", (socket) => sockets.add(socket.on("error", () => {})));
    behave(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    try {
      const database = openDatabase({ host: "127.0.0.1", port: address.port, user: "nobody", database: "nothing", password: "-" }, { connectTimeoutMs: 50 });
      await expect(database.query({ name: "", text: "SELECT 1" }, [])).rejects.toMatchObject({ code: "TP_DATABASE_UNAVAILABLE" });
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  });
}

test("S2: whatever isolation the server prefers, writers on one object see each other", async () => {
  await using lab = await openLab();
  await lab.sql(`ALTER DATABASE ${lab.connection.database} SET default_transaction_isolation = 'repeatable read'`);
  const stores: readonly Store[] = [await lab.open(), await lab.open()];
  const written = await Promise.all(Array.from({ length: 40 }, (_, n) => stores[n % 2]?.writer.write(writeOf(keyOf(`thing-${n}`)))));
  expect(written.filter((result) => result?.outcome === "written")).toHaveLength(40);
});

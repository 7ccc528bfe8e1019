import { rename } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ConnectionOptions } from "./database.ts";
import { open, temporaryFolder } from "./embedded/testing/folders.ts";
import { keyOf, openLabStore, put, until } from "./proofs/lab.ts";
import type { Store } from "./store.ts";

/**
 * A server in a folder of its own that has heard of what the first one wrote so far, and lets the same users in. It is another database to PostgreSQL, as
 * one that was copied and made primary is another line of commits: both are told by the same name.
 */
async function makeSuccessor(like: ConnectionOptions, heard: (store: Store) => Promise<unknown>): Promise<AsyncDisposable & { readonly pgdata: string }> {
  const folder = await temporaryFolder();
  const server = await open(folder.dataDir);
  {
    await using store = await openLabStore(server.connectionOptions);
    await heard(store);
    await store.database.script(`ALTER ROLE ${String(like.user)} PASSWORD '${String(like.password)}'`);
  }
  await server.stop();
  return { pgdata: join(folder.dataDir, "pgdata"), [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

test("S4, F5: after a failover that lost commits, numbers that are given out again show nobody what they stood for before, and every watch is told to list again", async () => {
  await using folder = await temporaryFolder();
  const pgdata = join(folder.dataDir, "pgdata");
  let server = await open(folder.dataDir);
  await using store = await openLabStore(server.connectionOptions, { pollMs: 20, connectTimeoutMs: 2_000 });
  const writeKept = (to: Store) => put(to, keyOf("kept"), { data: "kept" });
  const kept = await writeKept(store);
  await using successor = await makeSuccessor(server.connectionOptions, writeKept);

  const lost = await put(store, keyOf("object"), { data: "lost" });
  await put(store, keyOf("lost-too"), { data: "lost" });
  let ended: unknown;
  const seen: string[] = [];
  using _watch = await store.feed.subscribe(
    "things",
    kept,
    (changes) => seen.push(...changes.map((change) => `${change.rv} ${change.body}`)),
    (error) => (ended = error),
  );
  expect((await store.listText({ kind: "things" }))?.bodies.map(String).join()).toContain('"lost"');
  await until("the feed to hear of both", () => seen.length === 2);
  expect(store.feed.newest(keyOf("object"))?.body).toContain('"lost"');
  await server.stop();

  await rename(pgdata, join(folder.path, "old-primary"));
  await rename(successor.pgdata, pgdata);
  server = await open(folder.dataDir);
  // Somebody else is first on the new primary, and gets the same numbers; more of them than were lost, so that no number looks out of place.
  {
    await using other = await openLabStore(server.connectionOptions);
    expect(await put(other, keyOf("object"), { data: "new" })).toBe(lost);
    for (const name of ["a", "b", "c"]) await put(other, keyOf(name), { data: "new" });
  }
  await until("the watch to be ended", () => ended !== undefined);
  expect(ended).toMatchObject({ code: "TP_EXPIRED" });
  const listed = await store.listText({ kind: "things" });
  expect(listed?.bodies.map(String).join()).not.toContain('"lost"');
  expect(listed?.bodies).toHaveLength(5);
  expect(store.feed.newest(keyOf("object"))?.body ?? "").not.toContain('"lost"');
  const fresh: string[] = [];
  using _again = await store.feed.subscribe("things", listed?.rv ?? 0, (changes) => fresh.push(...changes.map((change) => change.key.name)));
  await put(store, keyOf("after"), { data: "after" });
  await until("a watch from the new list to go on", () => fresh.includes("after"));
  expect(fresh).toEqual(["after"]);
  await server.stop();
});

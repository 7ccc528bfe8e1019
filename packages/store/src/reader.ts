import { PlatformError } from "@threeport/resource";
import type { Database } from "./database.ts";
import type { Sealer } from "./keys/sealer.ts";
import { createSharedGet } from "./shared-get.ts";
import { formatKey, type Change, type ObjectKey, type Version } from "./types.ts";

export interface ListPage {
  /** The number that the page is true for; a watch from here misses nothing. */
  readonly rv: number;
  /** At most `limit`, and fewer when their bodies are large. */
  readonly items: readonly Version[];
  /** Where the next page begins; undefined on the last one. */
  readonly next: { readonly namespace: string; readonly name: string } | undefined;
}

export interface ListInput {
  readonly kind: string;
  readonly namespace?: string;
  readonly limit: number;
  readonly after?: { readonly namespace: string; readonly name: string };
  /** Read the state as of this number; `TP_EXPIRED` when it was compacted. Without it: the newest. */
  readonly atRv?: number;
}

export interface ChangesPage {
  /** At most `limit`, and fewer when their bodies are large. */
  readonly changes: readonly Change[];
  /** Every change of the selection up to here is in this page or before it. */
  readonly readTo: number;
  /** There is more behind `readTo`. */
  readonly more: boolean;
}

export interface Reader {
  /** The object as last committed. Concurrent calls share one statement. */
  get(key: ObjectKey): Promise<Version | undefined>;
  list(input: ListInput): Promise<ListPage>;
  /** How many objects there are behind a place, now. */
  countBehind(input: {
    readonly kind: string;
    readonly namespace?: string;
    readonly after: { readonly namespace: string; readonly name: string };
  }): Promise<number>;
  /** Changes with numbers above `afterRv`, in order, and how far the log was read. `TP_EXPIRED` when some were compacted, `TP_VERSION_TOO_LARGE` above the counter. */
  changes(input: { readonly afterRv: number; readonly kind?: string; readonly limit: number }): Promise<ChangesPage>;
  currentRv(): Promise<number>;
}

interface Row {
  rv: string;
  kind: string;
  namespace: string;
  name: string;
  uid: string;
  body: string;
  [key: string]: unknown;
}

interface ChangeRow extends Row {
  counter: string;
  compacted_rv: string;
  prev_rv: string;
  deleted: boolean;
  prev_body: string | null;
  found: string | null;
}

/** Bodies of one page, as stored (large ones are compressed): bounds what a page takes in memory. The first one always comes. */
const pageBytesMax = 8 * 1024 * 1024;

/** The rows of `page` in order by namespace and name, cut where their bodies become many; `found` is how many it would have had. Sizes are taken without reading what is stored out of line. */
const boundedPage = (page: string): string => `
    SELECT b.* FROM (
      SELECT l.*, count(*) OVER () AS found, sum(pg_column_size(l.body)) OVER (ORDER BY l.namespace, l.name) - pg_column_size(l.body) AS bytes_before FROM (
    ${page}) l) b WHERE b.bytes_before < ${pageBytesMax} ORDER BY b.namespace, b.name`;

/** By its key, so that the planner knows that it is one row. */
const theCounter = "SELECT rv, compacted_rv FROM counter WHERE id = 1";

/** Where a page begins: behind a name of one namespace, or behind a namespace and name of all. Parameters 2 and 3. */
const place = (namespaced: boolean): string => (namespaced ? "namespace = $2 AND name > $3" : "(namespace, name) > ($2, $3)");

/**
 * One statement is one snapshot: the counter in it is the number that the page is true for. Served by object's primary key.
 * Measured on 100k objects of 20 kinds: 2 ms for a page of 100, wherever it begins.
 */
const listNewest = (namespaced: boolean) => ({
  name: `list_newest_${namespaced ? "ns" : "all"}`,
  text: `SELECT c.rv AS counter, p.* FROM (${theCounter}) c LEFT JOIN LATERAL (
    ${boundedPage(`SELECT v.rv, v.kind, o.namespace, o.name, v.uid, v.body FROM (
      SELECT namespace, name, rv FROM object WHERE kind = $1 AND ${place(namespaced)} ORDER BY namespace, name LIMIT $4) o
    JOIN version v ON v.rv = o.rv`)}) p ON true`,
});

/** Served by object's primary key, of which it reads all that is behind the place. */
const countBehind = (namespaced: boolean) => ({
  name: `count_behind_${namespaced ? "ns" : "all"}`,
  text: `SELECT count(*) AS behind FROM object WHERE kind = $1 AND ${place(namespaced)}`,
});

/** The state as of a number: the newest version at or below it of each key. Served by version_key. Measured as above: 1.5 ms for a page of 100. */
const listAt = (namespaced: boolean) => ({
  name: `list_at_${namespaced ? "ns" : "all"}`,
  text: `SELECT c.rv AS counter, c.compacted_rv, p.* FROM (${theCounter}) c LEFT JOIN LATERAL (
    ${boundedPage(`SELECT s.rv, s.kind, s.namespace, s.name, s.uid, s.body FROM (
      SELECT DISTINCT ON (${namespaced ? "" : "namespace, "}name) * FROM version
      WHERE kind = $1 AND rv <= $5 AND ${place(namespaced)} ORDER BY ${namespaced ? "" : "namespace, "}name, rv DESC) s
    WHERE NOT s.deleted ORDER BY ${namespaced ? "" : "s.namespace, "}s.name LIMIT $4`)}) p ON true`,
});

/** Served by version's primary key from `afterRv` on: 0.3 µs for each change of another kind that it passes. Sizes are taken without reading what is stored out of line. */
const changesAfter = (byKind: boolean) => ({
  name: `changes_after_${byKind ? "kind" : "all"}`,
  text: `SELECT c.rv AS counter, c.compacted_rv, p.* FROM (${theCounter}) c LEFT JOIN LATERAL (
    SELECT v.rv, v.kind, v.namespace, v.name, v.uid, v.body, v.prev_rv, v.deleted, q.body AS prev_body, v.found FROM (
      SELECT l.*, count(*) OVER () AS found, sum(pg_column_size(l.body)) OVER (ORDER BY l.rv) - pg_column_size(l.body) AS bytes_before FROM (
        SELECT rv, kind, namespace, name, uid, body, prev_rv, deleted FROM version WHERE rv > $1 ${byKind ? "AND kind = $3" : ""} ORDER BY rv LIMIT $2) l) v
    LEFT JOIN version q ON q.rv = v.prev_rv WHERE v.bytes_before < ${pageBytesMax} ORDER BY v.rv) p ON true`,
});

export function createReader(database: Database, sealer: Sealer): Reader {
  const toVersion = (row: Row): Version => {
    const key = { kind: row.kind, namespace: row.namespace, name: row.name };
    return { rv: Number(row.rv), key, uid: row.uid, body: openBody(row.body, key) };
  };
  const openBody = (body: string, key: ObjectKey): string => (body.charCodeAt(0) === 0x7b ? body : sealer.open(body, formatKey(key)));
  const stored = createSharedGet(database);

  return {
    async get(key) {
      const version = await stored(key);
      return version === undefined ? undefined : { rv: version.rv, key, uid: version.uid, body: openBody(version.body, key) };
    },
    async list(input) {
      const namespaced = input.namespace !== undefined;
      const values: unknown[] = [input.kind, input.namespace ?? input.after?.namespace ?? "", nameBefore(input), input.limit + 1];
      if (input.atRv !== undefined) values.push(input.atRv);
      const rows = await database.query<Row & { counter: string; compacted_rv?: string; found: string | null }>(
        input.atRv === undefined ? listNewest(namespaced) : listAt(namespaced),
        values,
      );
      const counter = Number(rows[0]?.counter ?? 0);
      if (input.atRv !== undefined) checkVersion(input.atRv, counter, Number(rows[0]?.compacted_rv ?? 0));
      const items = rows
        .filter((row) => row.rv !== null)
        .slice(0, input.limit)
        .map(toVersion);
      const found = Number(rows[0]?.found ?? 0);
      const last = items.at(-1);
      return {
        rv: input.atRv ?? counter,
        items,
        next: found > items.length && last !== undefined ? { namespace: last.key.namespace, name: last.key.name } : undefined,
      };
    },
    async countBehind({ kind, namespace, after }) {
      const rows = await database.query<{ behind: string }>(countBehind(namespace !== undefined), [kind, namespace ?? after.namespace, after.name]);
      return Number(rows[0]?.behind ?? 0);
    },
    async changes(input) {
      const values: unknown[] = [input.afterRv, input.limit];
      if (input.kind !== undefined) values.push(input.kind);
      const rows = await database.query<ChangeRow>(changesAfter(input.kind !== undefined), values);
      const counter = Number(rows[0]?.counter ?? 0);
      checkVersion(input.afterRv, counter, Number(rows[0]?.compacted_rv ?? 0));
      const changes = rows
        .filter((row) => row.rv !== null)
        .map((row) => {
          const version = toVersion(row);
          return {
            ...version,
            prevRv: Number(row.prev_rv),
            deleted: row.deleted,
            prevBody: row.prev_body === null ? undefined : openBody(row.prev_body, version.key),
          };
        });
      const found = Number(rows[0]?.found ?? 0);
      const more = found > changes.length || found === input.limit;
      return { changes, more, readTo: more ? (changes.at(-1)?.rv ?? input.afterRv) : counter };
    },
    currentRv: oncePerTurn(async () => {
      const rows = await database.query<{ rv: string }>({ name: "current_rv", text: "SELECT rv FROM counter WHERE id = 1" }, []);
      return Number(rows[0]?.rv);
    }),
  };
}

/** Calls that arrive in one turn of the loop share one read, which begins after all of them: thousands of watches may be opened at once. */
function oncePerTurn<T>(read: () => Promise<T>): () => Promise<T> {
  let next: Promise<T> | undefined;
  return () =>
    (next ??= new Promise((resolve) => setImmediate(resolve)).then(() => {
      next = undefined;
      return read();
    }));
}

/** Above every name. */
const lastName = "\u{10ffff}";

/** Where the page begins inside its namespace; the place before it may be one of another namespace. */
function nameBefore({ namespace, after }: ListInput): string {
  if (after === undefined) return "";
  if (namespace === undefined || after.namespace === namespace) return after.name;
  return after.namespace < namespace ? "" : lastName;
}

function checkVersion(rv: number, counter: number, compacted: number): void {
  if (rv > counter) {
    throw new PlatformError("TP_VERSION_TOO_LARGE", {
      message: `Timeout: Too large resource version: ${rv}, current: ${counter}`,
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
      retryAfterSeconds: 1,
    });
  }
  if (rv < compacted) throw new PlatformError("TP_EXPIRED", { message: `too old resource version: ${rv} (${compacted})` });
}

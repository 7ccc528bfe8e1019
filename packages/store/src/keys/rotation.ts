// Rotation of data keys (S7). What must always hold:
//   - a new data key seals every write as soon as a process has heard of it, and no process needs to hear of it to be right: who meets a key that it
//     does not know reads the keys again;
//   - data keys are never removed: a process that slept through a rotation may still write under an old one, and what it wrote must be readable.
//     Under an old key nothing is left once the resealing went through; what comes late is found by the next one;
//   - resealing changes no object: same number, same content, no event. It can stop anywhere: how far it came commits with what it did.
import type { Database, Queryable } from "../database.ts";
import { enqueue } from "../sql/enqueue.ts";
import { formatKey } from "../types.ts";
import { insertDataKey } from "./data-keys.ts";
import type { KeyEncryption } from "./key-encryption.ts";
import type { Sealer } from "./sealer.ts";

/** Queue of the one key that stands for resealing what old data keys sealed. */
export const resealQueue = "$reseal";
const resealWork = { queue: resealQueue, key: "data-keys", priority: 2, mask: 0, delayMs: 0 };
/** Told to all processes when there is a new data key. A hint: they also look by themselves. */
export const keysChannel = "threeport_keys";

/** Fact that says how far resealing has come; absent when nothing is under way. */
const cursorFact = "reseal.cursor";
/** Rows looked at, and characters of bodies changed, in one transaction: a few milliseconds, so that nobody waits for it. */
const batchRows = 200;
const batchCharacters = 4 * 1024 * 1024;

export interface DataKeyStatus {
  readonly id: string;
  readonly createdAt: Date;
  /** Name of the key-encryption key. */
  readonly wrappedBy: string;
  /** Rows that hold something sealed under it. */
  readonly rows: number;
}

/** Makes a new data key and the work of resealing, in one transaction. Returns its id. */
export async function rotateDataKey(database: Database, keyEncryption: KeyEncryption): Promise<string> {
  return database.transaction(async (tx) => {
    // Two rotations at once: the second waits here and makes the next key.
    await tx.query({ name: "", text: "SELECT 1 FROM data_key FOR UPDATE" }, []);
    const [newest] = await tx.query<{ id: string }>({ name: "", text: "SELECT max(id::int)::text AS id FROM data_key" }, []);
    const id = String(Number(newest?.id ?? 0) + 1);
    await insertDataKey(tx, id, keyEncryption);
    await askForResealing(tx);
    await tx.query({ name: "", text: `NOTIFY ${keysChannel}` }, []);
    return id;
  });
}

/** Everything is looked at once more: by the one who made a new key, and by each process that heard of it late and may have sealed under the old one meanwhile. */
export async function askForResealing(tx: Queryable): Promise<void> {
  await enqueue(tx, [resealWork]);
}

/** Full scans: for people, not for programs. */
export async function dataKeyStatus(database: Database): Promise<readonly DataKeyStatus[]> {
  const rows = await database.query<{ id: string; created_at: Date; wrapped_by: string; rows: string }>(
    {
      name: "",
      text: `
WITH sealed AS (
  SELECT split_part(left(body, 40), ':', 3) AS id FROM version WHERE left(body, 10) = 'sealed:v1:'
  UNION ALL SELECT split_part(left(body, 40), ':', 3) FROM shared_secret
  UNION ALL SELECT split_part(encode(substring(body FROM 1 FOR 20), 'escape'), ':', 1) FROM blob
), counted AS (SELECT id, count(*) AS rows FROM sealed GROUP BY id)
SELECT d.id, d.created_at, d.wrapped_by, coalesce(c.rows, 0) AS rows FROM data_key d LEFT JOIN counted c ON c.id = d.id ORDER BY d.id::int`,
    },
    [],
  );
  return rows.map((row) => ({ id: row.id, createdAt: row.created_at, wrappedBy: row.wrapped_by, rows: Number(row.rows) }));
}

/** Reseals the next rows that an older data key sealed. False when there are no more; the next call then begins from the start. */
export type Reseal = () => Promise<boolean>;

interface Cursor {
  /** Index into {@link places}. */
  readonly place: number;
  /** Last key of that place that was looked at; "" at its beginning. */
  readonly after: string;
}

interface Found {
  /** Last key that was looked at; null when nothing was left. */
  readonly last: string | null;
  readonly key: string | null;
  readonly context: string;
  readonly body: string | Buffer;
  readonly [column: string]: unknown;
}

interface Place {
  /** Parameters: after, rows, the mark of the newest key. The bodies are cut where they become many; `last` is then the last of them. */
  readonly find: string;
  readonly put: string;
  readonly reseal: (sealer: Sealer, body: string | Buffer, context: string) => string | Buffer;
}

const resealText: Place["reseal"] = (sealer, body, context) => sealer.seal(sealer.open(String(body), context), context);

/** Served by the tables' primary keys. Only the first characters of a body are read to see under which key it is. */
const places: readonly Place[] = [
  {
    find: `
WITH page AS MATERIALIZED (SELECT rv, kind, namespace, name, left(body, 40) AS head, pg_column_size(body) AS size FROM version WHERE rv > ('0' || $1)::bigint ORDER BY rv LIMIT $2
), old AS MATERIALIZED (SELECT rv, kind, namespace, name, sum(size) OVER (ORDER BY rv) - size AS before FROM page WHERE starts_with(head, 'sealed:v1:') AND NOT starts_with(head, $3))
SELECT (SELECT max(rv)::text FROM page) AS last, o.rv::text AS key, o.kind || '|' || o.namespace || '|' || o.name AS context, v.body
FROM (SELECT 1) one LEFT JOIN old o ON o.before < ${batchCharacters} LEFT JOIN version v ON v.rv = o.rv ORDER BY o.rv`,
    put: "UPDATE version SET body = n.body FROM unnest($1::bigint[], $2::text[]) AS n(rv, body) WHERE version.rv = n.rv",
    reseal: resealText,
  },
  {
    find: `
WITH page AS MATERIALIZED (SELECT digest, encode(substring(body FROM 1 FOR 20), 'escape') AS head, pg_column_size(body) AS size FROM blob WHERE digest > $1 ORDER BY digest LIMIT $2
), old AS MATERIALIZED (SELECT digest, sum(size) OVER (ORDER BY digest) - size AS before FROM page WHERE NOT starts_with(head, $3))
SELECT (SELECT max(digest) FROM page) AS last, o.digest AS key, o.digest AS context, b.body
FROM (SELECT 1) one LEFT JOIN old o ON o.before < ${batchCharacters} LEFT JOIN blob b ON b.digest = o.digest ORDER BY o.digest`,
    put: "UPDATE blob SET body = n.body FROM unnest($1::text[], $2::bytea[]) AS n(digest, body) WHERE blob.digest = n.digest",
    reseal: (sealer, body, context) => sealer.sealBytes(sealer.openBytes(Buffer.from(body as Buffer), context), context),
  },
  {
    find: `
WITH page AS MATERIALIZED (SELECT name, body FROM shared_secret WHERE name > $1 ORDER BY name LIMIT $2)
SELECT (SELECT max(name) FROM page) AS last, p.name AS key, '$shared||' || p.name AS context, p.body
FROM (SELECT 1) one LEFT JOIN page p ON NOT starts_with(p.body, $3) ORDER BY p.name`,
    put: "UPDATE shared_secret SET body = n.body FROM unnest($1::text[], $2::text[]) AS n(name, body) WHERE shared_secret.name = n.name",
    reseal: resealText,
  },
];

export function sharedSecretContext(name: string): string {
  return formatKey({ kind: "$shared", namespace: "", name });
}

export function createReseal(database: Database, sealer: Sealer): Reseal {
  return async () => {
    await sealer.refresh();
    return database.transaction(async (tx) => {
      const cursor = await readCursor(tx);
      const place = places[cursor.place];
      if (place === undefined) {
        await tx.query({ name: "", text: "DELETE FROM fact WHERE name = $1" }, [cursorFact]);
        return false;
      }
      const mark = cursor.place === 1 ? `${sealer.newest}:` : sealer.mark(sealer.newest);
      const rows = await tx.query<Found>({ name: `reseal_find_${cursor.place}`, text: place.find }, [cursor.after, batchRows, mark]);
      const found = rows.filter((row) => row.key !== null);
      if (found.length > 0)
        await tx.query({ name: `reseal_put_${cursor.place}`, text: place.put }, [
          found.map((row) => row.key),
          found.map((row) => place.reseal(sealer, row.body, row.context)),
        ]);
      await writeCursor(tx, nextCursor(cursor, rows, found));
      return true;
    });
  };
}

/** A cut page goes on behind its last body: what was left out of it comes next. */
function nextCursor(cursor: Cursor, rows: readonly Found[], found: readonly Found[]): Cursor {
  const last = rows[0]?.last ?? undefined;
  if (last === undefined) return { place: cursor.place + 1, after: "" };
  const lastFound = found.at(-1)?.key ?? undefined;
  return { place: cursor.place, after: lastFound ?? last };
}

async function readCursor(tx: Queryable): Promise<Cursor> {
  const [row] = await tx.query<{ value: string }>({ name: "", text: "SELECT value FROM fact WHERE name = $1 FOR UPDATE" }, [cursorFact]);
  return row === undefined ? { place: 0, after: "" } : (JSON.parse(row.value) as Cursor);
}

async function writeCursor(tx: Queryable, cursor: Cursor): Promise<void> {
  await tx.query({ name: "", text: "INSERT INTO fact (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value" }, [
    cursorFact,
    JSON.stringify(cursor),
  ]);
}

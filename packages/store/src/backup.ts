// Backup and restore of everything in the database (design.md S9), as gzipped lines of JSON: independent of the PostgreSQL
// version, of programs beside it, and readable by people. Sealed values stay sealed: the key-encryption key is not in it.
//
// The first line is the header; then one line for each row; the last line has the number of rows and the SHA-256 of all lines before it.
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { link, rm } from "node:fs/promises";
import { once } from "node:events";
import { finished } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { PlatformError } from "@threeport/resource";
import type { Database, Queryable } from "./database.ts";
import { readDataKeys } from "./keys/data-keys.ts";
import type { KeyEncryption } from "./keys/key-encryption.ts";

/** In an order in which they can be written back. `migration` tells which program can read the rest. */
export const backupTables = [
  "migration",
  "counter",
  "data_key",
  "shared_secret",
  "fact",
  "credential",
  "object",
  "version",
  "reference",
  "work",
  "inventory",
  "blob",
] as const;
/** Tables of which nothing is kept: locks, and who is alive. */
export const passingTables = ["migration_lock", "process"] as const;

const format = "threeport-backup";
/** Grows when an older program could not read the file. */
const formatVersion = 2;
/** Rows read at once: an object may have more than 1 MiB, so this bounds memory at about 100 MiB. */
const fetchRows = 100;
/** Rows of one insert, and their characters. */
const insertMax = { rows: 500, characters: 8 * 1024 * 1024 };
/** The longest line is one object; what is longer is no backup of ours. */
const lineCharactersMax = 64 * 1024 * 1024;

/**
 * S9: after a restore the counter continues far ahead, so that no watcher takes old numbers for new ones: 2^40 changes
 * are more than any control plane makes between a backup and the loss that it is for.
 */
const counterLeap = 2 ** 40;

export interface BackupReport {
  readonly rows: number;
}

interface Header {
  readonly format: string;
  readonly version: number;
  /** For people. */
  readonly createdAt: string;
  /** Newest migration. */
  readonly schema: number;
  /** Names of the key-encryption keys that wrap the data keys. */
  readonly wrappedBy: readonly string[];
}

/** Writes one snapshot of the database while it is in use. The file is 0600: it holds names, labels and sealed secrets. */
export async function backup(database: Database, file: string): Promise<BackupReport> {
  // Beside, then renamed: what has the name of a backup is whole and on disk.
  const draft = `${file}.${process.pid}.partial`;
  try {
    const report = await write(database, draft);
    await link(draft, file).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === "EEXIST")
        throw new PlatformError("TP_ALREADY_EXISTS", { message: `${file} exists; name another file, backups are not overwritten` });
      throw error;
    });
    return report;
  } catch (error) {
    throw unwritable(error, file);
  } finally {
    await rm(draft, { force: true });
  }
}

async function write(database: Database, file: string): Promise<BackupReport> {
  const zip = createGzip();
  const out = createWriteStream(file, { mode: 0o600, flags: "wx", flush: true });
  const written = finished(out);
  let failure: unknown;
  written.catch((error: unknown) => {
    failure = error; // a full disk: nobody drains the pipe any more
    zip.destroy(error as Error);
  });
  zip.on("error", () => {}); // told by `failure`
  zip.pipe(out);
  const hash = createHash("sha256");
  const put = async (line: object): Promise<void> => {
    if (failure !== undefined) throw failure as Error;
    const text = `${JSON.stringify(line)}\n`;
    hash.update(text);
    if (zip.write(text)) return;
    const wait = new AbortController();
    try {
      await Promise.race([once(zip, "drain", { signal: wait.signal }), written]);
    } finally {
      wait.abort();
    }
  };
  let rows = 0;
  await database.transaction(async (tx) => {
    await run(tx, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
    await put(await headerOf(tx));
    for (const table of backupTables) {
      await run(tx, `DECLARE backup_rows NO SCROLL CURSOR FOR SELECT row_to_json(t)::text AS row FROM ${table} t`);
      for (;;) {
        const batch = await tx.query<{ row: string }>({ name: "", text: `FETCH ${fetchRows} FROM backup_rows` }, []);
        for (const { row } of batch) await put({ table, row });
        rows += batch.length;
        if (batch.length < fetchRows) break;
      }
      await run(tx, "CLOSE backup_rows");
    }
  });
  zip.write(`${JSON.stringify({ end: rows, sha256: hash.digest("hex") })}\n`);
  zip.end();
  await written;
  return { rows };
}

async function headerOf(tx: Queryable): Promise<Header> {
  const [facts] = await tx.query<{ now: string; schema: number; wrapped_by: string[] }>(
    {
      name: "",
      text: "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS now, (SELECT max(number) FROM migration) AS schema, ARRAY(SELECT DISTINCT wrapped_by FROM data_key ORDER BY 1) AS wrapped_by",
    },
    [],
  );
  return { format, version: formatVersion, createdAt: facts?.now ?? "", schema: facts?.schema ?? 0, wrappedBy: facts?.wrapped_by ?? [] };
}

/**
 * Fills an empty, migrated database from a backup, all or nothing. Leases and fences of the old life are void. `keyEncryption` must hold the key that
 * the backup was made under: what could never be opened again is not restored.
 */
export async function restore(database: Database, file: string, keyEncryption: KeyEncryption): Promise<BackupReport> {
  return database.transaction(async (tx) => {
    const [found] = await tx.query<{ objects: string }>({ name: "", text: "SELECT count(*) AS objects FROM (SELECT 1 FROM object LIMIT 1) o" }, []);
    if (Number(found?.objects) > 0)
      throw new PlatformError("TP_ALREADY_EXISTS", { message: "the database holds objects already; restore into a new home or an empty database" });
    const [schema] = await tx.query<{ number: number }>({ name: "", text: "SELECT max(number) AS number FROM migration" }, []);
    for (const table of backupTables) if (table !== "migration") await run(tx, `DELETE FROM ${table}`);
    const inserts = createInserts(tx);
    const hash = createHash("sha256");
    let rows = 0;
    let known = false;
    let whole = false;
    for await (const text of linesOf(file)) {
      const line = readLine(text, file);
      if (!known) {
        checkHeader(line, file, schema?.number ?? 0);
        known = true;
      } else if (line.end !== undefined) {
        whole = line.end === rows && line.sha256 === hash.digest("hex");
        if (!whole)
          throw new PlatformError("TP_INVALID", { message: `the backup ${file} was changed or damaged: its checksum does not fit; take another one` });
        continue;
      } else {
        const table = backupTables.find((name) => name === line.table);
        if (table === undefined || line.row === undefined || whole) throw notABackup(file);
        rows++;
        if (table !== "migration") await inserts.add(table, line.row);
      }
      hash.update(`${text}\n`);
    }
    await inserts.flush();
    if (!whole) throw new PlatformError("TP_INVALID", { message: `the backup ${file} is not whole: it ends after ${rows} rows; take another one` });
    await readDataKeys(tx, keyEncryption);
    await run(tx, `UPDATE counter SET rv = rv + ${counterLeap}, compacted_rv = rv + ${counterLeap}`);
    await run(tx, "UPDATE work SET lease_owner = NULL, due_at = now()");
    await run(tx, "SELECT setval('work_fence', greatest((SELECT coalesce(max(fence), 0) FROM work), (SELECT last_value FROM work_fence)) + 1000000)");
    return { rows };
  });
}

/** Rows of one table after another, in inserts of bounded size. Columns that the backup does not know keep their defaults. */
function createInserts(tx: Queryable) {
  let table: string | undefined;
  let batch: string[] = [];
  let characters = 0;
  async function flush(): Promise<void> {
    const [first] = batch;
    if (table !== undefined && first !== undefined) {
      const columns = Object.keys(JSON.parse(first) as object).map((name) => `"${name.replaceAll('"', '""')}"`);
      const text = `INSERT INTO ${table} (${columns.join(", ")}) SELECT ${columns.join(", ")} FROM json_populate_recordset(NULL::${table}, $1::json)`;
      await tx.query({ name: "", text }, [`[${batch.join(",")}]`]);
    }
    batch = [];
    characters = 0;
  }
  return {
    flush,
    async add(of: string, row: string): Promise<void> {
      if (of !== table || batch.length >= insertMax.rows || characters >= insertMax.characters) await flush();
      table = of;
      batch.push(row);
      characters += row.length;
    },
  };
}

type Line = Partial<Header> & { readonly table?: string; readonly row?: string; readonly end?: number; readonly sha256?: string };

function checkHeader(line: Line, file: string, schema: number): void {
  if (line.format !== format || line.version === undefined) throw notABackup(file);
  if (line.version > formatVersion || (line.schema ?? 0) > schema)
    throw new PlatformError("TP_INVALID", {
      message: `the backup ${file} was made by a newer version of the control plane (format ${line.version}, schema ${line.schema ?? 0}; this program knows ${formatVersion} and ${schema}); restore it with that version`,
    });
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const source = createReadStream(file);
  const unzip = createGunzip();
  source.on("error", (error) => unzip.destroy(error)); // a pipe does not carry errors along
  let rest = "";
  try {
    for await (const chunk of source.pipe(unzip).setEncoding("utf8")) {
      const lines = (rest + String(chunk)).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > lineCharactersMax) throw notABackup(file);
      yield* lines;
    }
  } catch (error) {
    throw unreadable(error, file);
  } finally {
    source.destroy();
  }
  if (rest !== "") yield rest;
}

function readLine(text: string, file: string): Line {
  try {
    return JSON.parse(text) as Line;
  } catch (error) {
    throw new PlatformError("TP_INVALID", { message: `${file} is no backup of a control plane, or it was cut off`, cause: error });
  }
}

function unreadable(error: unknown, file: string): PlatformError {
  if (error instanceof PlatformError) return error;
  const { code = "" } = error as NodeJS.ErrnoException;
  if (code === "ENOENT" || code === "EACCES" || code === "EISDIR")
    return new PlatformError("TP_BAD_REQUEST", { message: `the backup ${file} cannot be read (${code}): check the path and its rights`, cause: error });
  return new PlatformError("TP_INVALID", { message: `${file} cannot be read as a backup: it is none, or it was cut off`, cause: error });
}

function unwritable(error: unknown, file: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (error instanceof PlatformError || code === undefined || syscall === undefined) return error;
  return new PlatformError("TP_BAD_REQUEST", {
    message: `the backup ${file} cannot be written (${code}): name a file in a folder that is there, with room and rights`,
    cause: error,
  });
}

function notABackup(file: string): PlatformError {
  return new PlatformError("TP_INVALID", { message: `${file} is no backup of a control plane` });
}

async function run(tx: Queryable, text: string): Promise<void> {
  await tx.query({ name: "", text }, []);
}

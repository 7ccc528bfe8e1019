// Backup and restore of everything in the database (design.md S9), as gzipped lines of JSON: independent of the PostgreSQL
// version, of programs beside it, and readable by people. Sealed values stay sealed: the key-encryption key is not in it.
import { createReadStream, createWriteStream } from "node:fs";
import { link, rm } from "node:fs/promises";
import { once } from "node:events";
import { finished } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { PlatformError } from "@threeport/resource";
import type { Database, Queryable } from "./database.ts";

/** In an order in which they can be written back. `migration` tells which program can read the rest. */
const tables = ["migration", "counter", "data_key", "fact", "credential", "object", "version", "reference", "work", "inventory", "blob"] as const;
const format = "threeport-backup-1";
/** Rows read at once: an object may have more than 1 MiB, so this bounds memory at about 100 MiB. */
const fetchRows = 100;
/** Rows of one insert, and their characters. */
const insertMax = { rows: 500, characters: 8 * 1024 * 1024 };

/**
 * S9: after a restore the counter continues far ahead, so that no watcher takes old numbers for new ones: 2^40 changes
 * are more than any control plane makes between a backup and the loss that it is for.
 */
const counterLeap = 2 ** 40;

export interface BackupReport {
  readonly rows: number;
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
  } finally {
    await rm(draft, { force: true });
  }
}

async function write(database: Database, file: string): Promise<BackupReport> {
  const zip = createGzip();
  const out = createWriteStream(file, { mode: 0o600, flags: "wx", flush: true });
  const written = finished(out);
  written.catch(() => {}); // reported by the await below
  zip.pipe(out);
  const put = async (line: object): Promise<void> => {
    if (!zip.write(`${JSON.stringify(line)}\n`)) await once(zip, "drain");
  };
  let rows = 0;
  await database.transaction(async (tx) => {
    await run(tx, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
    await put({ format });
    for (const table of tables) {
      await run(tx, `DECLARE backup_rows NO SCROLL CURSOR FOR SELECT row_to_json(t)::text AS row FROM ${table} t`);
      for (;;) {
        const batch = await tx.query<{ row: string }>({ name: "", text: `FETCH ${fetchRows} FROM backup_rows` }, []);
        for (const { row } of batch) await put({ table, row });
        rows += batch.length;
        if (batch.length < fetchRows) break;
      }
      await run(tx, "CLOSE backup_rows");
    }
    await put({ end: rows });
  });
  zip.end();
  await written;
  return { rows };
}

/** Fills an empty, migrated database from a backup, all or nothing. Leases and fences of the old life are void. */
export async function restore(database: Database, file: string): Promise<BackupReport> {
  return database.transaction(async (tx) => {
    const [found] = await tx.query<{ objects: string }>({ name: "", text: "SELECT count(*) AS objects FROM object" }, []);
    if (Number(found?.objects) > 0)
      throw new PlatformError("TP_ALREADY_EXISTS", { message: "the database holds objects already; restore into a new home or an empty database" });
    const [schema] = await tx.query<{ number: number }>({ name: "", text: "SELECT max(number) AS number FROM migration" }, []);
    for (const table of tables) if (table !== "migration") await run(tx, `DELETE FROM ${table}`);
    let rows = 0;
    let end: number | undefined;
    let known = false;
    let batch: string[] = [];
    let characters = 0;
    let of: string | undefined;
    const flush = async (): Promise<void> => {
      if (of !== undefined && batch.length > 0)
        await tx.query({ name: "", text: `INSERT INTO ${of} SELECT r.* FROM json_populate_recordset(NULL::${of}, $1::json) r` }, [`[${batch.join(",")}]`]);
      batch = [];
      characters = 0;
    };
    for await (const text of linesOf(file)) {
      const line = readLine(text);
      if (!known) {
        if (line.format !== format) throw notABackup(file);
        known = true;
        continue;
      }
      if (line.end !== undefined) {
        end = line.end;
        continue;
      }
      const table = tables.find((name) => name === line.table);
      if (table === undefined || line.row === undefined) throw notABackup(file);
      rows++;
      if (table === "migration") {
        const { number } = JSON.parse(line.row) as { number: number };
        if (number > (schema?.number ?? 0))
          throw new PlatformError("TP_INVALID", {
            message: `the backup was made by a newer version of the control plane (schema ${number}, this program knows ${schema?.number ?? 0}); restore it with that version`,
          });
        continue;
      }
      if (table !== of || batch.length >= insertMax.rows || characters >= insertMax.characters) await flush();
      of = table;
      batch.push(line.row);
      characters += line.row.length;
    }
    await flush();
    if (end !== rows)
      throw new PlatformError("TP_INVALID", {
        message: `the backup ${file} is not whole: it holds ${rows} rows and should hold ${end ?? "more"}; take another one`,
      });
    await run(tx, `UPDATE counter SET rv = rv + ${counterLeap}, compacted_rv = rv + ${counterLeap}`);
    await run(tx, "UPDATE work SET lease_owner = NULL, due_at = now()");
    await run(tx, "SELECT setval('work_fence', greatest((SELECT coalesce(max(fence), 0) FROM work), (SELECT last_value FROM work_fence)) + 1000000)");
    return { rows };
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
      yield* lines;
    }
  } catch (error) {
    throw new PlatformError("TP_INVALID", { message: `${file} cannot be read as a backup: it is none, or it was cut off`, cause: error });
  } finally {
    source.destroy();
  }
  if (rest !== "") yield rest;
}

function readLine(text: string): { format?: string; table?: string; row?: string; end?: number } {
  try {
    return JSON.parse(text) as { format?: string; table?: string; row?: string; end?: number };
  } catch (error) {
    throw new PlatformError("TP_INVALID", { message: "the file is no backup of a control plane, or it was cut off", cause: error });
  }
}

function notABackup(file: string): PlatformError {
  return new PlatformError("TP_INVALID", { message: `${file} is no backup of a control plane` });
}

async function run(tx: Queryable, text: string): Promise<void> {
  await tx.query({ name: "", text }, []);
}

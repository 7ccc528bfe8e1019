import { readdir, readFile } from "node:fs/promises";
import { PlatformError } from "@threeport/resource";
import type { Database } from "./database.ts";

/** Longest time of one migration statement, or of waiting for another server's migrations. */
const migrationMs = 3_600_000;

/** Unique violation in a catalog, duplicate table, duplicate object. */
const alreadyThereStates: readonly unknown[] = ["23505", "42P07", "42710"];

const folder = new URL("./migrations/", import.meta.url);

/**
 * Brings the schema to the newest numbered file. Forward only. The row lock on `migration_lock` is the lease: two
 * servers that start at once apply each file once. A database from a newer version of the program is refused.
 */
export async function migrate(database: Database): Promise<void> {
  await database
    .script(`
    CREATE TABLE IF NOT EXISTS migration (number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
    CREATE TABLE IF NOT EXISTS migration_lock (id integer PRIMARY KEY);
    INSERT INTO migration_lock (id) VALUES (1) ON CONFLICT DO NOTHING;`)
    .catch((error: unknown) => {
      // Two first starts at once: the loser's CREATE meets the winner's catalog row. The tables are there then.
      if (!(error instanceof PlatformError) || !alreadyThereStates.includes(error.detail["sqlState"])) throw error;
    });
  const files = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  const newest = Number.parseInt(files.at(-1) ?? "0", 10);
  await database.transaction(async (tx) => {
    // A migration of a large table takes its time, and the one who waits for it too.
    await tx.query({ name: "", text: `SET LOCAL statement_timeout = ${migrationMs}` }, []);
    await tx.query({ name: "migrate_lock", text: "SELECT id FROM migration_lock WHERE id = 1 FOR UPDATE", timeoutMs: migrationMs }, []);
    const rows = await tx.query<{ number: number }>({ name: "migrate_applied", text: "SELECT number FROM migration ORDER BY number" }, []);
    const applied = new Set(rows.map((row) => row.number));
    const ahead = [...applied].filter((number) => number > newest);
    if (ahead.length > 0) {
      throw new PlatformError("TP_INTERNAL", {
        message: `the database was written by a newer version of the control plane (schema ${String(ahead.at(-1))}, this program knows ${newest}); start that version, or restore a backup made before the upgrade`,
      });
    }
    for (const file of files) {
      const number = Number.parseInt(file, 10);
      if (applied.has(number)) continue;
      for (const statement of statements(await readFile(new URL(file, folder), "utf8")))
        await tx.query({ name: "", text: statement, timeoutMs: migrationMs }, []);
      await tx.query({ name: "migrate_record", text: "INSERT INTO migration (number, name) VALUES ($1, $2)" }, [number, file]);
    }
  });
}

/** Migration files hold plain statements that end with `;` at a line's end. */
function statements(text: string): string[] {
  return text
    .replaceAll(/^\s*--.*$/gm, "")
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "");
}

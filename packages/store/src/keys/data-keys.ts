import { randomBytes } from "node:crypto";
import { PlatformError } from "@threeport/resource";
import type { Database, Queryable } from "../database.ts";
import { keyBytes } from "./cipher.ts";
import type { KeyEncryption } from "./key-encryption.ts";

/** A data key, opened. Ids are numbers as text; the largest is the newest. */
export interface DataKey {
  readonly id: string;
  readonly key: Uint8Array;
}

interface Row {
  readonly id: string;
  readonly wrapped: Buffer;
  readonly wrapped_by: string;
  readonly [column: string]: unknown;
}

const contextOf = (id: string): string => `data-key:${id}`;
/** Also of a database whose schema does not name the wrapping key yet. Served by data_key's primary key. */
const select = { name: "data_key_list", text: "SELECT id, wrapped, coalesce(to_jsonb(d) ->> 'wrapped_by', '') AS wrapped_by FROM data_key d ORDER BY id" };
/** SQLSTATE undefined_table. */
const noSuchTable = "42P01";

/** All data keys, oldest first; makes the first one when there is none. `TP_KEY_WRONG` when one of them cannot be opened: nothing was changed then. */
export async function openDataKeys(database: Database, keyEncryption: KeyEncryption): Promise<readonly DataKey[]> {
  const known = await readDataKeys(database, keyEncryption);
  if (known.length > 0) return known;
  // Two first starts at once: both offer a key, one row wins, both read it.
  await insertDataKey(database, "1", keyEncryption);
  return readDataKeys(database, keyEncryption);
}

/**
 * Before anything is changed in a database: does the key-encryption key belong to it? Also for one that has no tables yet, which any key fits.
 * Throws `TP_KEY_WRONG`.
 */
export async function checkDataKeys(database: Database, keyEncryption: KeyEncryption): Promise<void> {
  await readDataKeys(database, keyEncryption).catch((error: unknown) => {
    if (!(error instanceof PlatformError) || error.detail["sqlState"] !== noSuchTable) throw error;
  });
}

export async function readDataKeys(tx: Queryable, keyEncryption: KeyEncryption): Promise<readonly DataKey[]> {
  const rows = await tx.query<Row>(select, []);
  return Promise.all(rows.toSorted((a, b) => Number(a.id) - Number(b.id)).map((row) => openRow(row, keyEncryption)));
}

/** S7: a new data key. Who seals from now on seals under it, in this process and, once they have heard of it, in all others. Returns its id. */
export async function insertDataKey(tx: Queryable, id: string, keyEncryption: KeyEncryption): Promise<void> {
  const { by, bytes } = await keyEncryption.wrap(randomBytes(keyBytes), contextOf(id));
  await tx.query(
    {
      name: "",
      text: "INSERT INTO data_key (id, wrapped, wrapped_by, created_at) VALUES ($1, $2, $3, now()) ON CONFLICT DO NOTHING",
    },
    [id, bytes, by],
  );
}

/** Wraps every data key by the key in use of `keyEncryption`, all or none. Returns how many were wrapped by another one before. */
export async function rewrapDataKeys(database: Database, keyEncryption: KeyEncryption): Promise<number> {
  return database.transaction(async (tx) => {
    await tx.query({ name: "", text: "SELECT 1 FROM data_key FOR UPDATE" }, []);
    const rows = await tx.query<Row>(select, []);
    let rewrapped = 0;
    for (const row of rows) {
      const { key } = await openRow(row, keyEncryption);
      const { by, bytes } = await keyEncryption.wrap(key, contextOf(row.id));
      if (by === row.wrapped_by) continue;
      await tx.query({ name: "", text: "UPDATE data_key SET wrapped = $2, wrapped_by = $3 WHERE id = $1" }, [row.id, bytes, by]);
      rewrapped++;
    }
    return rewrapped;
  });
}

async function openRow(row: Row, keyEncryption: KeyEncryption): Promise<DataKey> {
  const key = await keyEncryption.unwrap({ by: row.wrapped_by, bytes: row.wrapped }, contextOf(row.id));
  if (key !== undefined) return { id: row.id, key };
  const wanted = row.wrapped_by === "" ? "another key" : `the key named ${row.wrapped_by}`;
  throw new PlatformError("TP_KEY_WRONG", {
    message: `the data keys of this database are wrapped by ${wanted}, and ${await keyEncryption.describe()}. Put the right key-encryption key back from your copy; nothing was changed.`,
    detail: { dataKey: row.id, wrappedBy: row.wrapped_by },
  });
}

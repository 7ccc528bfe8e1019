import { PlatformError } from "@threeport/resource";
import type { Database } from "./database.ts";
import type { Fence } from "./types.ts";

/**
 * What an owner has put into the outside world (design.md C3, §5.5). `pending` is written before the outside call,
 * `applied` with the uid after it, `pruning` before a removal; rows leave when the thing is known to be gone.
 */
export interface InventoryEntry {
  /** `<group>/<Kind>/<namespace>/<name>` or whatever names the thing in its world. */
  readonly id: string;
  readonly uid: string;
  readonly state: "pending" | "applied" | "pruning";
  /** JSON text of the owner's own: digest, wave, API version. Never secret values. */
  readonly detail: string;
}

export interface Inventory {
  list(owner: string): Promise<InventoryEntry[]>;
  /** Writes entries and removes ids in one statement, under the fence (Q3). `TP_LEASE_LOST` when the lease has gone. */
  record(owner: string, change: { readonly put?: readonly InventoryEntry[]; readonly remove?: readonly string[] }, fence: Fence): Promise<void>;
}

/** The lease's row is locked until the entries are committed, so nobody who claims the key after us can read the inventory without them. */
const recordEntries = {
  name: "record_inventory",
  text: `
WITH lease AS MATERIALIZED (
  SELECT 1 FROM work WHERE queue = $7 AND key = $8 AND fence = $9 AND lease_owner IS NOT NULL AND due_at > clock_timestamp() FOR SHARE
), gone AS (
  DELETE FROM inventory WHERE owner = $1 AND id = ANY($6) AND EXISTS (SELECT 1 FROM lease)
), put AS (
  INSERT INTO inventory (owner, id, uid, state, detail, updated_at)
  SELECT $1, id, uid, state, detail, now() FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS e(id, uid, state, detail) WHERE EXISTS (SELECT 1 FROM lease)
  ON CONFLICT (owner, id) DO UPDATE SET uid = excluded.uid, state = excluded.state, detail = excluded.detail, updated_at = now()
)
SELECT 1 FROM lease`,
};

export function createInventory(database: Database): Inventory {
  return {
    async list(owner) {
      return database.query<InventoryEntry & Record<string, unknown>>(
        { name: "list_inventory", text: "SELECT id, uid, state, detail FROM inventory WHERE owner = $1 ORDER BY id" },
        [owner],
      );
    },
    async record(owner, change, fence) {
      const put = change.put ?? [];
      const remove = change.remove ?? [];
      if (put.length === 0 && remove.length === 0) return;
      const rows = await database.query(recordEntries, [
        owner,
        put.map((entry) => entry.id),
        put.map((entry) => entry.uid),
        put.map((entry) => entry.state),
        put.map((entry) => entry.detail),
        remove,
        fence.queue,
        fence.key,
        fence.token,
      ]);
      if (rows.length === 0) throw new PlatformError("TP_LEASE_LOST", { detail: { queue: fence.queue, key: fence.key } });
    },
  };
}

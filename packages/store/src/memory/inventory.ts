import { PlatformError } from "@threeport/resource";
import type { Inventory, InventoryEntry } from "../inventory.ts";
import type { Fence } from "../types.ts";

export interface SavedInventory {
  readonly owner: string;
  readonly entry: InventoryEntry;
}

/** `holds`: whether a lease is live. */
export function createMemoryInventory(holds: (fence: Fence) => boolean, saved: readonly SavedInventory[] = []) {
  const owners = new Map<string, Map<string, InventoryEntry>>();
  const of = (owner: string): Map<string, InventoryEntry> => {
    const known = owners.get(owner) ?? new Map<string, InventoryEntry>();
    owners.set(owner, known);
    return known;
  };
  for (const { owner, entry } of saved) of(owner).set(entry.id, entry);
  const inventory: Inventory = {
    list: async (owner) => [...(owners.get(owner)?.values() ?? [])].sort((a, b) => (a.id < b.id ? -1 : 1)),
    async record(owner, { put = [], remove = [] }, fence) {
      if (put.length === 0 && remove.length === 0) return;
      if (!holds(fence)) throw new PlatformError("TP_LEASE_LOST", { detail: { queue: fence.queue, key: fence.key } });
      const entries = of(owner);
      for (const id of remove) entries.delete(id);
      for (const entry of put) entries.set(entry.id, entry);
      if (entries.size === 0) owners.delete(owner);
    },
  };
  return {
    inventory,
    rows: (): readonly SavedInventory[] => [...owners].flatMap(([owner, entries]) => [...entries.values()].map((entry) => ({ owner, entry }))),
  };
}

import type { Clock } from "@threeport/platform";

/** Who wants what to be watched: keys of watches by keys of sets. */
export interface Users {
  /** Replaces what a set wants; returns what nobody wants any more. */
  want(setKey: string, wanted: ReadonlySet<string>): string[];
}

/**
 * A set is looked at at least every hour, by whichever process comes first. What it wanted this long ago it may have told another process to
 * give up since; that one watches for it now.
 */
const staleMs = 3 * 3_600_000;

export function createUsers(clock: Clock): Users {
  const bySet = new Map<string, { readonly wanted: ReadonlySet<string>; readonly atMs: number }>();
  return {
    want(setKey, wanted) {
      const before = new Set<string>();
      const drop = (key: string): void => {
        for (const watch of bySet.get(key)?.wanted ?? []) before.add(watch);
        bySet.delete(key);
      };
      const now = clock.monotonic();
      // Oldest first, since each look puts its set at the end.
      for (const [key, { atMs }] of bySet) {
        if (now - atMs < staleMs) break;
        drop(key);
      }
      drop(setKey);
      if (wanted.size > 0) bySet.set(setKey, { wanted, atMs: now });
      if (before.size === 0) return [];
      for (const watch of wanted) before.delete(watch);
      for (const other of bySet.values()) {
        if (before.size === 0) break;
        for (const watch of other.wanted) before.delete(watch);
      }
      return [...before];
    },
  };
}

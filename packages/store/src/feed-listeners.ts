import type { PlatformError } from "@threeport/resource";
import type { Change } from "./types.ts";

/** What a subscriber wants to hear of. */
export interface FeedScope {
  readonly kind: string;
  /** Undefined: all. */
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

export interface FeedListener {
  readonly onChanges: (changes: readonly Change[]) => void;
  readonly onEnd: (error: PlatformError) => void;
}

/** Who listens, found by what changed: a change costs those who want it, whatever number listens to something else. */
export interface FeedListeners {
  add(scope: FeedScope, listener: FeedListener): Disposable;
  /** Each listener with its part of the changes, in order. Listeners of the same scope share one list. */
  concerned(changes: readonly Change[]): Iterable<readonly [listener: FeedListener, changes: readonly Change[]]>;
  /** Takes all of them out. */
  clear(): readonly FeedListener[];
}

export function createFeedListeners(): FeedListeners {
  const byScope = new Map<string, Set<FeedListener>>();

  return {
    add(scope, listener) {
      const key = scopeKey(scope.kind, scope.namespace, scope.name);
      const set = byScope.get(key) ?? new Set();
      byScope.set(key, set.add(listener));
      return {
        [Symbol.dispose]() {
          set.delete(listener);
          if (set.size === 0 && byScope.get(key) === set) byScope.delete(key);
        },
      };
    },
    concerned(changes) {
      const parts = new Map<Set<FeedListener>, Change[]>();
      if (byScope.size === 0) return [];
      for (const change of changes) {
        const { kind, namespace, name } = change.key;
        for (const key of [
          scopeKey(kind, undefined, undefined),
          scopeKey(kind, namespace, undefined),
          scopeKey(kind, namespace, name),
          scopeKey(kind, undefined, name),
        ]) {
          const set = byScope.get(key);
          if (set === undefined) continue;
          const part = parts.get(set);
          if (part === undefined) parts.set(set, [change]);
          else part.push(change);
        }
      }
      // A copy of each set: who hears of a change may leave, and others with it.
      return [...parts].flatMap(([set, part]) => [...set].map((listener) => [listener, part] as const));
    },
    clear() {
      const all = [...byScope.values()].flatMap((set) => [...set]);
      byScope.clear();
      return all;
    },
  };
}

/** Neither kinds nor names hold these characters. */
function scopeKey(kind: string, namespace: string | undefined, name: string | undefined): string {
  return `${kind}|${namespace ?? "*"}|${name ?? "*"}`;
}

/** Whether a change is in a scope. */
export function isInScope(change: Change, { kind, namespace, name }: FeedScope): boolean {
  const { key } = change;
  return key.kind === kind && (namespace === undefined || key.namespace === namespace) && (name === undefined || key.name === name);
}

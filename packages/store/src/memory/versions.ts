// The state of one memory store, and the log of how it came about (design.md §5.3 S2 to S4, as PostgreSQL has them).
// Invariants: `log` is in number order and holds all changes above `compactedRv`; `kinds` is the state after the last of them.
import { PlatformError } from "@threeport/resource";
import type { ListInput, ListPage, Reader } from "../reader.ts";
import { formatKey, type Change, type ObjectKey, type Version } from "../types.ts";

export interface Entry extends Version {
  readonly terminating: boolean;
}

/** One step of the log: what stood there before, and what stands there now. */
interface Step {
  readonly change: Change;
  readonly before: Entry | undefined;
}

export interface Versions {
  readonly reader: Reader;
  readonly rv: number;
  find(key: ObjectKey): Entry | undefined;
  /** The next number; taken by writes that fail too, as in PostgreSQL. */
  takeNumber(): number;
  /** Puts `entry` in the place of what is there, or with `remove` takes that away. */
  put(entry: Entry, change: Change): void;
  /** Everything that is there now. */
  entries(): readonly Entry[];
}

/** What a store begins with: the objects of another one. Nothing from before `rv` can be read again. */
export interface SavedVersions {
  readonly rv: number;
  readonly entries: readonly Entry[];
}

/** With a thousand stores in a process, what each remembers counts. Who is further behind is told to list again, as by a cluster that compacts often. */
const stepsKeptDefault = 250;

export function createVersions({ stepsKept = stepsKeptDefault, saved }: { readonly stepsKept?: number; readonly saved?: SavedVersions } = {}): Versions {
  const kinds = new Map<string, Sorted>();
  let log: Step[] = [];
  let rv = saved?.rv ?? 1;
  let compactedRv = saved?.rv ?? 0;
  for (const entry of saved?.entries ?? []) sortedOf(entry.key.kind).put(entry);

  function sortedOf(kind: string): Sorted {
    const sorted = kinds.get(kind) ?? createSorted();
    kinds.set(kind, sorted);
    return sorted;
  }

  const find = (key: ObjectKey): Entry | undefined => kinds.get(key.kind)?.get(key);

  function check(asked: number): void {
    if (asked > rv) {
      throw new PlatformError("TP_VERSION_TOO_LARGE", {
        message: `Timeout: Too large resource version: ${asked}, current: ${rv}`,
        causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
        retryAfterSeconds: 1,
      });
    }
    if (asked < compactedRv) throw new PlatformError("TP_EXPIRED", { message: `too old resource version: ${asked} (${compactedRv})` });
  }

  /** The state of a kind after the number: what changed since is taken back. */
  function entriesAt(kind: string, atRv: number | undefined): readonly Entry[] {
    const now = kinds.get(kind)?.all() ?? [];
    if (atRv === undefined) return now;
    check(atRv);
    const since = new Map<string, Entry | undefined>();
    for (const { change, before } of log.slice(firstAbove(log, atRv))) {
      const key = formatKey(change.key);
      if (change.key.kind === kind && !since.has(key)) since.set(key, before);
    }
    if (since.size === 0) return now;
    const then = now.filter((entry) => !since.has(formatKey(entry.key)));
    return [...then, ...[...since.values()].filter((entry) => entry !== undefined)].sort(inOrder);
  }

  function page(input: ListInput): ListPage {
    const { kind, namespace, after, limit, atRv } = input;
    const entries = entriesAt(kind, atRv);
    const from = after ?? { namespace: namespace ?? "", name: "" };
    const items: Entry[] = [];
    let more = false;
    for (let at = firstBehind(entries, namespace !== undefined && from.namespace < namespace ? { namespace, name: "" } : from); at < entries.length; at++) {
      const entry = entries[at];
      if (entry === undefined || (namespace !== undefined && entry.key.namespace !== namespace)) break;
      if (items.length === limit) {
        more = true;
        break;
      }
      items.push(entry);
    }
    const last = items.at(-1);
    return {
      rv: atRv ?? rv,
      items: items.map(versionOf),
      next: more && last !== undefined ? { namespace: last.key.namespace, name: last.key.name } : undefined,
    };
  }

  return {
    find,
    get rv() {
      return rv;
    },
    takeNumber: () => ++rv,
    entries: () => [...kinds.values()].flatMap((sorted) => sorted.all()),
    put(entry, change) {
      const before = find(change.key);
      log.push({ change, before });
      const sorted = sortedOf(change.key.kind);
      if (change.deleted) sorted.remove(change.key);
      else sorted.put(entry);
      if (sorted.all().length === 0) kinds.delete(change.key.kind);
      // In large steps: a copy of the log costs each change of it once.
      if (log.length < stepsKept * 2) return;
      compactedRv = log[log.length - stepsKept - 1]?.change.rv ?? compactedRv;
      log = log.slice(-stepsKept);
    },
    reader: {
      async get(key) {
        const entry = find(key);
        return entry === undefined ? undefined : versionOf(entry);
      },
      list: async (input) => page(input),
      async countBehind({ kind, namespace, after }) {
        return page({ kind, after, limit: Number.MAX_SAFE_INTEGER, ...(namespace === undefined ? {} : { namespace }) }).items.length;
      },
      async changes({ afterRv, kind, limit }) {
        check(afterRv);
        const changes: Change[] = [];
        for (let at = firstAbove(log, afterRv); at < log.length && changes.length < limit; at++) {
          const change = log[at]?.change;
          if (change !== undefined && (kind === undefined || change.key.kind === kind)) changes.push(change);
        }
        const more = changes.length === limit;
        return { changes, more, readTo: more ? (changes.at(-1)?.rv ?? afterRv) : rv };
      },
      currentRv: async () => rv,
    },
  };
}

function versionOf({ rv, key, uid, body }: Entry): Version {
  return { rv, key, uid, body };
}

interface Sorted {
  get(key: ObjectKey): Entry | undefined;
  put(entry: Entry): void;
  remove(key: ObjectKey): void;
  /** In order by namespace and name. Never changed: a later call may answer another list. */
  all(): readonly Entry[];
}

/** The objects of a kind; put in order when somebody asks after names came or went. */
function createSorted(): Sorted {
  const byName = new Map<string, Entry>();
  let sorted: readonly Entry[] | undefined = [];
  const nameOf = ({ namespace, name }: ObjectKey): string => `${namespace}|${name}`;
  return {
    get: (key) => byName.get(nameOf(key)),
    put(entry) {
      byName.set(nameOf(entry.key), entry);
      sorted = undefined;
    },
    remove(key) {
      byName.delete(nameOf(key));
      sorted = undefined;
    },
    all: () => (byName.size === 0 ? [] : (sorted ??= [...byName.values()].sort(inOrder))),
  };
}

type Place = { readonly namespace: string; readonly name: string };

function compare(a: Place, b: Place): number {
  if (a.namespace !== b.namespace) return a.namespace < b.namespace ? -1 : 1;
  return a.name === b.name ? 0 : a.name < b.name ? -1 : 1;
}

function inOrder(a: Entry, b: Entry): number {
  return compare(a.key, b.key);
}

function firstBehind(entries: readonly Entry[], place: Place): number {
  return firstWhere(entries, (entry) => compare(entry.key, place) > 0);
}

function firstAbove(log: readonly Step[], rv: number): number {
  return firstWhere(log, (step) => step.change.rv > rv);
}

/** Of a list whose items that hold stand behind those that do not. */
function firstWhere<Item>(items: readonly Item[], holds: (item: Item) => boolean): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = items[middle];
    if (item !== undefined && holds(item)) high = middle;
    else low = middle + 1;
  }
  return low;
}

import type { Referrer } from "../references.ts";
import type { ObjectStore } from "../object-store.ts";
import { formatKey, parseKey, type ObjectKey, type ReferenceRow } from "../types.ts";

export interface MemoryReferences {
  readonly reading: ObjectStore["references"];
  /** The whole new set of what `source` refers to. */
  replace(source: ObjectKey, rows: readonly ReferenceRow[]): void;
  /** Who waits for one of the changes (bits) of `target`. */
  waiters(target: ObjectKey, changes: number): readonly ReferenceRow[];
  /** The next `limit` of them behind a cursor ("" for the first), and the cursor behind these; undefined when there are no more. */
  waitersBehind(target: ObjectKey, changes: number, page: { readonly cursor: string; readonly limit: number }): WaitersPage;
  readonly rows: () => readonly SavedReferences[];
}

interface WaitersPage {
  readonly waiters: readonly ReferenceRow[];
  readonly cursor: string | undefined;
}

/** What one object refers to. */
export interface SavedReferences {
  readonly source: ObjectKey;
  readonly rows: readonly ReferenceRow[];
}

interface Row {
  readonly source: ObjectKey;
  readonly path: string;
  readonly declared: ReferenceRow;
}

/** Who refers to whom, by target. `isTerminating`: undefined for an object that is not there. */
export function createMemoryReferences(isTerminating: (key: ObjectKey) => boolean | undefined): MemoryReferences {
  const byTarget = new Map<string, Map<string, Row>>();
  const bySource = new Map<string, readonly ReferenceRow[]>();

  function rowsOf(target: ObjectKey, wanted: (row: Row) => boolean): Row[] {
    const rows = [...(byTarget.get(formatKey(target))?.values() ?? [])].filter(wanted);
    return rows.sort((a, b) => compareText(placeOf(a), placeOf(b)));
  }

  return {
    replace(source, rows) {
      const name = formatKey(source);
      for (const row of bySource.get(name) ?? []) {
        const target = formatKey(row.target);
        const known = byTarget.get(target);
        known?.delete(rowName(name, row));
        if (known?.size === 0) byTarget.delete(target);
      }
      if (rows.length === 0) bySource.delete(name);
      else bySource.set(name, rows);
      for (const row of rows) {
        const target = formatKey(row.target);
        const known = byTarget.get(target) ?? new Map<string, Row>();
        byTarget.set(target, known.set(rowName(name, row), { source, path: row.path, declared: row }));
      }
    },
    rows: () => [...bySource].map(([source, rows]) => ({ source: parseKey(source), rows })),
    waitersBehind(target, changes, { cursor, limit }) {
      const behind = rowsOf(target, (row) => (row.declared.waitsFor & changes) !== 0 && compareText(cursorOf(row), cursor) > 0);
      const page = behind.slice(0, limit);
      const last = page.at(-1);
      return { waiters: page.map(({ declared }) => declared), cursor: behind.length < limit || last === undefined ? undefined : cursorOf(last) };
    },
    waiters: (target, changes) => rowsOf(target, ({ declared }) => (declared.waitsFor & changes) !== 0).map(({ declared }) => declared),
    reading: {
      referrers: async (target, limit) => rowsOf(target, isUse).slice(0, limit).map(referrerOf),
      users: async (target, limit) =>
        rowsOf(target, (row) => isUse(row) && isTerminating(row.source) === false)
          .slice(0, limit)
          .map(referrerOf),
      referrersOfKind: async (target, kind) => sourcesOf(rowsOf(target, (row) => isUse(row) && row.source.kind === kind)),
      dependents: async (target, after, limit) =>
        sourcesOf(rowsOf(target, (row) => row.path === "$owner"))
          .filter((source) => compareText(sourceText(source), after.replaceAll("|", separator)) > 0)
          .slice(0, limit),
    },
  };
}

function rowName(source: string, { path, wakerQueue }: ReferenceRow): string {
  return `${source}|${path}|${wakerQueue}`;
}

/** Below every character of a name, so that a shorter name comes first. */
const separator = "\u0000";

function isUse(row: Row): boolean {
  return !row.path.startsWith("$");
}

function referrerOf({ source, path }: Row): Referrer {
  return { source, path };
}

function sourcesOf(rows: readonly Row[]): ObjectKey[] {
  return [...new Map(rows.map(({ source }) => [formatKey(source), source])).values()];
}

function sourceText({ kind, namespace, name }: ObjectKey): string {
  return `${kind}${separator}${namespace}${separator}${name}`;
}

function placeOf({ source, path }: Row): string {
  return `${sourceText(source)}${separator}${path}`;
}

/** In the order of {@link placeOf}. */
function cursorOf(row: Row): string {
  return `${placeOf(row)}${separator}${row.declared.wakerQueue}`;
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

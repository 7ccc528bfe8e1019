import type { ObjectMeta } from "@threeport/resource";
import { tableLines, type TableText } from "./table.ts";

/** metav1.Table, as the server prints objects. */
export interface ServerTable {
  readonly kind?: string;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly columnDefinitions?: readonly { readonly name: string; readonly priority?: number }[] | null;
  readonly rows?: readonly TableRow[];
}

export interface TableRow {
  readonly cells: readonly unknown[];
  readonly object?: { readonly metadata?: ObjectMeta };
}

export const tableAccept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

export interface TableFormat {
  /** Columns of lower priority too. */
  readonly wide: boolean;
  /** A first column with each object's namespace. */
  readonly namespaces: boolean;
}

/** Lines for rows of a server's table. */
export function serverTableLines(columns: NonNullable<ServerTable["columnDefinitions"]>, rows: readonly TableRow[], format: TableFormat): string[] {
  return tableLines(shownTable(columns, rows, format));
}

/** What the format shows of a server's table. */
export function shownTable(columns: NonNullable<ServerTable["columnDefinitions"]>, rows: readonly TableRow[], format: TableFormat): TableText {
  const shown = columns.flatMap((column, index) => (format.wide || (column.priority ?? 0) === 0 ? [{ name: column.name, index }] : []));
  return {
    columns: [...(format.namespaces ? ["namespace"] : []), ...shown.map(({ name }) => name)],
    rows: rows.map((row) => [...(format.namespaces ? [row.object?.metadata?.namespace ?? ""] : []), ...shown.map(({ index }) => row.cells[index])]),
  };
}

import { plainText } from "./terminal.ts";

/** Between columns, as kubectl. */
const gap = "   ";

export interface TableText {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

/** Lines of a table in kubectl's form: upper-case headings, columns as wide as their widest cell, nothing behind the last. */
export function tableLines(table: TableText): string[] {
  const cells = tableCells(table);
  const widths = widthsOf(cells);
  return cells.map((row) => rowLine(row, widths));
}

/** The heading and the rows as text. */
export function tableCells(table: TableText): string[][] {
  return [table.columns.map((name) => name.toUpperCase()), ...table.rows.map((row) => row.map(cellText))];
}

/** How wide each column must be, and at least as `before`. */
export function widthsOf(cells: readonly (readonly string[])[], before: readonly number[] = []): number[] {
  return (cells[0] ?? []).map((_, index) => Math.max(before[index] ?? 0, ...cells.map((row) => length(row[index] ?? ""))));
}

export function rowLine(row: readonly string[], widths: readonly number[]): string {
  return row
    .map((cell, index) => cell + " ".repeat(Math.max((widths[index] ?? 0) - length(cell), 0)))
    .join(gap)
    .trimEnd();
}

function cellText(value: unknown): string {
  if (value === undefined || value === null || value === "") return "";
  return plainText(typeof value === "object" ? JSON.stringify(value) : String(value));
}

function length(text: string): number {
  return [...text].length;
}

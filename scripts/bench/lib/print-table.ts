/** A Markdown table, so that what is printed can be pasted into a document. Numbers stand to the right. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(" | ")} |`;
  process.stdout.write(`${line(head)}\n| ${widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |\n`);
  for (const row of rows) process.stdout.write(`${line(row)}\n`);
}

export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

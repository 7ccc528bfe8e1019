import type { KubeClient } from "@threeport/client";
import { isErrorCode } from "@threeport/resource";
import { systemClock } from "@threeport/platform";
import { Interrupted, say, type CliContext } from "../context.ts";
import { shownTable, tableAccept, type ServerTable, type TableFormat, type TableRow } from "../output/server-table.ts";
import { rowLine, tableCells, widthsOf } from "../output/table.ts";

export interface TableWatch {
  readonly path: string;
  /** Only this object. */
  readonly name: string | undefined;
  readonly selector: string | undefined;
  readonly format: TableFormat;
}

type Columns = NonNullable<ServerTable["columnDefinitions"]>;

/** Pause before a watch that broke starts again. */
const againMs = 1_000;

/** Prints what there is, then a line for each change, until Ctrl-C. A watch that ends goes on where it was; one that is too old begins anew. */
export async function watchTable(context: CliContext, client: KubeClient, watch: TableWatch): Promise<void> {
  const { signal } = context;
  const selection = {
    ...(watch.name === undefined ? {} : { fieldSelector: `metadata.name=${watch.name}` }),
    ...(watch.selector === undefined ? {} : { labelSelector: watch.selector }),
  };
  const print = createPrinter(context, watch.format);
  let version: string | undefined;
  let failures = 0;
  while (!signal.aborted) {
    try {
      if (version === undefined) {
        const list = (await client.request(watch.path, { headers: { accept: tableAccept }, query: selection, signal })).body as ServerTable;
        print(list.columnDefinitions ?? undefined, list.rows ?? []);
        version = list.metadata?.resourceVersion ?? "";
      }
      for await (const { object, type } of await client.openWatch<ServerTable>(watch.path, {
        ...selection,
        resourceVersion: version,
        allowWatchBookmarks: true,
        headers: { accept: tableAccept },
        signal,
      })) {
        if (type !== "BOOKMARK") print(object.columnDefinitions ?? undefined, object.rows ?? []);
        version = object.metadata?.resourceVersion ?? object.rows?.[0]?.object?.metadata?.resourceVersion ?? version;
        failures = 0;
      }
    } catch (error) {
      if (signal.aborted) break;
      if (isErrorCode(error, "TP_EXPIRED")) version = undefined;
      else if (!isErrorCode(error, "TP_RUNTIME_UNREACHABLE") || failures++ > 0) throw error;
    }
    await systemClock.sleep(againMs, signal).catch(() => {});
  }
  if (signal.reason instanceof Interrupted) return; // Ctrl-C is how a watch ends
}

/** Columns never become narrower, so that later lines stand below the earlier ones. */
function createPrinter(context: CliContext, format: TableFormat): (columns: Columns | undefined, rows: readonly TableRow[]) => void {
  let columns: Columns | undefined;
  let widths: number[] = [];
  let headed = false;
  return (given, rows) => {
    columns = given ?? columns;
    if (columns === undefined || rows.length === 0) return;
    const [heading = [], ...lines] = tableCells(shownTable(columns, rows, format));
    widths = widthsOf([heading, ...lines], widths);
    if (!headed) say(context, rowLine(heading, widths));
    headed = true;
    for (const line of lines) say(context, rowLine(line, widths));
  };
}

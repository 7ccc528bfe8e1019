import { resourcePath, type ApiResource, type KubeClient } from "@threeport/client";
import { PlatformError, type StoredObject } from "@threeport/resource";
import { connect } from "../connect.ts";
import { note, say, type CliContext } from "../context.ts";
import { defaultProject } from "../kinds.ts";
import { fullName } from "../objects/find-resource.ts";
import { readSelection, type Asked } from "../objects/selection.ts";
import { watchTable } from "../objects/watch-table.ts";
import { serverTableLines, tableAccept, type ServerTable, type TableRow } from "../output/server-table.ts";

export interface GetFlags {
  readonly namespace?: string;
  readonly allNamespaces: boolean;
  readonly output: "table" | "wide" | "json" | "yaml" | "name";
  readonly selector?: string;
  readonly watch: boolean;
}

/** Rows of one page; all pages are read. */
const pageSize = 500;

export async function get(this: CliContext, flags: GetFlags, ...args: string[]): Promise<void> {
  await using client = await connect(this);
  await getObjects(this, client, { flags, asked: readSelection(await client.discover({ signal: this.signal }), args) });
}

/** What `get` does, for commands that are a `get` of one kind. */
export async function getObjects(
  context: CliContext,
  client: KubeClient,
  input: { readonly flags: GetFlags; readonly asked: readonly Asked[] },
): Promise<void> {
  const { flags, asked } = input;
  const [first] = asked;
  if (flags.selector !== undefined && asked.some(({ names }) => names.length > 0))
    throw new PlatformError("TP_USAGE", { message: "names and --selector exclude each other", detail: { hint: "leave one of them out" } });
  const table = flags.output === "table" || flags.output === "wide";
  if (flags.watch) {
    if (asked.length !== 1 || first === undefined || first.names.length > 1)
      throw new PlatformError("TP_USAGE", { message: "--watch follows one kind, or one object", detail: { hint: "run it once for each" } });
    if (!table) throw new PlatformError("TP_USAGE", { message: "--watch prints a table", detail: { hint: "leave -o out, or take -o wide" } });
    return watchTable(context, client, {
      path: collectionPath(first.resource, flags),
      name: first.names[0],
      selector: flags.selector,
      format: formatOf(first.resource, flags),
    });
  }
  if (table) return printTables(context, client, input);
  const found = (await Promise.all(asked.map((one) => readObjects(context, client, one, flags)))).flat();
  if (flags.output === "name") {
    for (const { resource, object } of found) say(context, fullName(resource, object.metadata.name));
    return;
  }
  const single = found.length === 1 && asked.length === 1 && asked[0]?.names.length === 1 ? found[0]?.object : undefined;
  const value = single ?? { apiVersion: "v1", kind: "List", metadata: {}, items: found.map(({ object }) => object) };
  if (flags.output === "json") return say(context, JSON.stringify(value, null, 2));
  const { yamlText } = await import("../output/yaml.ts");
  context.process.stdout.write(yamlText(value));
}

/** Where objects of a kind are looked for. */
function namespaceOf(resource: ApiResource, flags: Pick<GetFlags, "namespace" | "allNamespaces">): string | undefined {
  return resource.namespaced && !flags.allNamespaces ? (flags.namespace ?? defaultProject) : undefined;
}

function collectionPath(resource: ApiResource, flags: GetFlags): string {
  return resourcePath(resource, { namespace: namespaceOf(resource, flags) });
}

function formatOf(resource: ApiResource, flags: GetFlags): { wide: boolean; namespaces: boolean } {
  return { wide: flags.output === "wide", namespaces: flags.allNamespaces && resource.namespaced };
}

async function printTables(
  context: CliContext,
  client: KubeClient,
  { flags, asked }: { readonly flags: GetFlags; readonly asked: readonly Asked[] },
): Promise<void> {
  let printed = 0;
  let empty = 0;
  for (const one of asked) {
    const { columns, rows } = await readTable(context, client, one, flags);
    if (rows.length === 0) {
      empty++;
      continue;
    }
    if (printed++ > 0) say(context, "");
    for (const line of serverTableLines(columns, rows, formatOf(one.resource, flags))) say(context, line);
  }
  if (printed > 0 || empty === 0) return;
  const place = asked.every(({ resource }) => namespaceOf(resource, flags) !== undefined) ? ` in project ${flags.namespace ?? defaultProject}` : "";
  note(context, `no ${asked.map(({ resource }) => resource.resource).join(", ")} found${place}`);
}

async function readTable(
  context: CliContext,
  client: KubeClient,
  { resource, names }: Asked,
  flags: GetFlags,
): Promise<{ columns: NonNullable<ServerTable["columnDefinitions"]>; rows: TableRow[] }> {
  const rows: TableRow[] = [];
  let columns: NonNullable<ServerTable["columnDefinitions"]> = [];
  const read = async (path: string, query: Record<string, string | number | undefined>): Promise<ServerTable> => {
    const table = (await client.request(path, { headers: { accept: tableAccept }, query, signal: context.signal })).body as ServerTable;
    columns = table.columnDefinitions ?? columns;
    rows.push(...(table.rows ?? []));
    return table;
  };
  if (names.length > 0) {
    for (const name of names) await read(resourcePath(resource, { namespace: requireNamespace(resource, flags), name }), {});
    return { columns, rows };
  }
  for (let next: string | undefined = ""; next !== undefined;) {
    const table: ServerTable = await read(collectionPath(resource, flags), {
      limit: pageSize,
      labelSelector: flags.selector,
      continue: next === "" ? undefined : next,
    });
    next = table.metadata?.continue || undefined;
  }
  return { columns, rows };
}

function requireNamespace(resource: ApiResource, flags: GetFlags): string | undefined {
  if (flags.allNamespaces && resource.namespaced)
    throw new PlatformError("TP_USAGE", { message: "a name belongs to one project, not to all", detail: { hint: "name the project with -n" } });
  return namespaceOf(resource, flags);
}

async function readObjects(
  context: CliContext,
  client: KubeClient,
  { resource, names }: Asked,
  flags: GetFlags,
): Promise<{ resource: ApiResource; object: StoredObject }[]> {
  const { signal } = context;
  const objects =
    names.length > 0
      ? await Promise.all(
          names.map(
            async (name) =>
              (await client.request(resourcePath(resource, { namespace: requireNamespace(resource, flags), name }), { signal })).body as StoredObject,
          ),
        )
      : (await client.listPath(collectionPath(resource, flags), { signal, ...(flags.selector === undefined ? {} : { labelSelector: flags.selector }) })).items;
  return objects.map((object) => ({ resource, object: withoutBookkeeping(object) }));
}

/** As kubectl: who set which field is nothing that people read. */
function withoutBookkeeping(object: StoredObject): StoredObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

import { PlatformError } from "@threeport/resource";
import type { Version } from "@threeport/store";
import type { ApiContext } from "../api.ts";
import { parseBody } from "./body.ts";
import type { Selection } from "./selection.ts";

export interface ListQuery {
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly resourceVersionMatch?: string | undefined;
}

export interface Listed {
  readonly rv: number;
  /** JSON texts, ordered by namespace and name. */
  readonly items: readonly Version[];
  readonly continueToken: string | undefined;
}

/** Objects read per statement: bounds memory of one step, not the answer. */
const pageMax = 5_000;

/** All pages of one list come from the same snapshot: the token carries its number. */
export async function listObjects(context: ApiContext, selection: Selection, query: ListQuery): Promise<Listed> {
  const token = query.continue === undefined || query.continue === "" ? undefined : readToken(query.continue);
  if (token === undefined) await checkVersion(context, query);
  const exact = query.resourceVersionMatch === "Exact" ? Number(query.resourceVersion) : undefined;
  const limit = query.limit === undefined || query.limit <= 0 ? Number.POSITIVE_INFINITY : query.limit;
  const items: Version[] = [];
  let rv = token?.rv ?? exact;
  let after = token === undefined ? undefined : { namespace: token.namespace, name: token.name };
  if (selection.name !== undefined && token === undefined && exact === undefined) return listOne(context, selection, selection.name);
  for (;;) {
    const wanted = selection.all ? Math.min(pageMax, limit - items.length) : pageMax;
    const page = await context.store.reader.list({
      kind: selection.kind.resource,
      limit: wanted,
      ...(selection.namespace === undefined ? {} : { namespace: selection.namespace }),
      ...(after === undefined ? {} : { after }),
      ...(rv === undefined ? {} : { atRv: rv }),
    });
    rv = page.rv;
    for (const [index, version] of page.items.entries()) {
      if (!selection.all && !selection.matches(parseBody(version.body))) continue;
      items.push(version);
      const last = index === page.items.length - 1 && page.next === undefined;
      if (items.length >= limit && !last) return { rv, items, continueToken: writeToken({ rv, namespace: version.key.namespace, name: version.key.name }) };
    }
    if (page.next === undefined) return { rv, items, continueToken: undefined };
    after = page.next;
  }
}

/**
 * The same list with its items as JSON in UTF-8, where nobody has to look into the items: a whole kind or
 * namespace in its newest state. Undefined where that is not so.
 */
export async function listTextOf(
  context: ApiContext,
  selection: Selection,
  query: ListQuery,
): Promise<{ rv: number; bodies: readonly Buffer[]; continueToken: string | undefined } | undefined> {
  if (!selection.all || selection.kind.sensitive || (query.continue ?? "") !== "" || query.resourceVersionMatch === "Exact") return undefined;
  await checkVersion(context, query);
  const listed = await context.store.listText({
    kind: selection.kind.resource,
    ...(selection.namespace === undefined ? {} : { namespace: selection.namespace }),
    ...(query.limit === undefined || query.limit <= 0 ? {} : { limit: query.limit }),
  });
  return (
    listed && { rv: listed.rv, bodies: listed.bodies, continueToken: listed.next === undefined ? undefined : writeToken({ rv: listed.rv, ...listed.next }) }
  );
}

async function listOne(context: ApiContext, selection: Selection, name: string): Promise<Listed> {
  // The number first: the object read after it is at least that new, and a watch from it misses nothing.
  const rv = await context.store.reader.currentRv();
  if (selection.kind.namespaced && selection.namespace === undefined) {
    const page = await listObjects(context, { ...selection, name: undefined, all: false }, {});
    return page;
  }
  const version = await context.store.reader.get({ kind: selection.kind.resource, namespace: selection.namespace ?? "", name });
  const matches = version !== undefined && selection.matches(parseBody(version.body));
  return { rv: Math.max(rv, version?.rv ?? 0), items: matches ? [version] : [], continueToken: undefined };
}

async function checkVersion(context: ApiContext, query: ListQuery): Promise<void> {
  const version = query.resourceVersion ?? "";
  if (query.resourceVersionMatch !== undefined && query.resourceVersionMatch !== "" && version === "") {
    throw new PlatformError("TP_INVALID", {
      message: "resourceVersionMatch is forbidden unless resourceVersion is provided",
      causes: [{ field: "resourceVersionMatch", message: "Forbidden: needs resourceVersion" }],
    });
  }
  if (query.resourceVersionMatch === "Exact" && version === "0")
    throw new PlatformError("TP_INVALID", { message: 'resourceVersionMatch "Exact" is forbidden for resourceVersion "0"' });
  if (version === "" || version === "0") return;
  if (!/^\d{1,16}$/.test(version))
    throw new PlatformError("TP_BAD_REQUEST", { message: `invalid resource version "${version}": it must be a decimal number that this server gave out` });
  await context.store.reader.changes({ afterRv: Number(version), kind: "", limit: 1 }).catch((error: unknown) => {
    // Not older than: compaction does not matter, only a number from the future does.
    if (error instanceof PlatformError && error.code === "TP_EXPIRED" && query.resourceVersionMatch !== "Exact") return;
    throw error;
  });
}

interface Token {
  readonly rv: number;
  readonly namespace: string;
  readonly name: string;
}

function writeToken(token: Token): string {
  return Buffer.from(JSON.stringify([1, token.rv, token.namespace, token.name])).toString("base64url");
}

function readToken(text: string): Token {
  try {
    const [version, rv, namespace, name] = JSON.parse(Buffer.from(text, "base64url").toString("utf8")) as unknown[];
    if (version === 1 && typeof rv === "number" && Number.isSafeInteger(rv) && rv > 0 && isPosition(namespace) && isPosition(name))
      return { rv, namespace, name };
  } catch {
    // answered below like any other token that we did not write
  }
  throw new PlatformError("TP_BAD_REQUEST", { message: "the continue token is not valid; start the list again without it" });
}

/** Text that can stand where a list goes on; a token made by hand must not reach the database with anything else. */
function isPosition(value: unknown): value is string {
  return typeof value === "string" && /^[\x20-\x7e]{0,253}$/.test(value);
}

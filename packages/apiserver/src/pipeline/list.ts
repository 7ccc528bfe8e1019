import { PlatformError, isErrorCode } from "@threeport/resource";
import { listBytesMax, listTooLarge, type Version } from "@threeport/store";
import type { ApiContext } from "../api.ts";
import { isServedAsStored, parseBody, servedBody } from "./body.ts";
import { readToken, writeToken, type ContinueToken } from "./continue-token.ts";
import type { Selection } from "./selection.ts";

export interface ListQuery {
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly resourceVersionMatch?: "Exact" | "NotOlderThan" | undefined;
}

/** What a list tells about itself. */
export interface ListHead {
  readonly rv: number;
  readonly continueToken: string | undefined;
  /** Objects behind this page; undefined on the last one, and where selectors decide. */
  readonly remaining: number | undefined;
}

export interface Listed extends ListHead {
  /** JSON texts, ordered by namespace and name. */
  readonly items: readonly Version[];
}

/** Objects read per statement: bounds memory of one step, not the answer. */
const pageMax = 5_000;

/** All pages of one list come from the same snapshot: the token carries its number. */
export async function listObjects(context: ApiContext, selection: Selection, query: ListQuery): Promise<Listed> {
  const token = tokenOf(query);
  const exact = token === undefined ? exactVersion(query) : undefined;
  if (token === undefined) await checkVersion(context, query);
  if (selection.name !== undefined && token === undefined && exact === undefined) return listOne(context, selection, selection.name);
  try {
    return await listPage(context, selection, { limit: limitOf(query), token, atRv: token === undefined ? exact : token.rv === 0 ? undefined : token.rv });
  } catch (error) {
    throw token === undefined ? error : withContinuation(error, token);
  }
}

interface PageInput {
  readonly limit: number;
  readonly token: ContinueToken | undefined;
  readonly atRv: number | undefined;
}

async function listPage(context: ApiContext, selection: Selection, { limit, token, atRv }: PageInput): Promise<Listed> {
  const items: Version[] = [];
  let characters = 0;
  let rv = atRv;
  let after: { readonly namespace: string; readonly name: string } | undefined = token;
  for (;;) {
    const page = await context.store.reader.list({
      ...place(selection),
      limit: selection.all ? Math.min(pageMax, limit - items.length) : pageMax,
      ...(after === undefined ? {} : { after }),
      ...(rv === undefined ? {} : { atRv: rv }),
    });
    rv = page.rv;
    for (const [index, stored] of page.items.entries()) {
      const version = isServedAsStored(selection.kind) ? stored : { ...stored, body: servedBody(selection.kind, stored.body) };
      if (!selection.all && !selection.matches(parseBody(version.body))) continue;
      items.push(version);
      characters += version.body.length;
      if (characters > listBytesMax) throw listTooLarge();
      const last = index === page.items.length - 1 && page.next === undefined;
      if (items.length >= limit && !last) return { items, ...(await headOf(context, selection, { rv, last: version.key, count: items.length, token })) };
    }
    if (page.next === undefined) return { rv, items, continueToken: undefined, remaining: undefined };
    after = page.next;
  }
}

function place(selection: Selection): { kind: string; namespace?: string } {
  return { kind: selection.kind.resource, ...(selection.namespace === undefined ? {} : { namespace: selection.namespace }) };
}

/** The head of a page with others behind it. They are counted once a list, and then counted down. */
async function headOf(
  context: ApiContext,
  selection: Selection,
  page: { rv: number; last: { namespace: string; name: string }; count: number; token: ContinueToken | undefined },
): Promise<ListHead> {
  const { rv, token } = page;
  const { namespace, name } = page.last;
  let remaining: number | undefined;
  // The state may have changed since it was counted; that there is something behind the page is certain.
  if (selection.all && token?.remaining !== undefined) remaining = Math.max(1, token.remaining - page.count);
  else if (selection.all) remaining = Math.max(1, await context.store.reader.countBehind({ ...place(selection), after: { namespace, name } }));
  return { rv, remaining, continueToken: writeToken({ rv, namespace, name, remaining }) };
}

/**
 * The same list with its items as JSON in UTF-8, where nobody has to look into the items: a whole kind or
 * namespace in its newest state. Undefined where that is not so.
 */
export async function listTextOf(
  context: ApiContext,
  selection: Selection,
  query: ListQuery,
): Promise<(ListHead & { readonly bodies: readonly Buffer[] }) | undefined> {
  if (!selection.all || selection.kind.sensitive || !isServedAsStored(selection.kind) || tokenOf(query) !== undefined || exactVersion(query) !== undefined)
    return undefined;
  await checkVersion(context, query);
  const limit = limitOf(query);
  const listed = await context.store.listText({ ...place(selection), ...(Number.isFinite(limit) ? { limit } : {}) });
  if (listed === undefined) return undefined;
  const { rv, bodies, next } = listed;
  if (next === undefined) return { rv, bodies, continueToken: undefined, remaining: undefined };
  return { bodies, ...(await headOf(context, selection, { rv, last: next, count: bodies.length, token: undefined })) };
}

async function listOne(context: ApiContext, selection: Selection, name: string): Promise<Listed> {
  // The number first: the object read after it is at least that new, and a watch from it misses nothing.
  const rv = await context.store.reader.currentRv();
  if (selection.kind.namespaced && selection.namespace === undefined) {
    const page = await listObjects(context, { ...selection, name: undefined, all: false }, {});
    return page;
  }
  const stored = await context.store.reader.get({ kind: selection.kind.resource, namespace: selection.namespace ?? "", name });
  const version = stored === undefined ? undefined : { ...stored, body: servedBody(selection.kind, stored.body) };
  const matches = version !== undefined && selection.matches(parseBody(version.body));
  return { rv: Math.max(rv, version?.rv ?? 0), items: matches ? [version] : [], continueToken: undefined, remaining: undefined };
}

function limitOf(query: ListQuery): number {
  return query.limit === undefined || query.limit <= 0 ? Number.POSITIVE_INFINITY : query.limit;
}

function tokenOf(query: ListQuery): ContinueToken | undefined {
  return query.continue === undefined || query.continue === "" ? undefined : readToken(query.continue);
}

/** The number that a list is asked to show exactly. Without a match, a limit means it, as upstream: pages must belong together. */
function exactVersion({ resourceVersion = "", resourceVersionMatch, limit = 0 }: ListQuery): number | undefined {
  if (resourceVersion === "" || resourceVersion === "0") return undefined;
  return resourceVersionMatch === "Exact" || (resourceVersionMatch === undefined && limit > 0) ? parseVersion(resourceVersion) : undefined;
}

/** S4: a number from the future is 504. One that was compacted matters only to those who ask for exactly that. */
async function checkVersion(context: ApiContext, query: ListQuery): Promise<void> {
  const version = parseVersion(query.resourceVersion ?? "");
  if (version === 0) return;
  if (exactVersion(query) === undefined) await checkNotFuture(context, version);
  else await context.store.reader.changes({ afterRv: version, kind: "", limit: 1 });
}

export async function checkNotFuture(context: ApiContext, version: number): Promise<void> {
  await context.store.reader.changes({ afterRv: version, kind: "", limit: 1 }).catch((error: unknown) => {
    if (!isErrorCode(error, "TP_EXPIRED")) throw error;
  });
}

/** 0 for "" and "0": anything will do, and the newest is what there is. */
export function parseVersion(version: string): number {
  if (!/^\d{0,16}$/.test(version))
    throw new PlatformError("TP_BAD_REQUEST", { message: `invalid resource version "${version}": it must be a decimal number that this server gave out` });
  return Number(version);
}

/** 410 for a token comes with another one, with which a client that can live with that goes on in a newer state. */
function withContinuation(error: unknown, token: ContinueToken): unknown {
  if (!isErrorCode(error, "TP_EXPIRED")) return error;
  return new PlatformError("TP_EXPIRED", {
    message:
      "the state that this list began with is no longer kept: start again without the continue token, or go on with the one in this answer, which shows what is there now behind the last page, so that changes made since the first page may be missed or seen twice",
    detail: { continue: writeToken({ ...token, rv: 0 }) },
    cause: error,
  });
}

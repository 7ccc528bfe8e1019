import { PlatformError, isErrorCode, type StoredObject } from "@threeport/resource";
import type { Transport } from "../http/send-options.ts";
import { callOptions, type ListOptions } from "./options.ts";

/** All objects of a selection, as they stood at `resourceVersion`; a watch from there misses nothing. */
export interface ObjectList<T = StoredObject> {
  readonly items: T[];
  readonly resourceVersion: string;
}

interface Page {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: StoredObject[];
}

/** As client-go: large enough for few round trips, small enough for the server's memory. */
const pageSizeDefault = 500;
/** Restarts after an expired page before the rest is asked for in one piece, which cannot expire. */
const restartsMax = 1;

/**
 * Reads all pages. A page token that has expired (410: paging took longer than the server keeps old versions) starts the list anew, so
 * the result is always one consistent state.
 */
export async function listAll<T = StoredObject>(transport: Transport, path: string, options: ListOptions = {}): Promise<ObjectList<T>> {
  for (let restarts = 0; ; restarts++) {
    try {
      const pageSize = restarts > restartsMax ? undefined : (options.pageSize ?? pageSizeDefault);
      return (await readPages(transport, path, { ...options, pageSize })) as ObjectList<T>;
    } catch (error) {
      if (!isErrorCode(error, "TP_EXPIRED") || restarts > restartsMax) throw error;
    }
  }
}

async function readPages(transport: Transport, path: string, options: Omit<ListOptions, "pageSize"> & { pageSize: number | undefined }): Promise<ObjectList> {
  const { labelSelector, fieldSelector, pageSize } = options;
  let items: StoredObject[] = [];
  let next: string | undefined;
  for (;;) {
    const resourceVersion: string | undefined = next === undefined ? options.resourceVersion : undefined; // the token carries it
    const query = { labelSelector, fieldSelector, limit: pageSize, continue: next, resourceVersion };
    const page = (await transport.request(path, { ...callOptions(options), query })).body as Page | undefined;
    const version = page?.metadata?.resourceVersion;
    if (page === undefined || typeof page !== "object" || version === undefined || !Array.isArray(page.items ?? [])) {
      throw new PlatformError("TP_RUNTIME_ANSWER_INVALID", { message: `${transport.host} answered ${path} with something that is no list` });
    }
    nameKinds(page);
    items = items.length === 0 ? (page.items ?? []) : items.concat(page.items ?? []);
    next = page.metadata?.continue === "" ? undefined : page.metadata?.continue;
    if (next === undefined) return { items, resourceVersion: version };
  }
}

/** Kubernetes leaves `apiVersion` and `kind` out of the items of a list; readers need them. */
function nameKinds({ apiVersion, kind, items }: Page): void {
  if (apiVersion === undefined || kind === undefined || !kind.endsWith("List") || !Array.isArray(items)) return;
  const itemKind = kind.slice(0, -"List".length);
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    if (item !== undefined && item.kind === undefined) items[index] = { ...item, apiVersion, kind: itemKind };
  }
}

import type { Caller } from "../api.ts";
import { createSelection, type Selection } from "../pipeline/selection.ts";
import type { Query } from "./negotiation.ts";
import type { Route } from "./route.ts";

/** A request of the resource API, taken apart. */
export interface ResourceRequest {
  readonly method: string;
  readonly route: Route;
  readonly query: Query;
  readonly accept: string | undefined;
  /** Lower case, without parameters. */
  readonly contentType: string;
  readonly body: Uint8Array | undefined;
  readonly userAgent: string | undefined;
  readonly caller: Caller;
}

/** What a list, a watch or a deletecollection is about. */
export function selectionOf({ route, query }: Pick<ResourceRequest, "route" | "query">): Selection {
  return createSelection(route.kind, {
    namespace: route.kind.namespaced ? route.namespace : undefined,
    labelSelector: query.text("labelSelector"),
    fieldSelector: query.text("fieldSelector"),
  });
}

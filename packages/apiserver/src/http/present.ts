import type { Kind } from "@threeport/resource";
import type { ApiContext } from "../api.ts";
import { parseBody } from "../pipeline/body.ts";
import type { ListHead } from "../pipeline/list.ts";
import { acceptedForm, includeObject, type Form, type Query } from "./negotiation.ts";
import { table, tableRow, type IncludeObject } from "./table.ts";

export interface Presentation {
  readonly form: Form;
  /** What each row of a Table carries beside its cells. */
  readonly include: IncludeObject;
}

/**
 * Read before anything is written: a form that cannot be served must refuse the request, not its answer.
 * Events of a watch are single objects.
 */
export function presentationOf(request: { readonly accept: string | undefined; readonly query: Query }, of: "one" | "list" = "one"): Presentation {
  return { form: acceptedForm(request.accept, of), include: includeObject(request.query.text("includeObject")) };
}

/** JSON text of one object. */
export function presentObject(context: ApiContext, kind: Kind, presentation: Presentation, object: { readonly body: string; readonly rv: number }): string {
  switch (presentation.form) {
    case "object":
      return object.body;
    case "partial":
      return partialText(object.body);
    case "table":
      return JSON.stringify(
        table(kind, { rows: [row(context, kind, presentation, object.body)], metadata: { resourceVersion: String(object.rv) }, columns: true }),
      );
  }
}

export interface ListToPresent extends ListHead {
  readonly items: readonly { readonly body: string }[];
}

/** JSON text of a list. */
export function presentList(context: ApiContext, kind: Kind, presentation: Presentation, list: ListToPresent): string {
  if (presentation.form === "table") {
    const rows = list.items.map((item) => row(context, kind, presentation, item.body));
    return JSON.stringify(table(kind, { rows, metadata: listMeta(list), columns: true }));
  }
  const partial = presentation.form === "partial";
  const texts = list.items.map((item) => (partial ? partialText(item.body) : item.body));
  const [start, end] = aroundItems(partial ? "PartialObjectMetadataList" : kind.listKind, partial ? "meta.k8s.io/v1" : kind.apiVersion, list);
  return `${start}${texts.join(",")}${end}`;
}

/** What a list has before and behind its items. */
export function aroundItems(kind: string, apiVersion: string, list: ListHead): readonly [start: string, end: string] {
  return [`{"kind":"${kind}","apiVersion":"${apiVersion}","metadata":${JSON.stringify(listMeta(list))},"items":[`, "]}"];
}

function listMeta(list: ListHead): object {
  return {
    resourceVersion: String(list.rv),
    ...(list.continueToken === undefined ? {} : { continue: list.continueToken }),
    ...(list.remaining === undefined ? {} : { remainingItemCount: list.remaining }),
  };
}

export function partialText(body: string): string {
  return JSON.stringify({ kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: parseBody(body).metadata });
}

function row(context: ApiContext, kind: Kind, presentation: Presentation, body: string): object {
  return tableRow(kind, body, { include: presentation.include, nowMs: context.clock.now() });
}

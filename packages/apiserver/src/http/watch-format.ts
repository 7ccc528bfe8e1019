import type { ApiContext } from "../api.ts";
import type { WatchEvent } from "../pipeline/watch.ts";
import { partialText, type Presentation } from "./present.ts";
import type { ResourceRequest } from "./resource-request.ts";
import { columnDefinitions, table, tableRow } from "./table.ts";

/** Events as lines of JSON in UTF-8, in the form that the client accepts. */
export interface WatchFormat {
  event(event: WatchEvent): Buffer;
  /** Everything up to `rv` has been sent. */
  bookmark(rv: number, annotations?: Readonly<Record<string, string>>): Buffer;
}

/** Lines of one form, made once for all watchers that read it. */
type Lines = WeakMap<WatchEvent, Buffer>;

const shared: Readonly<Record<"object" | "partial" | "None" | "Metadata" | "Object", Lines>> = {
  object: new WeakMap(),
  partial: new WeakMap(),
  None: new WeakMap(),
  Metadata: new WeakMap(),
  Object: new WeakMap(),
};

function once(lines: Lines, event: WatchEvent, make: () => string): Buffer {
  const known = lines.get(event);
  if (known !== undefined) return known;
  const line = Buffer.from(make());
  lines.set(event, line);
  return line;
}

export function watchFormat(context: ApiContext, { route: { kind } }: ResourceRequest, presentation: Presentation): WatchFormat {
  const at = (rv: number, annotations: Readonly<Record<string, string>> | undefined) => ({
    resourceVersion: String(rv),
    creationTimestamp: null,
    ...(annotations === undefined ? {} : { annotations }),
  });
  const line = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;

  if (presentation.form === "table") {
    let first = true; // the definitions of the columns are sent once
    const wrap = (rows: readonly object[], rv: string) => {
      const object = table(kind, { rows, metadata: { resourceVersion: rv }, columns: first });
      first = false;
      return object;
    };
    const rowOf = (event: WatchEvent) => tableRow(kind, event.body, { include: presentation.include, nowMs: context.clock.now() });
    const lineOf = (event: WatchEvent) => line(event.type, wrap([rowOf(event)], String(event.rv)));
    return {
      event: (event) => (first ? Buffer.from(lineOf(event)) : once(shared[presentation.include], event, () => lineOf(event))),
      bookmark(rv, annotations) {
        const object = { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: at(rv, annotations) };
        return Buffer.from(line("BOOKMARK", wrap([{ cells: columnDefinitions(kind).map(() => null), object }], String(rv))));
      },
    };
  }
  if (presentation.form === "partial") {
    return {
      event: (event) => once(shared.partial, event, () => `{"type":"${event.type}","object":${partialText(event.body)}}\n`),
      bookmark: (rv, annotations) =>
        Buffer.from(line("BOOKMARK", { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: at(rv, annotations) })),
    };
  }
  return {
    event: (event) => once(shared.object, event, () => `{"type":"${event.type}","object":${event.body}}\n`),
    bookmark: (rv, annotations) => Buffer.from(line("BOOKMARK", { kind: kind.kind, apiVersion: kind.apiVersion, metadata: at(rv, annotations) })),
  };
}

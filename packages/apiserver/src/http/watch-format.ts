import type { ApiContext } from "../api.ts";
import type { WatchEvent } from "../pipeline/watch.ts";
import { partialText, type Presentation } from "./present.ts";
import type { ResourceRequest } from "./resource-request.ts";
import { table, tableRow } from "./table.ts";

/** Events as lines of JSON, in the form that the client accepts. */
export interface WatchFormat {
  event(event: WatchEvent): string;
  /** Everything up to `rv` has been sent. */
  bookmark(rv: number, annotations?: Readonly<Record<string, string>>): string;
}

/** Lines that all watchers of the plain form share are made once. */
const plainLines = new WeakMap<WatchEvent, string>();

export function watchFormat(context: ApiContext, { route: { kind } }: ResourceRequest, presentation: Presentation): WatchFormat {
  const at = (rv: number, annotations: Readonly<Record<string, string>> | undefined) => ({
    resourceVersion: String(rv),
    creationTimestamp: null,
    ...(annotations === undefined ? {} : { annotations }),
  });
  const line = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;

  if (presentation.form === "table") {
    let columns = true; // their definitions are sent once
    const wrap = (rows: readonly object[], rv: string) => {
      const object = table(kind, { rows, metadata: { resourceVersion: rv }, columns });
      columns = false;
      return object;
    };
    const options = () => ({ include: presentation.include, nowMs: context.clock.now() });
    return {
      event: (event) => line(event.type, wrap([tableRow(kind, event.body, options())], String(event.rv))),
      bookmark: (rv, annotations) =>
        line(
          "BOOKMARK",
          wrap(
            [
              {
                cells: [null, ...kind.columns.map(() => null)],
                object: { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: at(rv, annotations) },
              },
            ],
            String(rv),
          ),
        ),
    };
  }
  if (presentation.form === "partial") {
    return {
      event: (event) => `{"type":"${event.type}","object":${partialText(event.body)}}\n`,
      bookmark: (rv, annotations) => line("BOOKMARK", { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: at(rv, annotations) }),
    };
  }
  return {
    event(event) {
      const known = plainLines.get(event);
      if (known !== undefined) return known;
      const text = `{"type":"${event.type}","object":${event.body}}\n`;
      plainLines.set(event, text);
      return text;
    },
    bookmark: (rv, annotations) => line("BOOKMARK", { kind: kind.kind, apiVersion: kind.apiVersion, metadata: at(rv, annotations) }),
  };
}

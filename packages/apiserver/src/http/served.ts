import type { Kind } from "@threeport/resource";
import { scaleKind } from "../kinds/scale.ts";
import type { Offered } from "./subresource.ts";

/** What is served of a kind, for routing, discovery and OpenAPI alike: what one of them knows, all know. */
export interface Served {
  /** "" is the kind itself. */
  readonly subresource: string;
  /** Kind of the document that goes over the wire. */
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly verbs: readonly string[];
  /** The answer is text and no document. */
  readonly text: boolean;
  /** The document has a schema: it is of this kind, or a Scale. */
  readonly known: boolean;
}

const objectVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const partVerbs = ["get", "patch", "update"];

/** Subresources that every kind may have and that the pipeline itself serves. */
export function isOwnSubresource(kind: Kind, subresource: string): boolean {
  return (subresource === "status" && kind.hasStatus && !kind.computed) || (subresource === "scale" && kind.scale !== undefined);
}

/** The kind itself first, then its subresources by name. `special` are those that modules serve. */
export function servedOf(kind: Kind, special: ReadonlyMap<string, Offered>): readonly Served[] {
  const found: Served[] = [];
  if (kind.scale !== undefined) found.push({ subresource: "scale", kind: scaleKind, verbs: partVerbs, text: false, known: true });
  if (kind.hasStatus && !kind.computed) found.push({ subresource: "status", kind, verbs: partVerbs, text: false, known: true });
  for (const [key, { kind: shown, document, verbs, answers }] of special) {
    const [resource, subresource = ""] = key.split("/");
    if (resource === kind.resource)
      found.push({ subresource, kind: document ?? shown ?? kind, verbs, text: answers === "text", known: document !== undefined });
  }
  found.sort((a, b) => (a.subresource < b.subresource ? -1 : 1));
  return [{ subresource: "", kind, verbs: kind.computed ? ["create"] : objectVerbs, text: false, known: true }, ...found];
}

import { parseApiVersion, type KubeObject } from "@threeport/resource";
import type { ObjectId } from "./health/index.ts";

/** Names an object within a runtime whatever version it is written in: `group/Kind/namespace/name`. The key of inventory rows. */
export function idText(id: { readonly apiVersion: string; readonly kind: string; readonly namespace?: string | undefined; readonly name: string }): string {
  return `${parseApiVersion(id.apiVersion).group}/${id.kind}/${id.namespace ?? ""}/${id.name}`;
}

export function idOf(object: KubeObject): ObjectId {
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    name: object.metadata.name,
    ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
  };
}

/** `Deployment web/shop` or `Namespace shop`: how people are told of an object. */
export function idWords(id: ObjectId): string {
  return `${id.kind} ${id.namespace === undefined ? "" : `${id.namespace}/`}${id.name}`;
}

import type { KubeObject } from "@threeport/resource";

/** Names a kind, or one object of it. */
export interface Target {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  /** For example `status` or `scale`. */
  readonly subresource?: string | undefined;
}

export interface NamedTarget extends Target {
  readonly name: string;
}

/** The target that an object is. */
export function targetOf(object: KubeObject): NamedTarget {
  const { apiVersion, kind, metadata } = object;
  return { apiVersion, kind, name: metadata.name, ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }) };
}

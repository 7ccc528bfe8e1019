/** What somebody wants to do, in the words of RBAC. */
export type Attributes = ResourceAttributes | PathAttributes;

export interface ResourceAttributes {
  readonly verb: string;
  readonly group: string;
  /** Lower-case plural. */
  readonly resource: string;
  readonly subresource?: string | undefined;
  /** "": cluster-scoped, or all namespaces. */
  readonly namespace: string;
  /** "": no single object. */
  readonly name: string;
}

export interface PathAttributes {
  readonly verb: string;
  /** A URL that belongs to no resource: `/metrics`. */
  readonly path: string;
}

/** `widgets/status`, as rules write it. */
export function qualifiedResource(attributes: ResourceAttributes): string {
  return attributes.subresource === undefined || attributes.subresource === "" ? attributes.resource : `${attributes.resource}/${attributes.subresource}`;
}

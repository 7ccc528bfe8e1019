import {
  PlatformError,
  getPath,
  parseFieldSelector,
  parseLabelSelector,
  type FieldSelector,
  type Kind,
  type KubeObject,
  type Selector,
} from "@threeport/resource";

/** What a list or watch looks at: one kind, perhaps one namespace, perhaps only some objects. */
export interface Selection {
  readonly kind: Kind;
  /** undefined: all namespaces, or a cluster-scoped kind. */
  readonly namespace: string | undefined;
  /** True for every object: bodies need not be parsed. */
  readonly all: boolean;
  /** True for every object of `namespace` and `name`: who looks only there need not ask `matches`. */
  readonly byPlace: boolean;
  /** Set when the field selector names exactly one object. */
  readonly name: string | undefined;
  matches(object: KubeObject): boolean;
}

export interface SelectionQuery {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

const fieldsOfAll = ["metadata.name", "metadata.namespace"];

const plausibleName = /^[\x20-\x7e]{1,253}$/;

export function createSelection(kind: Kind, query: SelectionQuery): Selection {
  const labels: Selector | undefined = query.labelSelector === undefined || query.labelSelector === "" ? undefined : parseLabelSelector(query.labelSelector);
  const fields: FieldSelector | undefined =
    query.fieldSelector === undefined || query.fieldSelector === "" ? undefined : parseFieldSelector(query.fieldSelector);
  const allowed = [...fieldsOfAll, ...kind.selectableFields];
  for (const requirement of fields?.requirements ?? []) {
    if (!allowed.includes(requirement.field)) {
      throw new PlatformError("TP_BAD_REQUEST", {
        message: `Unable to find "${kind.plural}" that match field selector: "${requirement.field}" is not a known field selector; known are ${allowed.map((field) => `"${field}"`).join(", ")}`,
      });
    }
  }
  // Only a shortcut to where the object would be: what can be no name is left to `matches`, which finds nothing.
  const equal = (field: string) =>
    fields?.requirements.find((requirement) => requirement.field === field && requirement.operator === "=" && plausibleName.test(requirement.value))?.value;
  const namespace = query.namespace ?? (kind.namespaced ? equal("metadata.namespace") : undefined);
  const name = equal("metadata.name");
  const placed = (fields?.requirements ?? []).every(
    ({ field, operator, value }) =>
      operator === "=" && ((field === "metadata.name" && value === name) || (field === "metadata.namespace" && kind.namespaced && value === namespace)),
  );
  return {
    kind,
    namespace,
    byPlace: labels === undefined && placed,
    all: labels === undefined && fields === undefined,
    name,
    matches: (object) =>
      (labels === undefined || labels.matches(object.metadata.labels ?? {})) &&
      (fields === undefined ||
        fields.matches((field) => {
          const value = getPath(object, field);
          return typeof value === "string" ? value : value === undefined || value === null ? "" : String(value);
        })),
  };
}

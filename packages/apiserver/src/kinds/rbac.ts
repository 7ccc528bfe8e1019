import { z } from "zod";
import {
  ageColumn,
  compileLabelSelector,
  deepEqual,
  defineKind,
  dns1123SubdomainProblems,
  pathSegmentProblems,
  toPlatformError,
  type ErrorCause,
  type Kind,
  type KubeObject,
} from "@threeport/resource";
import type { PolicyRule } from "../auth/rules.ts";

export const rbacGroup = "rbac.authorization.k8s.io";

const atomic = { "x-kubernetes-list-type": "atomic" };
const texts = (description: string) => z.array(z.string()).optional().describe(description).meta(atomic);

const rule = z.object({
  verbs: z.array(z.string()).nullable().optional().describe("What may be done: get, list, create, …, or * for everything.").meta(atomic),
  apiGroups: texts('Groups of the resources; "" is the core group, * is all.'),
  resources: texts("Plurals, such as configmaps or workloadinstances/log; * is all."),
  resourceNames: texts("Only these objects. Empty: all."),
  nonResourceURLs: texts("URLs that belong to no resource, such as /metrics; a * at the end stands for any rest."),
});

const rules = z.array(rule).nullable().optional().describe("What the role allows; the rules add up.").meta(atomic);

const labelSelector = z
  .object({
    matchLabels: z.record(z.string(), z.string()).optional().describe("Labels that must be there with these values."),
    matchExpressions: z
      .array(
        z.object({
          key: z.string().describe("Key of a label."),
          operator: z.string().describe("In, NotIn, Exists or DoesNotExist."),
          values: texts("Values that In and NotIn compare with."),
        }),
      )
      .optional()
      .describe("Conditions on labels; all must hold.")
      .meta(atomic),
  })
  .meta({ "x-kubernetes-map-type": "atomic" });

const subjects = z
  .array(
    z.object({
      kind: z.string().describe("User, Group or ServiceAccount."),
      apiGroup: z.string().optional().describe('rbac.authorization.k8s.io for User and Group, "" for ServiceAccount.'),
      name: z.string().describe("Name of the user, group or ServiceAccount."),
      namespace: z.string().optional().describe("Namespace of the ServiceAccount."),
    }),
  )
  .nullable()
  .optional()
  .describe("Who gets the role.")
  .meta(atomic);

const roleRef = z
  .object({
    apiGroup: z.string().optional().describe("rbac.authorization.k8s.io."),
    kind: z.string().describe("Role or ClusterRole."),
    name: z.string().describe("Name of the role."),
  })
  .describe("The role that is given; it cannot change.")
  .meta({ "x-kubernetes-map-type": "atomic" });

export interface Subject {
  readonly kind: string;
  readonly apiGroup?: string;
  readonly name: string;
  readonly namespace?: string;
}

export interface RoleRef {
  readonly apiGroup: string;
  readonly kind: string;
  readonly name: string;
}

export type RoleObject = KubeObject & {
  readonly rules?: readonly PolicyRule[] | null;
  readonly aggregationRule?: { readonly clusterRoleSelectors?: readonly unknown[] } | null;
};
export type BindingObject = KubeObject & { readonly subjects?: readonly Subject[] | null; readonly roleRef: RoleRef };

const shared = { group: rbacGroup, version: "v1", nameRule: "path" } as const;
const createdColumn = { name: "Created At", type: "date", description: "When it was created.", value: ageColumn.value } as const;
const roleColumn = {
  name: "Role",
  type: "string",
  description: "The role that is given.",
  value: (object: KubeObject) => `${(object as BindingObject).roleRef.kind}/${(object as BindingObject).roleRef.name}`,
} as const;
const subjectsColumn = (kind: string) =>
  ({
    name: kind === "ServiceAccount" ? "ServiceAccounts" : `${kind}s`,
    type: "string",
    priority: 1,
    description: `Every ${kind} that gets the role.`,
    value: (object: KubeObject) =>
      ((object as BindingObject).subjects ?? [])
        .filter((subject) => subject.kind === kind)
        .map((subject) => (kind === "ServiceAccount" ? `${subject.namespace}/${subject.name}` : subject.name))
        .join(", "),
  }) as const;
const bindingColumns = [roleColumn, ageColumn, subjectsColumn("User"), subjectsColumn("Group"), subjectsColumn("ServiceAccount")];

export const roleKind = defineKind({
  ...shared,
  kind: "Role",
  plural: "roles",
  scope: "Namespaced",
  description: "What may be done with the objects of one namespace.",
  fields: { rules },
  columns: [createdColumn],
  validate: (object) => [...nameCauses(object), ...ruleCauses(object as RoleObject, true)],
});

export const clusterRoleKind = defineKind({
  ...shared,
  kind: "ClusterRole",
  plural: "clusterroles",
  scope: "Cluster",
  description: "What may be done with objects anywhere; given in one namespace by a RoleBinding, everywhere by a ClusterRoleBinding.",
  fields: {
    rules,
    aggregationRule: z
      .object({ clusterRoleSelectors: z.array(labelSelector).optional().describe("Roles whose rules are taken.").meta(atomic) })
      .nullable()
      .optional()
      .describe("Makes the rules those of other ClusterRoles, found by their labels."),
  },
  columns: [createdColumn],
  validate: (object) => [...nameCauses(object), ...ruleCauses(object as RoleObject, false), ...aggregationCauses(object as RoleObject)],
});

export const roleBindingKind = defineKind({
  ...shared,
  kind: "RoleBinding",
  plural: "rolebindings",
  scope: "Namespaced",
  description: "Gives a role to users, groups and ServiceAccounts in one namespace.",
  fields: { subjects, roleRef },
  columns: bindingColumns,
  prepare: (object) => fillGroups(object as BindingObject),
  validate: (object, old) => [...nameCauses(object), ...bindingCauses(object as BindingObject, old, ["Role", "ClusterRole"])],
});

export const clusterRoleBindingKind = defineKind({
  ...shared,
  kind: "ClusterRoleBinding",
  plural: "clusterrolebindings",
  scope: "Cluster",
  description: "Gives a ClusterRole to users, groups and ServiceAccounts in all namespaces and for what has none.",
  fields: { subjects, roleRef },
  columns: bindingColumns,
  prepare: (object) => fillGroups(object as BindingObject),
  validate: (object, old) => [...nameCauses(object), ...bindingCauses(object as BindingObject, old, ["ClusterRole"])],
});

export const rbacKinds: readonly Kind[] = [roleKind, clusterRoleKind, roleBindingKind, clusterRoleBindingKind];

/** Longest name of a role: what an index of the database and a log line can take. */
const nameLengthMax = 253;
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const neverInNames = /[\u0000-\u001f\u007f|\\]/;

function nameCauses(object: KubeObject): ErrorCause[] {
  const { name } = object.metadata;
  return name.length > nameLengthMax || neverInNames.test(name)
    ? [
        {
          field: "metadata.name",
          reason: "FieldValueInvalid",
          message: `Invalid value: ${JSON.stringify(name.slice(0, 50))}: at most ${nameLengthMax} characters, none of them '|', '\\' or a control character`,
        },
      ]
    : [];
}

function required(field: string, why: string): ErrorCause {
  return { field, reason: "FieldValueRequired", message: `Required value: ${why}` };
}

function wrong(field: string, value: unknown, why: string): ErrorCause {
  return { field, reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(value).slice(0, 200)}: ${why}` };
}

function unsupported(field: string, value: string, supported: readonly string[]): ErrorCause {
  return {
    field,
    reason: "FieldValueNotSupported",
    message: `Unsupported value: ${JSON.stringify(value.slice(0, 100))}: supported values: ${supported.map((one) => JSON.stringify(one)).join(", ")}`,
  };
}

function ruleCauses(role: RoleObject, namespaced: boolean): ErrorCause[] {
  return (role.rules ?? []).flatMap((entry, index) => {
    const at = `rules[${index}]`;
    const causes: ErrorCause[] = [];
    const some = (list: readonly string[] | null | undefined) => (list ?? []).length > 0;
    if (!some(entry.verbs)) causes.push(required(`${at}.verbs`, "verbs must contain at least one value"));
    if (some(entry.nonResourceURLs)) {
      if (namespaced) causes.push(wrong(`${at}.nonResourceURLs`, entry.nonResourceURLs, "namespaced rules cannot apply to non-resource URLs"));
      if (some(entry.apiGroups) || some(entry.resources) || some(entry.resourceNames))
        causes.push(wrong(`${at}.nonResourceURLs`, entry.nonResourceURLs, "rules cannot apply to both regular resources and non-resource URLs"));
      return causes;
    }
    if (!some(entry.apiGroups)) causes.push(required(`${at}.apiGroups`, "resource rules must supply at least one api group"));
    if (!some(entry.resources)) causes.push(required(`${at}.resources`, "resource rules must supply at least one resource"));
    return causes;
  });
}

function aggregationCauses(role: RoleObject): ErrorCause[] {
  if (role.aggregationRule === undefined || role.aggregationRule === null) return [];
  const selectors = role.aggregationRule.clusterRoleSelectors ?? [];
  if (selectors.length === 0)
    return [required("aggregationRule.clusterRoleSelectors", "at least one clusterRoleSelector required if aggregationRule is non-nil")];
  return selectors.flatMap((selector, index) => {
    try {
      compileLabelSelector(selector);
      return [];
    } catch (error) {
      return [wrong(`aggregationRule.clusterRoleSelectors[${index}]`, selector, toPlatformError(error).message)];
    }
  });
}

function fillGroups(binding: BindingObject): void {
  const ref = binding.roleRef as { apiGroup?: string } | undefined;
  if (ref !== undefined && (ref.apiGroup ?? "") === "") ref.apiGroup = rbacGroup;
  for (const subject of binding.subjects ?? []) {
    if ((subject.kind === "User" || subject.kind === "Group") && (subject.apiGroup ?? "") === "") (subject as { apiGroup?: string }).apiGroup = rbacGroup;
  }
}

function bindingCauses(binding: BindingObject, old: KubeObject | undefined, kinds: readonly string[]): ErrorCause[] {
  const { roleRef: ref } = binding;
  const causes: ErrorCause[] = [];
  if (ref.apiGroup !== rbacGroup) causes.push(unsupported("roleRef.apiGroup", ref.apiGroup, [rbacGroup]));
  if (!kinds.includes(ref.kind)) causes.push(unsupported("roleRef.kind", ref.kind, kinds));
  if (ref.name === "") causes.push(required("roleRef.name", "name of a role"));
  for (const problem of pathSegmentProblems(ref.name)) causes.push(wrong("roleRef.name", ref.name, problem));
  if (old !== undefined && !deepEqual((old as BindingObject).roleRef, ref)) causes.push(wrong("roleRef", ref, "cannot change roleRef"));
  return [...causes, ...(binding.subjects ?? []).flatMap((subject, index) => subjectCauses(subject, `subjects[${index}]`))];
}

function subjectCauses(subject: Subject, at: string): ErrorCause[] {
  const causes: ErrorCause[] = [];
  const group = subject.apiGroup ?? "";
  if (subject.name === "") causes.push(required(`${at}.name`, "name of the subject"));
  switch (subject.kind) {
    case "ServiceAccount":
      if (subject.name !== "") for (const problem of dns1123SubdomainProblems(subject.name)) causes.push(wrong(`${at}.name`, subject.name, problem));
      if (group !== "") causes.push(unsupported(`${at}.apiGroup`, group, [""]));
      if ((subject.namespace ?? "") === "") causes.push(required(`${at}.namespace`, "namespace of the ServiceAccount"));
      return causes;
    case "User":
    case "Group":
      if (group !== rbacGroup) causes.push(unsupported(`${at}.apiGroup`, group, [rbacGroup]));
      return causes;
    default:
      return [...causes, unsupported(`${at}.kind`, subject.kind, ["ServiceAccount", "User", "Group"])];
  }
}

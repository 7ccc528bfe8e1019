import { z } from "zod";
import { defineKind, type ErrorCause, type Kind, type KubeObject } from "@threeport/resource";

const shared = { group: "authorization.k8s.io", version: "v1", computed: true } as const;
const text = (description: string) => z.string().optional().describe(description);
const texts = (description: string) => z.array(z.string()).nullable().optional().describe(description).meta({ "x-kubernetes-list-type": "atomic" });
const anything = (description: string) =>
  z.record(z.string(), z.unknown()).optional().describe(description).meta({ "x-kubernetes-preserve-unknown-fields": true });

const attributes = {
  resourceAttributes: z
    .object({
      namespace: text('Namespace; "" is all, or none for what is cluster-scoped.'),
      verb: text("get, list, watch, create, update, patch, delete, …; * is all."),
      group: text("API group; * is all."),
      version: text("API version."),
      resource: text("Plural; * is all."),
      subresource: text("Subresource, such as status."),
      name: text('Name of one object; "" is all.'),
      fieldSelector: anything("Limits a list to what the selector finds; not looked at."),
      labelSelector: anything("Limits a list to what the selector finds; not looked at."),
    })
    .nullable()
    .optional()
    .describe("About a resource."),
  nonResourceAttributes: z
    .object({ path: text("The path of the URL."), verb: text("The HTTP method in lower case.") })
    .nullable()
    .optional()
    .describe("About a URL that belongs to no resource."),
};

const somebody = {
  user: text("Name of the user."),
  groups: texts("Groups that the user is in."),
  uid: text("Identity of the user."),
  extra: z.record(z.string(), z.array(z.string())).optional().describe("What else is known of the user."),
};

const status = z
  .object({
    allowed: z.boolean().optional().describe("Whether it may be done."),
    denied: z.boolean().optional().describe("Whether it is forbidden, whatever else allows it."),
    reason: text("Why."),
    evaluationError: text("What could not be looked at."),
  })
  .optional()
  .describe("The answer.");

export interface AccessSpec {
  readonly resourceAttributes?: Readonly<Partial<Record<"namespace" | "verb" | "group" | "resource" | "subresource" | "name", string>>> | null;
  readonly nonResourceAttributes?: { readonly path?: string; readonly verb?: string } | null;
  readonly user?: string;
  readonly groups?: readonly string[] | null;
  readonly uid?: string;
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export const selfSubjectAccessReviewKind = defineKind({
  ...shared,
  kind: "SelfSubjectAccessReview",
  plural: "selfsubjectaccessreviews",
  scope: "Cluster",
  description: "Asks whether the caller may do something.",
  fields: { spec: z.object(attributes).describe("The question."), status },
  validate: (object) => questionCauses(object),
});

export const subjectAccessReviewKind = defineKind({
  ...shared,
  kind: "SubjectAccessReview",
  plural: "subjectaccessreviews",
  scope: "Cluster",
  description: "Asks whether somebody may do something.",
  fields: { spec: z.object({ ...attributes, ...somebody }).describe("The question."), status },
  validate: (object) => [...questionCauses(object), ...somebodyCauses(object)],
});

export const localSubjectAccessReviewKind = defineKind({
  ...shared,
  kind: "LocalSubjectAccessReview",
  plural: "localsubjectaccessreviews",
  scope: "Namespaced",
  description: "Asks whether somebody may do something in a namespace.",
  fields: { spec: z.object({ ...attributes, ...somebody }).describe("The question."), status },
  validate: (object) => [...questionCauses(object), ...somebodyCauses(object), ...localCauses(object)],
});

export const selfSubjectRulesReviewKind = defineKind({
  ...shared,
  kind: "SelfSubjectRulesReview",
  plural: "selfsubjectrulesreviews",
  scope: "Cluster",
  description: "Asks what the caller may do in a namespace.",
  fields: {
    spec: z.object({ namespace: text("The namespace.") }).describe("The question."),
    status: z
      .object({
        resourceRules: z
          .array(z.object({ verbs: texts("Verbs."), apiGroups: texts("Groups."), resources: texts("Resources."), resourceNames: texts("Names; none is all.") }))
          .nullable()
          .optional()
          .describe("What may be done with resources."),
        nonResourceRules: z
          .array(z.object({ verbs: texts("Verbs."), nonResourceURLs: texts("URLs.") }))
          .nullable()
          .optional()
          .describe("What may be done with URLs that belong to no resource."),
        incomplete: z.boolean().optional().describe("Whether there may be more."),
        evaluationError: text("What could not be looked at."),
      })
      .optional()
      .describe("The answer."),
  },
  validate: (object) =>
    ((object["spec"] as { namespace?: string }).namespace ?? "") === "" ? [required("spec.namespace", "the namespace that is asked about")] : [],
});

export const authorizationKinds: readonly Kind[] = [
  selfSubjectAccessReviewKind,
  subjectAccessReviewKind,
  localSubjectAccessReviewKind,
  selfSubjectRulesReviewKind,
];

function required(field: string, why: string): ErrorCause {
  return { field, reason: "FieldValueRequired", message: `Required value: ${why}` };
}

function wrong(field: string, value: string, why: string): ErrorCause {
  return { field, reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(value.slice(0, 100))}: ${why}` };
}

function questionCauses(object: KubeObject): ErrorCause[] {
  const { resourceAttributes, nonResourceAttributes } = object["spec"] as AccessSpec;
  const asked = [resourceAttributes ?? undefined, nonResourceAttributes ?? undefined].filter((one) => one !== undefined).length;
  return asked === 1 ? [] : [required("spec.resourceAttributes", "exactly one of nonResourceAttributes or resourceAttributes must be specified")];
}

function somebodyCauses(object: KubeObject): ErrorCause[] {
  const { user = "", groups } = object["spec"] as AccessSpec;
  return user === "" && (groups ?? []).length === 0 ? [required("spec.user", "at least one of user or group must be specified")] : [];
}

function localCauses(object: KubeObject): ErrorCause[] {
  const { resourceAttributes, nonResourceAttributes } = object["spec"] as AccessSpec;
  const namespace = resourceAttributes?.namespace ?? "";
  const causes: ErrorCause[] = [];
  if ((nonResourceAttributes ?? undefined) !== undefined)
    causes.push({
      field: "spec.nonResourceAttributes",
      reason: "FieldValueForbidden",
      message: "Forbidden: nothing outside of the namespace can be asked here",
    });
  if (namespace !== (object.metadata.namespace ?? ""))
    causes.push(wrong("spec.resourceAttributes.namespace", namespace, `must match metadata.namespace: ${object.metadata.namespace}`));
  return causes;
}

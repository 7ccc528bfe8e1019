import type { Field, Message } from "../message.ts";
import { labelSelector, metadata } from "./meta.ts";

const policyRule: Message = {
  name: "PolicyRule",
  fields: {
    1: { name: "verbs", type: "string", repeated: "list", presence: "nullable" },
    2: { name: "apiGroups", type: "string", repeated: "list" },
    3: { name: "resources", type: "string", repeated: "list" },
    4: { name: "resourceNames", type: "string", repeated: "list" },
    5: { name: "nonResourceURLs", type: "string", repeated: "list" },
  },
};

const rules: Field = { name: "rules", type: policyRule, repeated: "list", presence: "nullable" };

export const role: Message = { name: "Role", fields: { 1: metadata, 2: rules } };

export const clusterRole: Message = {
  name: "ClusterRole",
  fields: {
    1: metadata,
    2: rules,
    3: {
      name: "aggregationRule",
      presence: "optional",
      type: { name: "AggregationRule", fields: { 1: { name: "clusterRoleSelectors", type: labelSelector, repeated: "list" } } },
    },
  },
};

const subject: Message = {
  name: "Subject",
  fields: {
    1: { name: "kind", type: "string", presence: "always" },
    2: { name: "apiGroup", type: "string" },
    3: { name: "name", type: "string", presence: "always" },
    4: { name: "namespace", type: "string" },
  },
};

const roleRef: Message = {
  name: "RoleRef",
  fields: {
    1: { name: "apiGroup", type: "string", presence: "always" },
    2: { name: "kind", type: "string", presence: "always" },
    3: { name: "name", type: "string", presence: "always" },
  },
};

const bindingFields: Message["fields"] = {
  1: metadata,
  2: { name: "subjects", type: subject, repeated: "list" },
  3: { name: "roleRef", type: roleRef, presence: "always" },
};

export const roleBinding: Message = { name: "RoleBinding", fields: bindingFields };
export const clusterRoleBinding: Message = { name: "ClusterRoleBinding", fields: bindingFields };

import type { Field, Message } from "../message.ts";
import { extraValue } from "./authentication.ts";
import { metadata, selectorRequirement } from "./meta.ts";

/** FieldSelectorAttributes and LabelSelectorAttributes, which have the same fields. */
const selectorAttributes: Message = {
  name: "SelectorAttributes",
  fields: { 1: { name: "rawSelector", type: "string" }, 2: { name: "requirements", type: selectorRequirement, repeated: "list" } },
};

const resourceAttributes: Message = {
  name: "ResourceAttributes",
  fields: {
    1: { name: "namespace", type: "string" },
    2: { name: "verb", type: "string" },
    3: { name: "group", type: "string" },
    4: { name: "version", type: "string" },
    5: { name: "resource", type: "string" },
    6: { name: "subresource", type: "string" },
    7: { name: "name", type: "string" },
    8: { name: "fieldSelector", type: selectorAttributes, presence: "optional" },
    9: { name: "labelSelector", type: selectorAttributes, presence: "optional" },
  },
};

const attributes: Message["fields"] = {
  1: { name: "resourceAttributes", type: resourceAttributes, presence: "optional" },
  2: {
    name: "nonResourceAttributes",
    presence: "optional",
    type: { name: "NonResourceAttributes", fields: { 1: { name: "path", type: "string" }, 2: { name: "verb", type: "string" } } },
  },
};

const accessSpec: Field = {
  name: "spec",
  presence: "always",
  type: {
    name: "SubjectAccessReviewSpec",
    fields: {
      ...attributes,
      3: { name: "user", type: "string" },
      4: { name: "groups", type: "string", repeated: "list" },
      5: { name: "extra", type: extraValue, repeated: "map" },
      6: { name: "uid", type: "string" },
    },
  },
};

const accessStatus: Field = {
  name: "status",
  presence: "always",
  type: {
    name: "SubjectAccessReviewStatus",
    fields: {
      1: { name: "allowed", type: "bool", presence: "always" },
      2: { name: "reason", type: "string" },
      3: { name: "evaluationError", type: "string" },
      4: { name: "denied", type: "bool" },
    },
  },
};

export const subjectAccessReview: Message = { name: "SubjectAccessReview", fields: { 1: metadata, 2: accessSpec, 3: accessStatus } };
export const localSubjectAccessReview: Message = { name: "LocalSubjectAccessReview", fields: { 1: metadata, 2: accessSpec, 3: accessStatus } };

export const selfSubjectAccessReview: Message = {
  name: "SelfSubjectAccessReview",
  fields: { 1: metadata, 2: { name: "spec", presence: "always", type: { name: "SelfSubjectAccessReviewSpec", fields: attributes } }, 3: accessStatus },
};

const resourceRule: Message = {
  name: "ResourceRule",
  fields: {
    1: { name: "verbs", type: "string", repeated: "list", presence: "nullable" },
    2: { name: "apiGroups", type: "string", repeated: "list" },
    3: { name: "resources", type: "string", repeated: "list" },
    4: { name: "resourceNames", type: "string", repeated: "list" },
  },
};

const nonResourceRule: Message = {
  name: "NonResourceRule",
  fields: { 1: { name: "verbs", type: "string", repeated: "list", presence: "nullable" }, 2: { name: "nonResourceURLs", type: "string", repeated: "list" } },
};

export const selfSubjectRulesReview: Message = {
  name: "SelfSubjectRulesReview",
  fields: {
    1: metadata,
    2: { name: "spec", presence: "always", type: { name: "SelfSubjectRulesReviewSpec", fields: { 1: { name: "namespace", type: "string" } } } },
    3: {
      name: "status",
      presence: "always",
      type: {
        name: "SubjectRulesReviewStatus",
        fields: {
          1: { name: "resourceRules", type: resourceRule, repeated: "list", presence: "nullable" },
          2: { name: "nonResourceRules", type: nonResourceRule, repeated: "list", presence: "nullable" },
          3: { name: "incomplete", type: "bool", presence: "always" },
          4: { name: "evaluationError", type: "string" },
        },
      },
    },
  },
};

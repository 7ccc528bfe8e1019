import type { Field, Message } from "../message.ts";

const timestamp = { 1: { name: "seconds", type: "int64", presence: "optional" }, 2: { name: "nanos", type: "int32", presence: "optional" } } as const;

export const time: Message = { name: "Time", form: "time", fields: timestamp };
export const microTime: Message = { name: "MicroTime", form: "microTime", fields: timestamp };

const ownerReference: Message = {
  name: "OwnerReference",
  fields: {
    1: { name: "kind", type: "string", presence: "always" },
    3: { name: "name", type: "string", presence: "always" },
    4: { name: "uid", type: "string", presence: "always" },
    5: { name: "apiVersion", type: "string", presence: "always" },
    6: { name: "controller", type: "bool", presence: "optional" },
    7: { name: "blockOwnerDeletion", type: "bool", presence: "optional" },
  },
};

const managedFieldsEntry: Message = {
  name: "ManagedFieldsEntry",
  fields: {
    1: { name: "manager", type: "string" },
    2: { name: "operation", type: "string" },
    3: { name: "apiVersion", type: "string" },
    4: { name: "time", type: time, presence: "optional" },
    6: { name: "fieldsType", type: "string" },
    7: { name: "fieldsV1", type: { name: "FieldsV1", form: "json", fields: { 1: { name: "raw", type: "raw" } } }, presence: "optional" },
    8: { name: "subresource", type: "string" },
  },
};

const objectMeta: Message = {
  name: "ObjectMeta",
  fields: {
    1: { name: "name", type: "string" },
    2: { name: "generateName", type: "string" },
    3: { name: "namespace", type: "string" },
    4: { name: "selfLink", type: "string" },
    5: { name: "uid", type: "string" },
    6: { name: "resourceVersion", type: "string" },
    7: { name: "generation", type: "int64" },
    8: { name: "creationTimestamp", type: time, presence: "omitEmpty" },
    9: { name: "deletionTimestamp", type: time, presence: "optional" },
    10: { name: "deletionGracePeriodSeconds", type: "int64", presence: "optional" },
    11: { name: "labels", type: "string", repeated: "map" },
    12: { name: "annotations", type: "string", repeated: "map" },
    13: { name: "ownerReferences", type: ownerReference, repeated: "list" },
    14: { name: "finalizers", type: "string", repeated: "list" },
    17: { name: "managedFields", type: managedFieldsEntry, repeated: "list" },
  },
};

/** Field 1 of every kind. */
export const metadata: Field = { name: "metadata", type: objectMeta, presence: "always" };

export const deleteOptions: Message = {
  name: "DeleteOptions",
  fields: {
    1: { name: "gracePeriodSeconds", type: "int64", presence: "optional" },
    2: {
      name: "preconditions",
      presence: "optional",
      type: {
        name: "Preconditions",
        fields: { 1: { name: "uid", type: "string", presence: "optional" }, 2: { name: "resourceVersion", type: "string", presence: "optional" } },
      },
    },
    3: { name: "orphanDependents", type: "bool", presence: "optional" },
    4: { name: "propagationPolicy", type: "string", presence: "optional" },
    5: { name: "dryRun", type: "string", repeated: "list" },
    6: { name: "ignoreStoreReadErrorWithClusterBreakingPotential", type: "bool", presence: "optional" },
  },
};

/** LabelSelectorRequirement and FieldSelectorRequirement, which have the same fields. */
export const selectorRequirement: Message = {
  name: "SelectorRequirement",
  fields: {
    1: { name: "key", type: "string", presence: "always" },
    2: { name: "operator", type: "string", presence: "always" },
    3: { name: "values", type: "string", repeated: "list" },
  },
};

export const labelSelector: Message = {
  name: "LabelSelector",
  fields: {
    1: { name: "matchLabels", type: "string", repeated: "map" },
    2: { name: "matchExpressions", type: selectorRequirement, repeated: "list" },
  },
};

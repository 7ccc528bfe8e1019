import type { Field, Message } from "../message.ts";
import { jsonSchema } from "./json-schema.ts";
import { metadata, time } from "./meta.ts";

const names: Message = {
  name: "CustomResourceDefinitionNames",
  fields: {
    1: { name: "plural", type: "string", presence: "always" },
    2: { name: "singular", type: "string" },
    3: { name: "shortNames", type: "string", repeated: "list" },
    4: { name: "kind", type: "string", presence: "always" },
    5: { name: "listKind", type: "string" },
    6: { name: "categories", type: "string", repeated: "list" },
  },
};

const column: Message = {
  name: "CustomResourceColumnDefinition",
  fields: {
    1: { name: "name", type: "string", presence: "always" },
    2: { name: "type", type: "string", presence: "always" },
    3: { name: "format", type: "string" },
    4: { name: "description", type: "string" },
    5: { name: "priority", type: "int32" },
    6: { name: "jsonPath", type: "string", presence: "always" },
  },
};

const subresources: Message = {
  name: "CustomResourceSubresources",
  fields: {
    1: { name: "status", type: { name: "CustomResourceSubresourceStatus", fields: {} }, presence: "optional" },
    2: {
      name: "scale",
      presence: "optional",
      type: {
        name: "CustomResourceSubresourceScale",
        fields: {
          1: { name: "specReplicasPath", type: "string", presence: "always" },
          2: { name: "statusReplicasPath", type: "string", presence: "always" },
          3: { name: "labelSelectorPath", type: "string", presence: "optional" },
        },
      },
    },
  },
};

const version: Message = {
  name: "CustomResourceDefinitionVersion",
  fields: {
    1: { name: "name", type: "string", presence: "always" },
    2: { name: "served", type: "bool", presence: "always" },
    3: { name: "storage", type: "bool", presence: "always" },
    4: {
      name: "schema",
      presence: "optional",
      type: { name: "CustomResourceValidation", fields: { 1: { name: "openAPIV3Schema", type: jsonSchema, presence: "optional" } } },
    },
    5: { name: "subresources", type: subresources, presence: "optional" },
    6: { name: "additionalPrinterColumns", type: column, repeated: "list" },
    7: { name: "deprecated", type: "bool" },
    8: { name: "deprecationWarning", type: "string", presence: "optional" },
    9: {
      name: "selectableFields",
      repeated: "list",
      type: { name: "SelectableField", fields: { 1: { name: "jsonPath", type: "string", presence: "always" } } },
    },
  },
};

const webhookClientConfig: Message = {
  name: "WebhookClientConfig",
  fields: {
    1: {
      name: "service",
      presence: "optional",
      type: {
        name: "ServiceReference",
        fields: {
          1: { name: "namespace", type: "string", presence: "always" },
          2: { name: "name", type: "string", presence: "always" },
          3: { name: "path", type: "string", presence: "optional" },
          4: { name: "port", type: "int32", presence: "optional" },
        },
      },
    },
    2: { name: "caBundle", type: "bytes" },
    3: { name: "url", type: "string", presence: "optional" },
  },
};

const conversion: Message = {
  name: "CustomResourceConversion",
  fields: {
    1: { name: "strategy", type: "string", presence: "always" },
    2: {
      name: "webhook",
      presence: "optional",
      type: {
        name: "WebhookConversion",
        fields: {
          2: { name: "clientConfig", type: webhookClientConfig, presence: "optional" },
          3: { name: "conversionReviewVersions", type: "string", repeated: "list", presence: "nullable" },
        },
      },
    },
  },
};

const condition: Message = {
  name: "CustomResourceDefinitionCondition",
  fields: {
    1: { name: "type", type: "string", presence: "always" },
    2: { name: "status", type: "string", presence: "always" },
    3: { name: "lastTransitionTime", type: time, presence: "always" },
    4: { name: "reason", type: "string" },
    5: { name: "message", type: "string" },
    6: { name: "observedGeneration", type: "int64" },
  },
};

const spec: Field = {
  name: "spec",
  presence: "always",
  type: {
    name: "CustomResourceDefinitionSpec",
    fields: {
      1: { name: "group", type: "string", presence: "always" },
      3: { name: "names", type: names, presence: "always" },
      4: { name: "scope", type: "string", presence: "always" },
      7: { name: "versions", type: version, repeated: "list", presence: "nullable" },
      9: { name: "conversion", type: conversion, presence: "optional" },
      10: { name: "preserveUnknownFields", type: "bool" },
    },
  },
};

const status: Field = {
  name: "status",
  presence: "always",
  type: {
    name: "CustomResourceDefinitionStatus",
    fields: {
      1: { name: "conditions", type: condition, repeated: "list", presence: "nullable" },
      2: { name: "acceptedNames", type: names, presence: "always" },
      3: { name: "storedVersions", type: "string", repeated: "list", presence: "nullable" },
      4: { name: "observedGeneration", type: "int64" },
    },
  },
};

export const customResourceDefinition: Message = { name: "CustomResourceDefinition", fields: { 1: metadata, 2: spec, 3: status } };

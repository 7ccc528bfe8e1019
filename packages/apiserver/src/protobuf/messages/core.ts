import type { Message } from "../message.ts";
import { metadata, microTime, time } from "./meta.ts";

const namespaceCondition: Message = {
  name: "NamespaceCondition",
  fields: {
    1: { name: "type", type: "string", presence: "always" },
    2: { name: "status", type: "string", presence: "always" },
    4: { name: "lastTransitionTime", type: time, presence: "always" },
    5: { name: "reason", type: "string" },
    6: { name: "message", type: "string" },
  },
};

export const namespace: Message = {
  name: "Namespace",
  fields: {
    1: metadata,
    2: { name: "spec", presence: "always", type: { name: "NamespaceSpec", fields: { 1: { name: "finalizers", type: "string", repeated: "list" } } } },
    3: {
      name: "status",
      presence: "always",
      type: {
        name: "NamespaceStatus",
        fields: { 1: { name: "phase", type: "string" }, 2: { name: "conditions", type: namespaceCondition, repeated: "list" } },
      },
    },
  },
};

export const configMap: Message = {
  name: "ConfigMap",
  fields: {
    1: metadata,
    2: { name: "data", type: "string", repeated: "map" },
    3: { name: "binaryData", type: "bytes", repeated: "map" },
    4: { name: "immutable", type: "bool", presence: "optional" },
  },
};

export const secret: Message = {
  name: "Secret",
  fields: {
    1: metadata,
    2: { name: "data", type: "bytes", repeated: "map" },
    3: { name: "type", type: "string" },
    4: { name: "stringData", type: "string", repeated: "map" },
    5: { name: "immutable", type: "bool", presence: "optional" },
  },
};

export const objectReference: Message = {
  name: "ObjectReference",
  fields: {
    1: { name: "kind", type: "string" },
    2: { name: "namespace", type: "string" },
    3: { name: "name", type: "string" },
    4: { name: "uid", type: "string" },
    5: { name: "apiVersion", type: "string" },
    6: { name: "resourceVersion", type: "string" },
    7: { name: "fieldPath", type: "string" },
  },
};

export const serviceAccount: Message = {
  name: "ServiceAccount",
  fields: {
    1: metadata,
    2: { name: "secrets", type: objectReference, repeated: "list" },
    3: { name: "imagePullSecrets", type: { name: "LocalObjectReference", fields: { 1: { name: "name", type: "string" } } }, repeated: "list" },
    4: { name: "automountServiceAccountToken", type: "bool", presence: "optional" },
  },
};

export const eventSource: Message = { name: "EventSource", fields: { 1: { name: "component", type: "string" }, 2: { name: "host", type: "string" } } };

/** The Event of the core group; that of events.k8s.io has fields of other names and numbers. */
export const coreEvent: Message = {
  name: "Event",
  fields: {
    1: metadata,
    2: { name: "involvedObject", type: objectReference, presence: "always" },
    3: { name: "reason", type: "string" },
    4: { name: "message", type: "string" },
    5: { name: "source", type: eventSource, presence: "always" },
    6: { name: "firstTimestamp", type: time, presence: "always" },
    7: { name: "lastTimestamp", type: time, presence: "always" },
    8: { name: "count", type: "int32" },
    9: { name: "type", type: "string" },
    10: { name: "eventTime", type: microTime, presence: "always" },
    11: {
      name: "series",
      presence: "optional",
      type: { name: "EventSeries", fields: { 1: { name: "count", type: "int32" }, 2: { name: "lastObservedTime", type: microTime, presence: "always" } } },
    },
    12: { name: "action", type: "string" },
    13: { name: "related", type: objectReference, presence: "optional" },
    14: { name: "reportingComponent", type: "string", presence: "always" },
    15: { name: "reportingInstance", type: "string", presence: "always" },
  },
};

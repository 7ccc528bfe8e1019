import type { Message } from "../message.ts";
import { eventSource, objectReference } from "./core.ts";
import { metadata, microTime, time } from "./meta.ts";

/** The Event of events.k8s.io/v1. */
export const event: Message = {
  name: "Event",
  fields: {
    1: metadata,
    2: { name: "eventTime", type: microTime, presence: "always" },
    3: {
      name: "series",
      presence: "optional",
      type: {
        name: "EventSeries",
        fields: { 1: { name: "count", type: "int32", presence: "always" }, 2: { name: "lastObservedTime", type: microTime, presence: "always" } },
      },
    },
    4: { name: "reportingController", type: "string" },
    5: { name: "reportingInstance", type: "string" },
    6: { name: "action", type: "string" },
    7: { name: "reason", type: "string" },
    8: { name: "regarding", type: objectReference, presence: "always" },
    9: { name: "related", type: objectReference, presence: "optional" },
    10: { name: "note", type: "string" },
    11: { name: "type", type: "string" },
    12: { name: "deprecatedSource", type: eventSource, presence: "always" },
    13: { name: "deprecatedFirstTimestamp", type: time, presence: "always" },
    14: { name: "deprecatedLastTimestamp", type: time, presence: "always" },
    15: { name: "deprecatedCount", type: "int32" },
  },
};

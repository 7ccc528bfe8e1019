import { z } from "zod";
import { defineKind, type ErrorCause, type JsonObject, type Kind, type KubeObject } from "@threeport/resource";
import { objectReference } from "./object-reference.ts";

// Events have two groups: `v1`, and `events.k8s.io/v1` with other names for the same fields. They are the same objects, stored once, in the form of `v1`.

const text = (description: string) => z.string().describe(description);
const time = (description: string) => z.string().nullable().describe(description).meta({ format: "date-time" });

/** Events are kept this long after they were last seen, as upstream: one hour. */
const eventTtlMs = 3_600_000;

const eventKind = defineKind({
  group: "",
  version: "v1",
  kind: "Event",
  plural: "events",
  shortNames: ["ev"],
  scope: "Namespaced",
  nameRule: "path",
  description: "Something that happened to an object; kept for an hour.",
  ttlMs: eventTtlMs,
  createsOnUpdate: true,
  typed: {
    ownsNothing: true,
    always: {
      involvedObject: {},
      source: {},
      firstTimestamp: null,
      lastTimestamp: null,
      eventTime: null,
      "series.lastObservedTime": null,
      reportingComponent: "",
      reportingInstance: "",
    },
    microTimes: ["eventTime", "series.lastObservedTime"],
  },
  fields: {
    involvedObject: objectReference.describe("What the event is about."),
    reason: text("Short CamelCase word for machines.").optional(),
    message: text("A sentence for people.").optional(),
    source: z
      .object({ component: text("Who saw it.").optional(), host: text("Where.").optional() })
      .optional()
      .describe("Who reported it."),
    firstTimestamp: time("When it was first seen.").optional(),
    lastTimestamp: time("When it was last seen.").optional(),
    count: z.number().int().optional().describe("How often it was seen."),
    type: text("Normal or Warning.").optional(),
    eventTime: time("When it was first seen, in microseconds.").optional(),
    series: z
      .object({ count: z.number().int().optional().describe("How often."), lastObservedTime: time("When last.").optional() })
      .optional()
      .describe("Repetitions."),
    action: text("What was done or failed.").optional(),
    related: objectReference.optional().describe("A second object."),
    reportingComponent: text("Name of the controller.").optional(),
    reportingInstance: text("Which instance of it.").optional(),
  },
  nameColumn: false,
  columns: [
    {
      name: "Last Seen",
      type: "date",
      description: "When it was last seen.",
      value: (object) => (seriesOf(object)?.lastObservedTime ?? object["lastTimestamp"] ?? firstSeen(object)) as string,
    },
    { name: "Type", type: "string", description: "Normal or Warning.", value: (object) => object["type"] as string },
    { name: "Reason", type: "string", description: "Short reason.", value: (object) => object["reason"] as string },
    { name: "Object", type: "string", description: "What it is about.", value: (object) => involved(object) },
    { name: "Source", type: "string", description: "Who reported it.", priority: 1, value: (object) => reporter(object) },
    { name: "Message", type: "string", description: "What happened.", value: (object) => object["message"] as string },
    { name: "First Seen", type: "date", description: "When it was first seen.", priority: 1, value: (object) => firstSeen(object) },
    { name: "Count", type: "integer", description: "How often it was seen.", priority: 1, value: (object) => timesSeen(object) },
    { name: "Name", type: "string", description: "Name of the event.", priority: 1, value: (object) => object.metadata.name },
  ],
  selectableFields: [
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
  ],
  validate: validateCoreEvent,
});

/** One that says `eventTime` is an event of the newer sort, of which more is asked. */
function validateCoreEvent(object: KubeObject): readonly ErrorCause[] {
  const causes: ErrorCause[] = [];
  const invalid = (field: string, why: string) => causes.push({ field, reason: "FieldValueInvalid", message: `Invalid value: ${why}` });
  const texts = (field: string): string => (object[field] as string | undefined) ?? "";
  const { namespace: about = "" } = (object["involvedObject"] ?? {}) as { namespace?: string };
  const { namespace = "" } = object.metadata;
  const newer = (object["eventTime"] ?? null) !== null;
  if (about === "" ? namespace !== "default" && !(newer && namespace === "kube-system") : !newer && about !== namespace)
    invalid("involvedObject.namespace", "does not match event.namespace");
  if (!newer) return causes;
  for (const field of ["reportingComponent", "reportingInstance", "action", "reason"] as const) {
    if (texts(field) === "") causes.push({ field, reason: "FieldValueRequired", message: "Required value" });
    else if (field !== "reportingComponent" && texts(field).length > reasonMax) invalid(field, `can have at most ${reasonMax} characters`);
  }
  if (!controllerPattern.test(texts("reportingComponent"))) invalid("reportingComponent", "must be a qualified name, for example example.com/controller");
  if (texts("message").length > noteMax) invalid("message", `can have at most ${noteMax} characters`);
  return causes;
}

function involved(object: KubeObject): string {
  const about = object["involvedObject"] as { kind?: string; name?: string } | undefined;
  return `${(about?.kind ?? "").toLowerCase()}/${about?.name ?? ""}`;
}

function seriesOf(object: KubeObject): { count?: number; lastObservedTime?: string } | undefined {
  return object["series"] as { count?: number; lastObservedTime?: string } | undefined;
}

function firstSeen(object: KubeObject): string {
  return (object["firstTimestamp"] ?? object["eventTime"] ?? object.metadata.creationTimestamp) as string;
}

function timesSeen(object: KubeObject): number {
  return seriesOf(object)?.count ?? (object["count"] as number | undefined) ?? 1;
}

function reporter(object: KubeObject): string {
  const source = object["source"] as { component?: string; host?: string } | undefined;
  return [source?.component ?? (object["reportingComponent"] as string | undefined) ?? "", source?.host ?? ""].filter((part) => part !== "").join(", ");
}

/** The names of a field in both groups; what is not here has the same name. */
const otherNames: readonly (readonly [core: string, events: string])[] = [
  ["involvedObject", "regarding"],
  ["message", "note"],
  ["reportingComponent", "reportingController"],
  ["source", "deprecatedSource"],
  ["firstTimestamp", "deprecatedFirstTimestamp"],
  ["lastTimestamp", "deprecatedLastTimestamp"],
  ["count", "deprecatedCount"],
];
const coreNames = new Map(otherNames.map(([core, events]) => [events, core]));
const eventsNames = new Map(otherNames);

const reasonMax = 128;
const noteMax = 1024;
const controllerPattern = /^(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

const eventsEventKind = defineKind({
  group: "events.k8s.io",
  version: "v1",
  kind: "Event",
  plural: "events",
  shortNames: ["ev"],
  scope: "Namespaced",
  nameRule: "path",
  description: "Something that happened to an object; kept for an hour. The same objects as Events of v1, under other names of their fields.",
  ttlMs: eventTtlMs,
  createsOnUpdate: true,
  view: {
    of: eventKind,
    toStored: (object) => ({ ...emptyCore, ...renamed(object, coreNames, eventKind.apiVersion) }),
    fromStored: (object) => withoutEmpty(renamed(object, eventsNames, "events.k8s.io/v1")),
  },
  typed: {
    ownsNothing: true,
    always: {
      eventTime: null,
      "series.count": 0,
      "series.lastObservedTime": null,
      regarding: {},
      deprecatedSource: {},
      deprecatedFirstTimestamp: null,
      deprecatedLastTimestamp: null,
    },
    microTimes: ["eventTime", "series.lastObservedTime"],
  },
  fields: {
    eventTime: time("When it was first seen, in microseconds.").optional(),
    series: z
      .object({ count: z.number().int().optional().describe("How often."), lastObservedTime: time("When last.").optional() })
      .optional()
      .describe("Repetitions."),
    reportingController: text("Name of the controller, for example `example.com/controller`.").optional(),
    reportingInstance: text("Which instance of it.").optional(),
    action: text("What was done or failed.").optional(),
    reason: text("Short CamelCase word for machines.").optional(),
    regarding: objectReference.optional().describe("What the event is about."),
    related: objectReference.optional().describe("A second object."),
    note: text("A sentence for people.").optional(),
    type: text("Normal or Warning.").optional(),
    deprecatedSource: z
      .object({ component: text("Who saw it.").optional(), host: text("Where.").optional() })
      .optional()
      .describe("Who reported it, in an event of v1."),
    deprecatedFirstTimestamp: time("When it was first seen, in an event of v1.").optional(),
    deprecatedLastTimestamp: time("When it was last seen, in an event of v1.").optional(),
    deprecatedCount: z.number().int().optional().describe("How often it was seen, in an event of v1."),
  },
  nameColumn: false,
  columns: eventKind.columns.map((column) => ({ ...column, value: (object) => column.value(renamed(object, coreNames, eventKind.apiVersion)) })),
  selectableFields: [...eventKind.selectableFields.map((field) => field.replace("involvedObject", "regarding")), "reportingController"].filter(
    (field) => field !== "source" && field !== "reportingComponent",
  ),
  validate: validateEvent,
});

/** As `v1` has it when nothing was sent. */
const emptyCore = { reportingComponent: "", reportingInstance: "" };

/** With the names that the fields have in the other group, also where managedFields speak of them. */
function renamed(object: KubeObject, names: ReadonlyMap<string, string>, apiVersion: string): KubeObject {
  const { apiVersion: _, kind, metadata, ...rest } = object;
  const fields = Object.fromEntries(Object.entries(rest).map(([name, value]) => [names.get(name) ?? name, value]));
  const { managedFields } = metadata;
  if (managedFields === undefined) return { apiVersion, kind, metadata, ...fields };
  const entries = (managedFields as JsonObject[]).map((entry) => ({
    ...entry,
    apiVersion,
    fieldsV1: Object.fromEntries(
      Object.entries((entry["fieldsV1"] ?? {}) as JsonObject).map(([key, value]) => {
        const name = key.startsWith("f:") ? names.get(key.slice(2)) : undefined;
        return [name === undefined ? key : `f:${name}`, value];
      }),
    ),
  }));
  return { apiVersion, kind, metadata: { ...metadata, managedFields: entries }, ...fields };
}

function withoutEmpty(object: KubeObject): KubeObject {
  for (const field of ["reportingController", "reportingInstance"]) if (object[field] === "") delete object[field];
  return object;
}

/** What upstream asks of a new event in this group; events that came by `v1` need not have it, and may be changed by those who know only this group. */
function validateEvent(object: KubeObject, old: KubeObject | undefined): readonly ErrorCause[] {
  if (old !== undefined) return old["eventTime"] === null || old["eventTime"] === undefined ? [] : changed(object, old);
  const causes: ErrorCause[] = [];
  const invalid = (field: string, why: string) => causes.push({ field, reason: "FieldValueInvalid", message: `Invalid value: ${why}` });
  const texts = (field: string): string => (object[field] as string | undefined) ?? "";
  if (object["eventTime"] === null || object["eventTime"] === undefined)
    causes.push({ field: "eventTime", reason: "FieldValueRequired", message: "Required value" });
  for (const field of ["reportingController", "reportingInstance", "action", "reason"] as const) {
    if (texts(field) === "") causes.push({ field, reason: "FieldValueRequired", message: "Required value" });
    else if (field !== "reportingController" && texts(field).length > reasonMax) invalid(field, `can have at most ${reasonMax} characters`);
  }
  if (texts("reportingController") !== "" && !controllerPattern.test(texts("reportingController")))
    invalid("reportingController", "must be a qualified name, for example example.com/controller");
  if (texts("note").length > noteMax) invalid("note", `can have at most ${noteMax} characters`);
  if (texts("type") !== "Normal" && texts("type") !== "Warning") invalid("type", "must be Normal or Warning");
  const { namespace: about = "" } = (object["regarding"] ?? {}) as { namespace?: string };
  const namespace = object.metadata.namespace ?? "";
  if (about === "" ? namespace !== "default" && namespace !== "kube-system" : about !== namespace)
    invalid("regarding.namespace", "does not match event.namespace; events about what has no namespace belong into default");
  for (const field of ["deprecatedFirstTimestamp", "deprecatedLastTimestamp"])
    if ((object[field] ?? null) !== null) invalid(field, "needs to be unset; say eventTime and series instead");
  if ((object["deprecatedCount"] ?? 0) !== 0) invalid("deprecatedCount", "needs to be unset; say series.count instead");
  if (Object.keys((object["deprecatedSource"] ?? {}) as object).length > 0) invalid("deprecatedSource", "needs to be unset; say reportingController instead");
  return causes;
}

/** Of an event only its series grows. */
function changed(object: KubeObject, old: KubeObject): ErrorCause[] {
  return ["regarding", "reason", "note", "reportingController", "reportingInstance", "action", "related", "type", "eventTime"]
    .filter((field) => JSON.stringify(object[field]) !== JSON.stringify(old[field]))
    .map((field) => ({ field, reason: "FieldValueInvalid", message: "Invalid value: field is immutable" }));
}

/** The one whose form is stored comes last: it is what the store's name stands for. */
export const eventKinds: readonly Kind[] = [eventsEventKind, eventKind];

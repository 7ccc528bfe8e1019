import { z } from "zod";
import { group, version } from "@threeport/module-environment";
import { ageColumn, deepEqual, defineKind, type ErrorCause, type ObjectWith } from "@threeport/resource";
import { apiVersionsSchema, chartSchema } from "@threeport/module-helm";
import { builtInLabel, builtInSpec } from "../built-in/index.ts";
import { definitionCauses } from "../check-definition.ts";

const free = { "x-kubernetes-preserve-unknown-fields": true } as const;
const document = z.record(z.string(), z.unknown()).meta(free);

/** An object in a cluster, by name. */
const objectName = {
  apiVersion: z.string().min(1).describe("Its API version."),
  kind: z.string().min(1).describe("Its kind."),
  namespace: z.string().optional().describe("Its namespace, where its kind has one."),
};

const definitionFields = {
  spec: z
    .object({
      service: z
        .string()
        .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/)
        .describe("What it provides: `gateway`, `metrics`, …; profiles ask for it by this name."),
      version: z.string().min(1).max(63).describe("Of what is installed; for people."),
      priority: z.number().int().min(-1000).max(1000).default(0).describe("Of several that fit a runtime the highest wins; then the name."),
      match: z
        .object({ runtimes: z.array(z.string()).optional().describe("Names of runtimes.").meta({ "x-kubernetes-list-type": "set" }) })
        .optional()
        .describe("Where it may be used; everywhere unless said."),
      manifests: z
        .array(
          z.object({
            url: z.string().min(1).describe("An https address of YAML documents."),
            sha256: z
              .string()
              .regex(/^[0-9a-f]{64}$/)
              .describe("SHA-256 of the file, in hexadecimal."),
          }),
        )
        .optional()
        .describe("Files with objects, as a project publishes them. They are taken as they are: nothing in them is evaluated.")
        .meta({ "x-kubernetes-list-type": "atomic" }),
      charts: z
        .array(
          z.object({
            chart: chartSchema,
            release: z
              .string()
              .regex(/^[a-z0-9](?:[a-z0-9-]{0,51}[a-z0-9])?$/)
              .describe("Name of its release."),
            namespace: z.string().min(1).max(63).describe("Its namespace, which has to be among the objects unless it is there."),
            values: document.optional().describe("Its values, whose texts may hold `${ CEL }`."),
            apiVersions: apiVersionsSchema,
          }),
        )
        .optional()
        .describe("Helm charts, whose objects are taken as those of the files.")
        .meta({ "x-kubernetes-list-type": "atomic" }),
      objects: z.array(document).optional().describe("More objects, whose texts may hold `${ CEL }`.").meta({ "x-kubernetes-list-type": "atomic" }),
      patches: z
        .array(
          z.object({
            kind: z.string().min(1).describe("Kind of the objects that it changes."),
            name: z.string().optional().describe("Name of the one that it changes; all of the kind unless said."),
            merge: document.optional().describe("A JSON merge patch (RFC 7386), whose texts may hold `${ CEL }`; null removes a field."),
            remove: z
              .array(z.string().regex(/^\//))
              .optional()
              .describe("JSON pointers (RFC 6901) to what is removed.")
              .meta({ "x-kubernetes-list-type": "atomic" }),
            omit: z.boolean().optional().describe("Leaves the objects out altogether."),
          }),
        )
        .optional()
        .describe("Changes to the objects of the files and charts, in order.")
        .meta({ "x-kubernetes-list-type": "atomic" }),
      existing: z
        .object({
          ...objectName,
          when: z.string().optional().describe("`${ CEL }` that is true of the object that will do; read as `found`. Any will unless said."),
          outputs: z.record(z.string(), z.unknown()).optional().describe("Its outputs, with `${ CEL }` over `found`.").meta(free),
        })
        .optional()
        .describe("How to tell that a cluster has such a service already, which is then used and never touched: an object that we did not make."),
      certificates: z
        .object({
          hosts: z.string().describe("`${ CEL }` that gives a list of host names: `${users.map(user, user.values.host)}`."),
          namespace: z.string().min(1).describe("Where the Secrets with them stand."),
        })
        .optional()
        .describe("Certificates of the control plane's own authority, made and renewed for the service; expressions read them as `certificates`."),
      observe: z
        .record(z.string(), z.object({ ...objectName, name: z.string().min(1).describe("Its name.") }))
        .optional()
        .describe("Objects in the cluster that outputs read as `observed.NAME`."),
      outputs: z.record(z.string(), z.unknown()).optional().describe("What profiles read of it, with `${ CEL }`.").meta(free),
      gracePeriodSeconds: z.number().int().min(0).default(600).describe("How long it stays when nobody uses it any more, in seconds."),
    })
    .describe("A service that is installed into clusters when something needs it."),
};

/** What can be installed into a cluster for all who need it there: a gateway, metrics, … */
export type SupportServiceDefinition = ObjectWith<typeof definitionFields>;

export const supportServiceDefinitionKind = defineKind({
  group,
  version,
  kind: "SupportServiceDefinition",
  plural: "supportservicedefinitions",
  shortNames: ["ssd"],
  categories: ["threeport"],
  scope: "Cluster",
  versionRequired: true,
  refuseDeleteWhileReferenced: true,
  forOperations: true, // what it installs has all rights of a runtime
  description: "A service that is installed into clusters when something needs it: a gateway, metrics, …",
  fields: definitionFields,
  columns: [
    { name: "Service", type: "string", description: "What it provides.", value: (object) => (object as SupportServiceDefinition).spec.service },
    { name: "Version", type: "string", description: "What is installed.", value: (object) => (object as SupportServiceDefinition).spec.version },
    {
      name: "Priority",
      type: "integer",
      description: "Of several that fit the highest wins.",
      value: (object) => (object as SupportServiceDefinition).spec.priority,
    },
    {
      name: "Built-in",
      type: "string",
      description: "Whether it comes with the control plane.",
      value: (object) => (object.metadata.labels?.[builtInLabel] === "true" ? "yes" : "no"),
    },
    ageColumn,
  ],
  validate(object) {
    const definition = object as SupportServiceDefinition;
    const own = builtInSpec(definition.metadata.name);
    return [...(own === undefined ? labelCauses(definition) : builtInCauses(definition, own)), ...definitionCauses(definition.spec)];
  },
});

/** They follow the version of the control plane. */
function builtInCauses({ spec, metadata }: SupportServiceDefinition, own: object): ErrorCause[] {
  if (deepEqual(spec, own)) return [];
  return [
    {
      field: "spec",
      reason: "FieldValueForbidden",
      message: `Forbidden: ${metadata.name} comes with the control plane and cannot change; write a definition of another name and a higher priority`,
    },
  ];
}

function labelCauses({ metadata }: SupportServiceDefinition): ErrorCause[] {
  if (metadata.labels?.[builtInLabel] !== "true") return [];
  return [
    {
      field: `metadata.labels[${builtInLabel}]`,
      reason: "FieldValueForbidden",
      message: "Forbidden: only definitions that come with the control plane have it; remove it",
    },
  ];
}

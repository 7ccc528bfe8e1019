import { kindWithSchema, metadataSchema, type Kind, type KubeObject, type Schema } from "@threeport/resource";
import { cleanupFinalizer, type Definition, type DefinitionNames } from "../crd/definition.ts";
import { validateDefinition } from "../crd/validate-definition.ts";
import { jsonSchemaProps } from "./json-schema-props.ts";

/** apiextensions.k8s.io/v1: kinds that are defined by objects. */
export const customResourceDefinitionKind: Kind = kindWithSchema(
  {
    group: "apiextensions.k8s.io",
    version: "v1",
    kind: "CustomResourceDefinition",
    plural: "customresourcedefinitions",
    shortNames: ["crd", "crds"],
    categories: ["api-extensions"],
    scope: "Cluster",
    description: "A kind of object that the server learns while it runs. Its name is <plural>.<group>.",
    columns: [
      { name: "Created At", type: "string", format: "date-time", description: "When it was created.", value: (object) => object.metadata.creationTimestamp },
    ],
    prepare,
    validate: (object, old) => validateDefinition(object as Definition, old as Definition | undefined),
  },
  { schema: definitionSchema(), hasStatus: true },
);

/** What the server decides: names that were left out, what was ever stored, and that objects go before their definition. */
function prepare(object: KubeObject, old: KubeObject | undefined): void {
  const definition = object as Definition;
  const { spec } = definition;
  if (typeof spec?.names?.kind === "string" && spec.names.kind !== "") {
    const { names } = spec;
    spec.names = { ...names, singular: names.singular || names.kind.toLowerCase(), listKind: names.listKind || `${names.kind}List` };
  }
  if (spec !== undefined) spec.conversion ??= { strategy: "None" };
  const storage = spec?.versions?.find((version) => version.storage)?.name;
  const before = definition.status ?? { conditions: [], acceptedNames: { plural: "", kind: "" } as DefinitionNames, storedVersions: [] };
  const stored = before.storedVersions ?? [];
  definition.status = { ...before, storedVersions: storage === undefined || stored.includes(storage) ? stored : [...stored, storage] };
  const { metadata } = definition;
  if (metadata.deletionTimestamp !== undefined && old?.metadata.deletionTimestamp === undefined)
    metadata.finalizers = [...new Set([...(metadata.finalizers ?? []), cleanupFinalizer])];
}

function definitionSchema(): Schema {
  const text = (description: string): Schema => ({ type: "string", description });
  const flag = (description: string): Schema => ({ type: "boolean", description });
  const texts = (description: string): Schema => ({ type: "array", items: { type: "string" }, description, "x-kubernetes-list-type": "atomic" });
  const names: Schema = {
    type: "object",
    description: "What the kind is called.",
    required: ["plural", "kind"],
    properties: {
      plural: text("Lower-case plural, as in URLs: /apis/<group>/<version>/…/<plural>."),
      singular: text("Lower-case singular. Default: the kind in lower case."),
      shortNames: texts("Short names for the command line."),
      kind: text("The kind in CamelCase, as in manifests."),
      listKind: text("The kind of a list. Default: <kind>List."),
      categories: texts('Groups of kinds that it belongs to, for example "all": kubectl get all.'),
    },
  };
  const version: Schema = {
    type: "object",
    description: "A version of the kind.",
    required: ["name", "served", "storage"],
    properties: {
      name: text("For example v1 or v2beta1."),
      served: flag("Whether the API serves this version."),
      storage: flag("Whether objects are stored in this version. Exactly one is."),
      deprecated: flag("Clients of this version are warned."),
      deprecationWarning: text("The warning, in the place of the usual one."),
      schema: {
        type: "object",
        description: "What objects of this version look like.",
        properties: { openAPIV3Schema: jsonSchemaProps() },
      },
      subresources: {
        type: "object",
        description: "What is written by endpoints of its own.",
        properties: {
          status: {
            type: "object",
            description: "With /status: the main endpoint ignores status, and /status ignores all else.",
            "x-kubernetes-preserve-unknown-fields": true,
          },
          scale: {
            type: "object",
            description: "With /scale: kubectl scale and autoscalers read and set the number of replicas.",
            required: ["specReplicasPath", "statusReplicasPath"],
            properties: {
              specReplicasPath: text("Path of the wanted number, below .spec: .spec.replicas."),
              statusReplicasPath: text("Path of the number that there is, below .status."),
              labelSelectorPath: text("Path of the selector as text, below .status or .spec."),
            },
          },
        },
      },
      additionalPrinterColumns: {
        type: "array",
        "x-kubernetes-list-type": "atomic",
        description: "Columns of kubectl get, after the name. Default: the age.",
        items: {
          type: "object",
          description: "A column.",
          required: ["name", "type", "jsonPath"],
          properties: {
            name: text("Its heading."),
            type: text("string, integer, number, boolean or date."),
            format: text("Form of the value, for clients."),
            description: text("What it says."),
            priority: { type: "integer", format: "int32", description: "0: always shown. More: only with -o wide." },
            jsonPath: text("Where the value stands, for example .spec.replicas."),
          },
        },
      },
      selectableFields: {
        type: "array",
        "x-kubernetes-list-type": "atomic",
        description: "Fields that field selectors may name; at most 8.",
        items: { type: "object", description: "A field.", required: ["jsonPath"], properties: { jsonPath: text("Path of a string, integer or boolean.") } },
      },
    },
  };
  return {
    type: "object",
    description: "A kind of object that the server learns while it runs.",
    required: ["spec"],
    properties: {
      apiVersion: text("The group and version of this object's schema."),
      kind: text("The kind of this object."),
      metadata: metadataSchema,
      spec: {
        type: "object",
        description: "What the kind is.",
        required: ["group", "names", "scope", "versions"],
        properties: {
          group: text("The API group: /apis/<group>. A domain name of yours."),
          names,
          scope: text("Namespaced or Cluster."),
          versions: { type: "array", items: version, description: "The versions of the kind.", "x-kubernetes-list-type": "atomic" },
          conversion: {
            type: "object",
            description: "How objects get from one version to another.",
            required: ["strategy"],
            properties: {
              strategy: text("None: only apiVersion changes. (Webhook is not supported.)"),
              webhook: { type: "object", description: "Not supported.", "x-kubernetes-preserve-unknown-fields": true },
            },
          },
          preserveUnknownFields: flag("Must be false: use x-kubernetes-preserve-unknown-fields in the schema."),
        },
      },
      status: {
        type: "object",
        description: "What has become of it.",
        properties: {
          conditions: {
            type: "array",
            nullable: true,
            description: "NamesAccepted, Established, Terminating.",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
            items: {
              type: "object",
              description: "A condition.",
              required: ["type", "status"],
              properties: {
                type: text("What it is about."),
                status: text("True, False or Unknown."),
                lastTransitionTime: { type: "string", format: "date-time", nullable: true, description: "When the status changed last." },
                reason: text("One word for machines."),
                message: text("A sentence for people."),
                observedGeneration: { type: "integer", format: "int64", description: "The generation that this was said of." },
              },
            },
          },
          acceptedNames: { ...names, description: "The names that are served." },
          storedVersions: { ...texts("Versions that objects may be stored in."), nullable: true },
          observedGeneration: { type: "integer", format: "int64", description: "The generation that was looked at last." },
        },
      },
    },
  };
}

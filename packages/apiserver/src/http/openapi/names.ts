import type { Schema } from "@threeport/resource";

const metaPackage = "io.k8s.apimachinery.pkg.apis.meta.v1";

/** Name of a schema that all kinds share. */
export function metaName(name: "DeleteOptions" | "ListMeta" | "ObjectMeta" | "Patch" | "Status"): string {
  return `${metaPackage}.${name}`;
}

/** `threeport.io/v1alpha1 Release` → `io.threeport.v1alpha1.Release`; Kubernetes' own groups as upstream: `io.k8s.api.events.v1.Event`. */
export function schemaName(kind: { readonly group: string; readonly version: string; readonly kind: string }): string {
  const [first = ""] = kind.group.split(".");
  const builtIn = !kind.group.includes(".") || kind.group.endsWith(".k8s.io");
  const group = builtIn ? `io.k8s.api.${first === "" ? "core" : first}` : kind.group.split(".").reverse().join(".");
  return `${group}.${kind.version}.${kind.kind}`;
}

export function reference(name: string): { readonly $ref: string } {
  return { $ref: `#/components/schemas/${name}` };
}

const text = (description: string): Schema => ({ type: "string", description });
const count = (description: string, format = "int64"): Schema => ({ type: "integer", format, description });

/** metav1 types that operations and lists speak of. ObjectMeta comes from where objects are validated. */
export const metaSchemas: Readonly<Record<string, Schema>> = {
  [metaName("ListMeta")]: {
    type: "object",
    description: "Metadata of a list.",
    properties: {
      continue: text("Token for the next page; empty on the last one."),
      resourceVersion: text("The version that the whole list is true for."),
      remainingItemCount: count("Items that are left after this page."),
    },
  },
  [metaName("Status")]: {
    type: "object",
    description: "What a call came to that does not answer with an object.",
    properties: {
      apiVersion: text("The group and version of this object's schema."),
      kind: text("The kind of this object."),
      metadata: { type: "object", description: "Empty." },
      status: text("Success or Failure."),
      message: text("What happened and what to do next, for people."),
      reason: text("One CamelCase word for machines."),
      code: count("The HTTP status.", "int32"),
      details: {
        type: "object",
        description: "More about the reason.",
        properties: {
          name: text("Name of the object that it is about."),
          group: text("Group of the object."),
          kind: text("Kind of the object."),
          uid: text("Identity of the object."),
          retryAfterSeconds: count("When to try again.", "int32"),
          code: text("Code of the error in the registry of errors."),
          causes: {
            type: "array",
            description: "What is wrong, field by field.",
            "x-kubernetes-list-type": "atomic",
            items: {
              type: "object",
              properties: { field: text("Path of the field."), reason: text("One CamelCase word."), message: text("A sentence for people.") },
            },
          },
        },
      },
    },
    "x-kubernetes-group-version-kind": [{ group: "", version: "v1", kind: "Status" }],
  },
  [metaName("DeleteOptions")]: {
    type: "object",
    description: "How to delete.",
    properties: {
      apiVersion: text("The group and version of this object's schema."),
      kind: text("The kind of this object."),
      dryRun: { type: "array", description: "All: nothing is deleted.", items: { type: "string" } },
      gracePeriodSeconds: count("Seconds before the object goes."),
      propagationPolicy: text("What becomes of what it owns: Orphan, Background or Foreground."),
      preconditions: {
        type: "object",
        description: "Must hold, or nothing is deleted.",
        properties: { uid: text("Identity that the object must have."), resourceVersion: text("Version that the object must have.") },
      },
    },
    "x-kubernetes-group-version-kind": [{ group: "", version: "v1", kind: "DeleteOptions" }],
  },
  [metaName("Patch")]: { type: "object", description: "A patch; its media type says how it is read." },
};

import { locate } from "@threeport/resource/yaml";
import type { ApiResource, Discovery } from "@threeport/client";
import { PlatformError, type ErrorCause } from "@threeport/resource";
import type { Manifest } from "../manifests/load-manifests.ts";

/** The object that a document names. @throws PlatformError TP_INVALID, TP_KIND_UNKNOWN with the place in the file */
export function documentTarget(
  discovery: Discovery,
  manifest: Manifest,
  project: string,
): { resource: ApiResource; name: string; namespace: string | undefined } {
  const { apiVersion, kind, metadata } = manifest.value as { apiVersion?: unknown; kind?: unknown; metadata?: { name?: unknown; namespace?: unknown } | null };
  const at = (field: string): string => {
    const { line, column } = locate(manifest.document, field);
    return `${manifest.file}:${line}:${column}`;
  };
  const { name, namespace } = typeof metadata === "object" && metadata !== null ? metadata : {};
  const causes: ErrorCause[] = [
    ...(typeof apiVersion === "string"
      ? []
      : [{ field: `${at("apiVersion")} apiVersion`, message: "a document needs one, for example threeport.io/v1alpha1" }]),
    ...(typeof kind === "string" ? [] : [{ field: `${at("kind")} kind`, message: "a document needs one, for example Environment" }]),
    ...(typeof name === "string" && name !== "" ? [] : [{ field: `${at("metadata.name")} metadata.name`, message: "a document needs a name" }]),
    ...(namespace === undefined || typeof namespace === "string" ? [] : [{ field: `${at("metadata.namespace")} metadata.namespace`, message: "must be text" }]),
  ];
  if (causes.length > 0 || typeof apiVersion !== "string" || typeof kind !== "string" || typeof name !== "string")
    throw new PlatformError("TP_INVALID", { message: "a document does not say what it is", causes });
  const resource = discovery.byKind(apiVersion, kind);
  if (resource === undefined) {
    throw new PlatformError("TP_KIND_UNKNOWN", {
      message: `the control plane has no ${kind} in ${apiVersion}`,
      causes: [{ field: `${at("kind")} kind`, message: "is no kind of the control plane" }],
      detail: { hint: "objects for a cluster are deployed, not applied: tptctl deploy FILE --env ENV" },
    });
  }
  return { resource, name, namespace: resource.namespaced ? (typeof namespace === "string" ? namespace : project) : undefined };
}

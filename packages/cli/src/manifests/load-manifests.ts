import { loadYamlDocuments, type YamlDocument } from "@threeport/resource/yaml";
import { PlatformError, type JsonObject } from "@threeport/resource";
import type { Source } from "./read-sources.ts";

/** One document with where it came from. */
export interface Manifest {
  readonly file: string;
  readonly document: YamlDocument;
  readonly value: JsonObject;
}

export interface Manifests {
  readonly manifests: readonly Manifest[];
  /** What reads differently elsewhere, as `file:line:column: sentence`. */
  readonly warnings: readonly string[];
}

/** @throws PlatformError TP_YAML_INVALID with `file:line:column`; TP_INVALID when there is nothing in the files */
export function loadManifests(sources: readonly Source[]): Manifests {
  const manifests: Manifest[] = [];
  const warnings: string[] = [];
  for (const { file, bytes } of sources) {
    const text = loadYamlDocuments(bytes, { file });
    for (const document of text.documents) manifests.push({ file, document, value: document.value });
    for (const { line, column, message } of text.warnings) warnings.push(`${file}:${line}:${column}: ${message}`);
  }
  if (manifests.length === 0)
    throw new PlatformError("TP_INVALID", {
      message: `there are no documents in ${sources.map(({ file }) => file).join(", ")}`,
      detail: { hint: "a Score file has apiVersion, metadata and containers; a Kubernetes manifest has apiVersion, kind and metadata" },
    });
  return { manifests, warnings };
}

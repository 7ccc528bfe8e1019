// What is different in one environment: a file, or single properties.
import { mergeOverrides, overrideProperty } from "@threeport/score";
import { PlatformError } from "@threeport/resource";
import { holdsField, loadYamlDocuments, locate, type YamlDocument } from "@threeport/resource/yaml";
import { parse } from "yaml";
import { noInput, readSources } from "../manifests/read-sources.ts";
import type { WorkloadFlags } from "./workload.ts";

export interface Overrides {
  /** What they make of a document. */
  apply(document: unknown): unknown;
  /** Where a field was overridden: a place in the overrides file, or the flag; undefined for a field that they leave as it is. */
  place(field: string): string | undefined;
}

/** @throws PlatformError TP_USAGE, TP_YAML_INVALID */
export async function overridesOf({ overridesFile, overrideProperty: properties = [] }: WorkloadFlags): Promise<Overrides | undefined> {
  if (overridesFile === undefined && properties.length === 0) return undefined;
  const document = overridesFile === undefined ? undefined : await readOverridesFile(overridesFile);
  const set = properties.map(propertyOf);
  return {
    apply: (base) => set.reduce((all, [path, value]) => overrideProperty(all, path, value), mergeOverrides(base, document?.value ?? {})),
    place(field) {
      const property = set.find(([path]) => field === path || field.startsWith(`${path}.`));
      if (property !== undefined) return `--override-property: ${field}`;
      if (document === undefined || overridesFile === undefined || !holdsField(document, field)) return undefined;
      const { line, column } = locate(document, field);
      return `${overridesFile}:${line}:${column} ${field}`;
    },
  };
}

async function readOverridesFile(path: string): Promise<YamlDocument | undefined> {
  const [source] = await readSources([path], noInput());
  if (source === undefined) return undefined;
  const { documents } = loadYamlDocuments(source.bytes, { file: path });
  if (documents.length > 1)
    throw new PlatformError("TP_USAGE", { message: `${path} has ${documents.length} documents`, detail: { hint: "overrides are one document" } });
  return documents[0];
}

/** `path=value`; the value is YAML, so `5` is a number and `"5"` text. An empty value removes. */
function propertyOf(text: string): [path: string, value: unknown] {
  const at = text.indexOf("=");
  if (at < 1)
    throw new PlatformError("TP_USAGE", {
      message: `--override-property ${text}: write PATH=VALUE`,
      detail: { hint: "for example containers.web.variables.LEVEL=debug" },
    });
  const value = text.slice(at + 1);
  try {
    return [text.slice(0, at), value === "" ? undefined : parse(value, { schema: "core" })];
  } catch (error) {
    throw new PlatformError("TP_USAGE", {
      message: `--override-property ${text.slice(0, at)}: the value is no YAML: ${String((error as Error).message).split("\n")[0]}`,
      cause: error,
    });
  }
}

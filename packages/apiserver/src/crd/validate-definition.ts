import { dns1035LabelProblems, dns1123SubdomainProblems, parseJsonPath, type ErrorCause } from "@threeport/resource";
import { duplicateCause, forbiddenCause, invalidCause, requiredCause, unsupportedCause } from "./causes.ts";
import { approvalAnnotation, isEstablished, isProtectedGroup, type Definition, type DefinitionNames, type DefinitionVersion } from "./definition.ts";
import { validateStructural } from "./validate-structural.ts";

/** Selectable fields of one version; Kubernetes' number. */
const selectableFieldsMax = 8;
const columnTypes = ["integer", "number", "string", "boolean", "date"];

/** What a CustomResourceDefinition must keep beyond its schema. */
export function validateDefinition(definition: Definition, old: Definition | undefined): ErrorCause[] {
  const { spec, metadata } = definition;
  const expected = `${spec.names.plural}.${spec.group}`;
  const causes: ErrorCause[] = [
    ...(metadata.name === expected ? [] : [invalidCause("metadata.name", metadata.name, `must be spec.names.plural+"."+spec.group`)]),
    ...groupCauses(spec.group),
    ...approvalCauses(definition, old),
    ...(spec.scope === "Namespaced" || spec.scope === "Cluster" ? [] : [unsupportedCause("spec.scope", spec.scope, ["Cluster", "Namespaced"])]),
    ...nameCauses(spec.names, "spec.names"),
    ...conversionCauses(definition),
    ...versionsCauses(definition, old),
    ...storedVersionCauses(definition),
  ];
  if (spec.preserveUnknownFields === true && old?.spec.preserveUnknownFields !== true)
    causes.push(
      invalidCause(
        "spec.preserveUnknownFields",
        true,
        "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
      ),
    );
  if (old !== undefined) causes.push(...immutableCauses(definition, old));
  return causes;
}

function groupCauses(group: string): ErrorCause[] {
  if (group === "") return [requiredCause("spec.group")];
  const problems = dns1123SubdomainProblems(group).map((problem) => invalidCause("spec.group", group, problem));
  return problems.length === 0 && !group.includes(".") ? [invalidCause("spec.group", group, "should be a domain with at least one dot")] : problems;
}

/** Groups of Kubernetes itself need the word of its API reviewers. */
function approvalCauses({ spec, metadata }: Definition, old: Definition | undefined): ErrorCause[] {
  if (!isProtectedGroup(spec.group)) return [];
  const value = metadata.annotations?.[approvalAnnotation] ?? "";
  if (old !== undefined && (old.metadata.annotations?.[approvalAnnotation] ?? "") === value) return [];
  const field = `metadata.annotations[${approvalAnnotation}]`;
  if (value === "")
    return [
      requiredCause(field, `protected groups must have approval annotation "${approvalAnnotation}", see https://github.com/kubernetes/enhancements/pull/1111`),
    ];
  if (value.startsWith("unapproved") || /^https?:\/\/[^/]+/.test(value)) return [];
  return [
    invalidCause(
      field,
      value,
      `protected groups must have approval annotation "${approvalAnnotation}" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111`,
    ),
  ];
}

function nameCauses(names: DefinitionNames, at: string): ErrorCause[] {
  const causes: ErrorCause[] = [];
  const label = (field: string, name: string, sent: string) =>
    causes.push(...dns1035LabelProblems(name).map((problem) => invalidCause(`${at}.${field}`, sent, problem)));
  if (names.plural === "") causes.push(requiredCause(`${at}.plural`));
  else label("plural", names.plural, names.plural);
  if ((names.singular ?? "") !== "") label("singular", names.singular ?? "", names.singular ?? "");
  if (names.kind === "") causes.push(requiredCause(`${at}.kind`));
  else label("kind", names.kind.toLowerCase(), names.kind);
  // They come from the kind where they are left out.
  if ((names.singular ?? "") === "") causes.push(requiredCause(`${at}.singular`));
  if ((names.listKind ?? "") === "") causes.push(requiredCause(`${at}.listKind`));
  const listKind = names.listKind ?? "";
  if (listKind !== "") label("listKind", listKind.toLowerCase(), listKind);
  if (names.kind !== "" && listKind === names.kind) causes.push(invalidCause(`${at}.listKind`, listKind, "kind and listKind may not be the same"));
  for (const [index, name] of (names.shortNames ?? []).entries()) label(`shortNames[${index}]`, name, name);
  for (const [index, name] of (names.categories ?? []).entries()) label(`categories[${index}]`, name, name);
  return causes;
}

function conversionCauses({ spec }: Definition): ErrorCause[] {
  const strategy = spec.conversion?.strategy ?? "None";
  if (strategy === "None") return [];
  if (strategy === "Webhook")
    return [forbiddenCause("spec.conversion.strategy", "conversion by webhook is not supported by this server; use None, under which only apiVersion changes")];
  return [unsupportedCause("spec.conversion.strategy", strategy, ["None"])];
}

function versionsCauses({ spec }: Definition, old: Definition | undefined): ErrorCause[] {
  const { versions } = spec;
  const causes: ErrorCause[] = [];
  const seen = new Set<string>();
  for (const [index, version] of versions.entries()) {
    const at = `spec.versions[${index}]`;
    causes.push(...dns1035LabelProblems(version.name).map((problem) => invalidCause(`${at}.name`, version.name, problem)));
    if (seen.has(version.name)) causes.push(duplicateCause(`${at}.name`, version.name));
    seen.add(version.name);
    causes.push(
      ...versionCauses(
        version,
        at,
        old?.spec.versions.find(({ name }) => name === version.name),
      ),
    );
  }
  if (versions.filter((version) => version.storage).length !== 1)
    causes.push(
      invalidCause(
        "spec.versions",
        versions.map(({ name }) => name),
        "must have exactly one version marked as storage version",
      ),
    );
  return causes;
}

function versionCauses(version: DefinitionVersion, at: string, old: DefinitionVersion | undefined): ErrorCause[] {
  const causes: ErrorCause[] = [];
  const schema = version.schema?.openAPIV3Schema;
  if (schema === undefined) causes.push(requiredCause(`${at}.schema.openAPIV3Schema`, "schemas are required"));
  else causes.push(...validateStructural(schema, `${at}.schema.openAPIV3Schema`, old?.schema?.openAPIV3Schema));
  if (version.deprecationWarning !== undefined) {
    if (version.deprecated !== true)
      causes.push(invalidCause(`${at}.deprecationWarning`, version.deprecationWarning, "can only be set for deprecated versions"));
    if (version.deprecationWarning.length > 256)
      causes.push(invalidCause(`${at}.deprecationWarning`, version.deprecationWarning, "must be <= 256 characters long"));
    if (version.deprecationWarning === "") causes.push(invalidCause(`${at}.deprecationWarning`, "", "must not be an empty string"));
  }
  for (const [index, column] of (version.additionalPrinterColumns ?? []).entries()) {
    const here = `${at}.additionalPrinterColumns[${index}]`;
    if (column.name === "") causes.push(requiredCause(`${here}.name`));
    if (!columnTypes.includes(column.type)) causes.push(invalidCause(`${here}.type`, column.type, `must be one of ${columnTypes.join(", ")}`));
    if (column.jsonPath === "") causes.push(requiredCause(`${here}.jsonPath`));
    else {
      const problem = jsonPathProblem(column.jsonPath);
      if (problem !== undefined) causes.push(invalidCause(`${here}.jsonPath`, column.jsonPath, problem));
    }
  }
  const scale = version.subresources?.scale;
  if (scale !== undefined) {
    const here = `${at}.subresources.scale`;
    causes.push(...pathCauses(scale.specReplicasPath, `${here}.specReplicasPath`, [".spec."]));
    causes.push(...pathCauses(scale.statusReplicasPath, `${here}.statusReplicasPath`, [".status."]));
    if ((scale.labelSelectorPath ?? "") !== "") causes.push(...pathCauses(scale.labelSelectorPath ?? "", `${here}.labelSelectorPath`, [".status.", ".spec."]));
  }
  causes.push(...selectableCauses(version, at));
  return causes;
}

function jsonPathProblem(path: string): string | undefined {
  try {
    parseJsonPath(path);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** A plain path of field names, as `/scale` and field selectors need it: no lists, no filters. */
const plainPath = /^(?:\.[A-Za-z_][\w-]*)+$/;

function pathCauses(path: string, field: string, roots: readonly string[]): ErrorCause[] {
  if (path === "") return [requiredCause(field)];
  if (!plainPath.test(path)) return [invalidCause(field, path, "must be a simple json path of field names: no list, no filter")];
  return roots.some((root) => path.startsWith(root))
    ? []
    : [invalidCause(field, path, `should be a json path under ${roots.map((root) => root.slice(0, -1)).join(" or ")}`)];
}

function selectableCauses(version: DefinitionVersion, at: string): ErrorCause[] {
  const fields = version.selectableFields ?? [];
  const causes: ErrorCause[] = [];
  if (fields.length > selectableFieldsMax)
    causes.push({
      field: `${at}.selectableFields`,
      reason: "FieldValueTooMany",
      message: `Too many: ${fields.length}: must have at most ${selectableFieldsMax} items`,
    });
  const seen = new Set<string>();
  for (const [index, { jsonPath }] of fields.entries()) {
    const field = `${at}.selectableFields[${index}].jsonPath`;
    if (jsonPath === "") causes.push(requiredCause(field));
    else if (!plainPath.test(jsonPath)) causes.push(invalidCause(field, jsonPath, "is an invalid path: must be field names, no list, no filter"));
    else if (jsonPath.startsWith(".metadata")) causes.push(invalidCause(field, jsonPath, "must not point to fields in metadata"));
    else {
      const type = jsonPath
        .slice(1)
        .split(".")
        .reduce((schema, name) => schema?.properties?.[name], version.schema?.openAPIV3Schema)?.type;
      if (type === undefined) causes.push(invalidCause(field, jsonPath, "is an invalid path: does not refer to a valid field"));
      else if (type !== "string" && type !== "boolean" && type !== "integer")
        causes.push(
          invalidCause(field, jsonPath, "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed."),
        );
    }
    if (seen.has(jsonPath)) causes.push(duplicateCause(field, jsonPath));
    seen.add(jsonPath);
  }
  return causes;
}

/** A version in which objects may still be stored cannot leave the list of versions. */
function storedVersionCauses({ spec, status }: Definition): ErrorCause[] {
  const stored = status?.storedVersions ?? [];
  const storage = spec.versions.find((version) => version.storage)?.name;
  return [
    ...(stored.length === 0 ? [invalidCause("status.storedVersions", stored, "must have at least one stored version")] : []),
    ...stored.flatMap((name, index) =>
      spec.versions.some((version) => version.name === name) ? [] : [invalidCause(`status.storedVersions[${index}]`, name, "must appear in spec.versions")],
    ),
    ...(storage === undefined || stored.includes(storage) ? [] : [invalidCause("status.storedVersions", stored, `must have the storage version ${storage}`)]),
  ];
}

function immutableCauses(definition: Definition, old: Definition): ErrorCause[] {
  const causes: ErrorCause[] = [];
  const fixed = (field: string, now: unknown, before: unknown) => {
    if (now !== before) causes.push(invalidCause(field, now, "field is immutable"));
  };
  if (isEstablished(old)) {
    fixed("spec.scope", definition.spec.scope, old.spec.scope);
    fixed("spec.names.kind", definition.spec.names.kind, old.spec.names.kind);
  }
  fixed("spec.group", definition.spec.group, old.spec.group);
  fixed("spec.names.plural", definition.spec.names.plural, old.spec.names.plural);
  return causes;
}

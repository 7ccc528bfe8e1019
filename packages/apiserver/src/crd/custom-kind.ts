import { hash } from "node:crypto";
import {
  ageColumn,
  metadataSchema,
  parseJsonPath,
  pruneAndDefault,
  kindWithSchema,
  type Column,
  type JsonObject,
  type Kind,
  type Schema,
} from "@threeport/resource";
import { compileRules, hasRules, type RuleSet } from "../cel/rules.ts";
import { embeddedObjects, type CheckEmbedded } from "./embedded-objects.ts";
import type { Definition, DefinitionVersion, PrinterColumn } from "./definition.ts";

/**
 * The kinds that an Established CustomResourceDefinition stands for: one for each version. A thousand definitions
 * must cost little: of each schema only the text is kept until somebody asks for it.
 */
export function customKinds(definition: Definition): Kind[] {
  return definition.spec.versions.map((version) => customKind(definition, version));
}

function customKind(definition: Definition, version: DefinitionVersion): Kind {
  const { spec, metadata } = definition;
  const names = definition.status?.acceptedNames ?? spec.names;
  const { group } = spec;
  const schemaText = JSON.stringify(version.schema?.openAPIV3Schema ?? { type: "object", "x-kubernetes-preserve-unknown-fields": true });
  const scale = version.subresources?.scale;
  const columns = version.additionalPrinterColumns ?? [];
  const base = kindWithSchema(
    {
      group,
      version: version.name,
      kind: names.kind,
      plural: names.plural,
      singular: names.singular ?? names.kind.toLowerCase(),
      listKind: names.listKind ?? `${names.kind}List`,
      shortNames: names.shortNames ?? [],
      categories: names.categories ?? [],
      scope: spec.scope,
      description: "",
      versionRequired: true,
      columns: columns.length === 0 ? [ageColumn] : columns.map(columnOf),
      selectableFields: (version.selectableFields ?? []).map(({ jsonPath }) => jsonPath.slice(1)),
      ...(scale === undefined ? {} : { scale }),
    },
    { schema: {}, hasStatus: version.subresources?.status !== undefined },
  );
  let schema: Schema | undefined;
  const schemaOf = (): Schema => (schema ??= wholeSchema(JSON.parse(schemaText) as Schema));
  let rules: Pick<RuleSet, "check"> | undefined;
  let embedded: CheckEmbedded | undefined;
  const kind: Kind = {
    ...base,
    hasGeneration: true,
    get schema() {
      return schemaOf();
    },
    get description() {
      return schemaOf().description ?? "";
    },
    validate(object, old) {
      embedded ??= embeddedObjects(JSON.parse(schemaText) as Schema) ?? (() => []);
      const causes = embedded(object, "");
      if (causes.length > 0) return causes;
      rules ??= hasRules(schemaOf()) ? compileRules(schemaOf(), "") : noRules;
      return rules.check(object, old);
    },
    custom: {
      definition: metadata.name,
      served: version.served,
      deprecation: version.deprecated === true ? (version.deprecationWarning ?? `${group}/${version.name} ${names.kind} is deprecated`) : undefined,
      digest: hash("sha256", schemaText),
      readSchema: () => schema ?? wholeSchema(JSON.parse(schemaText) as Schema),
      fromStored(body) {
        const object = JSON.parse(body) as JsonObject;
        object["apiVersion"] = base.apiVersion;
        pruneAndDefault(object, schemaOf());
        return JSON.stringify(object);
      },
    },
  };
  return kind;
}

const noRules: Pick<RuleSet, "check"> = { check: () => [] };

/** A schema of a definition with what every object has: apiVersion, kind and metadata, in embedded objects too. */
function wholeSchema(schema: Schema): Schema {
  const own = completed(schema);
  return { ...own, type: "object", properties: withObjectFields(own) };
}

function withObjectFields(schema: Schema): Record<string, Schema> {
  const { apiVersion, kind, metadata, ...rest } = schema.properties ?? {};
  const bounds = Object.fromEntries(
    Object.entries(metadata?.properties ?? {}).map(([name, bound]) => [name, { ...metadataSchema.properties?.[name], ...bound }]),
  );
  return {
    apiVersion: { ...apiVersion, type: "string", description: apiVersion?.description ?? "The group and version of this object's schema." },
    kind: { ...kind, type: "string", description: kind?.description ?? "The kind of this object." },
    metadata: Object.keys(bounds).length === 0 ? metadataSchema : { ...metadataSchema, properties: { ...metadataSchema.properties, ...bounds } },
    ...rest,
  };
}

/** Embedded objects get their own apiVersion, kind and metadata, so that everything that walks a schema knows these fields. */
function completed(schema: Schema): Schema {
  const out: { -readonly [Key in keyof Schema]: Schema[Key] } = { ...schema };
  if (schema.properties !== undefined) out.properties = Object.fromEntries(Object.entries(schema.properties).map(([name, child]) => [name, completed(child)]));
  if (schema.items !== undefined) out.items = completed(schema.items);
  if (typeof schema.additionalProperties === "object") out.additionalProperties = completed(schema.additionalProperties);
  if (schema["x-kubernetes-embedded-resource"] === true) {
    out.properties = withObjectFields(out);
    out.required = [...new Set([...(schema.required ?? []), "apiVersion", "kind"])];
  }
  return out;
}

function columnOf(column: PrinterColumn): Column {
  let path: ReturnType<typeof parseJsonPath> | undefined;
  return {
    name: column.name,
    type: column.type as Column["type"],
    format: column.format ?? "",
    description: column.description ?? "",
    priority: column.priority ?? 0,
    value: (object) => cellOf(column.type, (path ??= parseJsonPath(column.jsonPath))(object)[0]),
  };
}

/** As upstream: what is not of the column's type is an empty cell; texts take everything. */
function cellOf(type: string, value: unknown): string | number | boolean | null {
  if (value === undefined || value === null) return null;
  switch (type) {
    case "string":
      return typeof value === "object" ? JSON.stringify(value) : String(value as string | number | boolean);
    case "integer":
      return typeof value === "number" ? Math.trunc(value) : null;
    case "number":
      return typeof value === "number" ? value : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date":
      return typeof value === "string" ? value : null;
    default:
      return null;
  }
}

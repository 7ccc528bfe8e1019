import { metadataSchema, type Kind, type Schema } from "@threeport/resource";
import { scaleKind } from "../../kinds/scale.ts";
import { servedOf } from "../served.ts";
import type { Offered } from "../subresource.ts";
import { withReferences } from "./references.ts";
import { metaSchemas, metaName, reference, schemaName } from "./names.ts";
import { pathsOf } from "./paths.ts";

/** The OpenAPI v3 document of one group version: what `kubectl explain`, field validation and code generators read. */
export function openApiDocument(kinds: readonly Kind[], subresources: ReadonlyMap<string, Offered>): object {
  const schemas: Record<string, unknown> = { ...metaSchemas, [metaName("ObjectMeta")]: metadataSchema };
  const paths: Record<string, unknown> = {};
  const components = new Map<string, Schema>();
  for (const kind of kinds) {
    schemas[schemaName(kind)] = withReferences(objectSchema(kind), components);
    schemas[schemaName({ ...kind, kind: kind.listKind })] = listSchema(kind);
    if (kind.scale !== undefined) schemas[schemaName(scaleKind)] = objectSchema(scaleKind);
    for (const [place, { document }] of subresources)
      if (document !== undefined && place.startsWith(`${kind.resource}/`)) schemas[schemaName(document)] = objectSchema(document);
    Object.assign(paths, pathsOf(kind, servedOf(kind, subresources)));
  }
  return {
    openapi: "3.0.0",
    info: { title: "Threeport", version: "v1alpha1" },
    paths,
    components: { schemas: { ...schemas, ...Object.fromEntries(components) } },
  };
}

function objectSchema(kind: Kind): Schema {
  const schema = kind.custom?.readSchema() ?? kind.schema;
  const { metadata: _, ...properties } = schema.properties ?? {};
  return {
    ...schema,
    properties: { ...properties, metadata: { description: "Standard object metadata.", default: {}, allOf: [reference(metaName("ObjectMeta"))] } },
    "x-kubernetes-group-version-kind": [{ group: kind.group, version: kind.version, kind: kind.kind }],
  };
}

function listSchema(kind: Kind): Schema {
  return {
    type: "object",
    description: `A list of ${kind.kind}.`,
    required: ["items"],
    properties: {
      apiVersion: { type: "string", description: "The group and version of the list's schema." },
      kind: { type: "string", description: "The kind of the list." },
      metadata: { description: "Standard list metadata.", default: {}, allOf: [reference(metaName("ListMeta"))] },
      items: { type: "array", description: "The objects.", items: { default: {}, allOf: [reference(schemaName(kind))] } },
    },
    "x-kubernetes-group-version-kind": [{ group: kind.group, version: kind.version, kind: kind.listKind }],
  };
}

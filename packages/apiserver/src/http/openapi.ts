import type { Kind, Schema } from "@threeport/resource";
import type { Registry } from "../registry.ts";

/** `/openapi/v3`: where the document of each group version is. The hash in the address lets clients cache it. */
export function openApiIndex(registry: Registry): object {
  const paths: Record<string, { serverRelativeURL: string }> = {};
  for (const { group, versions } of registry.groups()) {
    for (const version of versions) {
      const path = group === "" ? `api/${version}` : `apis/${group}/${version}`;
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${registry.revision}` };
    }
  }
  return { paths };
}

const metaSchema = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const listMetaSchema = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";

/** The OpenAPI v3 document of one group version: what `kubectl explain`, field validation and code generators read. */
export function openApiDocument(registry: Registry, group: string, version: string): object | undefined {
  const kinds = registry.all().filter((kind) => kind.group === group && kind.version === version);
  if (kinds.length === 0) return undefined;
  const schemas: Record<string, unknown> = { [listMetaSchema]: listMeta };
  const paths: Record<string, unknown> = {};
  for (const kind of kinds) {
    const { metadata, ...properties } = kind.schema.properties ?? {};
    schemas[metaSchema] ??= metadata;
    schemas[schemaName(kind)] = {
      ...kind.schema,
      properties: {
        ...properties,
        metadata: { description: "Standard object metadata.", default: {}, allOf: [{ $ref: `#/components/schemas/${metaSchema}` }] },
      },
      "x-kubernetes-group-version-kind": [gvk(kind)],
    };
    schemas[`${schemaName(kind)}List`] = listSchema(kind);
    Object.assign(paths, pathsOf(kind));
  }
  return { openapi: "3.0.0", info: { title: "Threeport", version: "v1alpha1" }, paths, components: { schemas } };
}

const listMeta: Schema = {
  type: "object",
  description: "Metadata of a list.",
  properties: {
    continue: { type: "string", description: "Token for the next page." },
    resourceVersion: { type: "string", description: "The version that the whole list is true for." },
    remainingItemCount: { type: "integer", format: "int64", description: "Items that are left after this page." },
  },
};

function gvk(kind: Kind): object {
  return { group: kind.group, version: kind.version, kind: kind.kind };
}

/** `threeport.io/v1alpha1 Release` → `io.threeport.v1alpha1.Release`. */
function schemaName(kind: Kind): string {
  const group = kind.group === "" ? "io.k8s.api.core" : kind.group.split(".").reverse().join(".");
  return `${group}.${kind.version}.${kind.kind}`;
}

function listSchema(kind: Kind): object {
  return {
    type: "object",
    description: `A list of ${kind.kind}.`,
    required: ["items"],
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: { $ref: `#/components/schemas/${listMetaSchema}` },
      items: { type: "array", items: { $ref: `#/components/schemas/${schemaName(kind)}` } },
    },
    "x-kubernetes-group-version-kind": [{ group: kind.group, version: kind.version, kind: `${kind.kind}List` }],
  };
}

function query(name: string, description: string, type: "string" | "integer" | "boolean" = "string"): object {
  return { name, in: "query", description, schema: { type, uniqueItems: true } };
}

const writeParameters = [
  query("dryRun", "All: nothing is stored."),
  query("fieldManager", "Name of the actor that makes this change."),
  query("fieldValidation", "What to do about unknown fields: Ignore, Warn or Strict."),
];
const listParameters = [
  query("labelSelector", "Select by labels."),
  query("fieldSelector", "Select by fields."),
  query("limit", "Most items of one page.", "integer"),
  query("continue", "Token of the next page."),
  query("resourceVersion", "Version to read at or to watch from."),
  query("resourceVersionMatch", "How resourceVersion applies."),
  query("watch", "Stream changes.", "boolean"),
  query("allowWatchBookmarks", "Send bookmarks.", "boolean"),
  query("sendInitialEvents", "Begin with the state as ADDED events.", "boolean"),
  query("timeoutSeconds", "End the call after this time.", "integer"),
];

function pathsOf(kind: Kind): Record<string, unknown> {
  const base = kind.group === "" ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const collection = kind.namespaced ? `${base}/namespaces/{namespace}/${kind.plural}` : `${base}/${kind.plural}`;
  const pathParameters = (item: boolean) => [
    ...(kind.namespaced ? [{ name: "namespace", in: "path", required: true, schema: { type: "string" } }] : []),
    ...(item ? [{ name: "name", in: "path", required: true, schema: { type: "string" } }] : []),
  ];
  const content = { "application/json": { schema: { $ref: `#/components/schemas/${schemaName(kind)}` } } };
  const list = { "application/json": { schema: { $ref: `#/components/schemas/${schemaName(kind)}List` } } };
  const scope = kind.namespaced ? "Namespaced" : "";
  const operation = (action: string, parameters: readonly object[], extra: object = {}, id = `${action}${scope}${kind.kind}`) => ({
    tags: [kind.group === "" ? "core" : kind.group],
    operationId: id,
    parameters,
    responses: { 200: { description: "OK", content: action === "list" ? list : content } },
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": gvk(kind),
    ...extra,
  });
  const requestBody = { content: { "*/*": { schema: { $ref: `#/components/schemas/${schemaName(kind)}` } } } };
  const patchBody = {
    content: Object.fromEntries(
      ["application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json"].map((type) => [
        type,
        { schema: { type: "object" } },
      ]),
    ),
  };
  const paths: Record<string, unknown> = {
    [collection]: {
      parameters: pathParameters(false),
      get: operation("list", listParameters),
      post: operation("post", writeParameters, { requestBody }),
      delete: operation("deletecollection", [...writeParameters, ...listParameters]),
    },
    [`${collection}/{name}`]: {
      parameters: pathParameters(true),
      get: operation("get", []),
      put: operation("put", writeParameters, { requestBody }),
      patch: operation("patch", writeParameters, { requestBody: patchBody }),
      delete: operation("delete", writeParameters),
    },
  };
  if (kind.namespaced) paths[`${base}/${kind.plural}`] = { get: operation("list", listParameters, {}, `list${kind.kind}ForAllNamespaces`) };
  if (kind.hasStatus) {
    const status = (action: string, parameters: readonly object[], extra: object = {}) =>
      operation(action, parameters, extra, `${action}${scope}${kind.kind}Status`);
    paths[`${collection}/{name}/status`] = {
      parameters: pathParameters(true),
      get: status("get", []),
      put: status("put", writeParameters, { requestBody }),
      patch: status("patch", writeParameters, { requestBody: patchBody }),
    };
  }
  return paths;
}

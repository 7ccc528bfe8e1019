import type { KubernetesKind } from "../../../packages/sim/src/kinds/kubernetes-kinds.ts";

/** What discovery says of a group version. */
export interface ResourceList {
  readonly resources: readonly {
    readonly name: string;
    readonly singularName: string;
    readonly namespaced: boolean;
    readonly kind: string;
    readonly verbs: readonly string[];
    readonly shortNames?: readonly string[];
    readonly categories?: readonly string[];
  }[];
}

export interface OpenApiDocument {
  readonly components: { readonly schemas: Readonly<Record<string, Json>> };
}

type Json = { readonly [key: string]: unknown };

/** Kinds that are stored: what can be watched. */
export function discoveredKinds(groupVersion: string, list: ResourceList, document: OpenApiDocument): KubernetesKind[] {
  const [group, version] = groupVersion.includes("/") ? (groupVersion.split("/") as [string, string]) : (["", groupVersion] as const);
  const names = new Set(list.resources.map(({ name }) => name));
  return list.resources
    .filter(({ name, verbs }) => !name.includes("/") && verbs.includes("watch"))
    .map((resource) => ({
      group,
      version,
      kind: resource.kind,
      plural: resource.name,
      singular: resource.singularName,
      namespaced: resource.namespaced,
      shortNames: resource.shortNames ?? [],
      categories: resource.categories ?? [],
      status: names.has(`${resource.name}/status`),
      scale: names.has(`${resource.name}/scale`),
      schema: schemaOf(document, { group, version, kind: resource.kind }),
    }));
}

function schemaOf(document: OpenApiDocument, wanted: { readonly group: string; readonly version: string; readonly kind: string }): string {
  const found = Object.entries(document.components.schemas).find(([, schema]) =>
    ((schema["x-kubernetes-group-version-kind"] ?? []) as (typeof wanted)[]).some(
      (known) => known.group === wanted.group && known.version === wanted.version && known.kind === wanted.kind,
    ),
  );
  if (found === undefined) throw new Error(`no schema says that it is ${wanted.group}/${wanted.version} ${wanted.kind}`);
  return found[0];
}

const refStart = "#/components/schemas/";

/** The schemas of the kinds and all that they name. */
export function openApiSchemas(document: OpenApiDocument, kinds: readonly KubernetesKind[]): Map<string, Json> {
  const found = new Map<string, Json>();
  const take = (name: string): void => {
    const schema = document.components.schemas[name];
    if (found.has(name)) return;
    if (schema === undefined) throw new Error(`the document has no schema ${name}`);
    found.set(name, schema);
    for (const [, ref = ""] of JSON.stringify(schema).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) take(ref);
  };
  for (const { schema } of kinds) take(schema);
  return found;
}

/** Without descriptions, and in the words of a structural schema: `$ref` is a name, what may be a number or a text says so by its extension. */
export function withoutProse(schema: Json): Json {
  const {
    description: _,
    "x-kubernetes-group-version-kind": __,
    allOf,
    oneOf,
    $ref,
    default: filling,
    properties,
    items,
    additionalProperties,
    ...rest
  } = schema;
  const [only] = (allOf ?? []) as { $ref?: string }[];
  const ref = ($ref ?? only?.$ref) as string | undefined;
  const sorts = ((oneOf ?? []) as { type?: string }[]).map(({ type }) => type);
  return {
    ...rest,
    ...(ref === undefined ? {} : { $ref: ref.slice(refStart.length) }),
    ...(sorts.length > 1 ? { "x-kubernetes-int-or-string": true } : {}),
    // Also empty ones: they tell which fields Go always writes.
    ...(filling === undefined ? {} : { default: filling }),
    ...(properties === undefined
      ? {}
      : { properties: Object.fromEntries(Object.entries(properties as Record<string, Json>).map(([name, child]) => [name, withoutProse(child)])) }),
    ...(items === undefined ? {} : { items: withoutProse(items as Json) }),
    ...(typeof additionalProperties === "object" && additionalProperties !== null
      ? { additionalProperties: withoutProse(additionalProperties as Json) }
      : additionalProperties === undefined
        ? {}
        : { additionalProperties }),
  };
}

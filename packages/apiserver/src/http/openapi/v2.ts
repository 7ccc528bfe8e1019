/** The one document of OpenAPI v2 (Swagger) for all group versions, made of their OpenAPI v3 documents: what kubectl still asks for. */
export function openApiV2(documents: readonly object[]): object {
  const paths: Record<string, unknown> = {};
  const definitions: Record<string, unknown> = {};
  for (const document of documents as readonly V3Document[]) {
    for (const [path, item] of Object.entries(document.paths)) paths[path] = pathItem(item);
    for (const [name, schema] of Object.entries(document.components.schemas)) definitions[name] ??= schemaV2(schema);
  }
  return { swagger: "2.0", info: { title: "Threeport", version: "v1alpha1" }, paths, definitions };
}

type Raw = { readonly [key: string]: unknown };

interface V3Document {
  readonly paths: Readonly<Record<string, Raw>>;
  readonly components: { readonly schemas: Readonly<Record<string, Raw>> };
}

function pathItem(item: Raw): Raw {
  return Object.fromEntries(
    Object.entries(item).map(([key, value]) => [key, key === "parameters" ? (value as Raw[]).map(parameter) : operation(value as Raw)]),
  );
}

function operation(source: Raw): Raw {
  const { requestBody, responses, parameters, ...rest } = source;
  const body = requestBody as { required?: boolean; content: Readonly<Record<string, { schema: Raw }>> } | undefined;
  const answers = Object.entries(responses as Record<string, { description: string; content?: Record<string, { schema: Raw }> }>);
  const all = [
    ...(body === undefined
      ? []
      : [{ name: "body", in: "body", required: body.required === true, schema: schemaV2(Object.values(body.content)[0]?.schema ?? {}) }]),
    ...((parameters as Raw[] | undefined) ?? []).map(parameter),
  ];
  return {
    ...rest,
    consumes: body === undefined ? ["*/*"] : Object.keys(body.content),
    produces: [...new Set(answers.flatMap(([, answer]) => Object.keys(answer.content ?? {})))],
    schemes: ["https"],
    ...(all.length === 0 ? {} : { parameters: all }),
    responses: Object.fromEntries(
      answers.map(([code, { description, content }]) => {
        const schema = Object.values(content ?? {})[0]?.schema;
        return [code, { description, ...(schema === undefined ? {} : { schema: schemaV2(schema) }) }];
      }),
    ),
  };
}

/** A parameter's type stands beside its name. */
function parameter(source: Raw): Raw {
  const { schema, ...rest } = source;
  return { ...rest, ...(schema as Raw) };
}

/** What Swagger cannot say is left out, so that nothing is refused by its reader that the server would take. */
function schemaV2(source: Raw): Raw {
  const { allOf, oneOf: _o, anyOf: _a, not: _n, nullable, ...rest } = source;
  const [only] = (allOf as Raw[] | undefined) ?? [];
  if (typeof only?.["$ref"] === "string") {
    const { description } = rest;
    return { ...(description === undefined ? {} : { description }), $ref: definitionOf(only["$ref"]) };
  }
  const out: { [key: string]: unknown } = { ...rest };
  if (typeof out["$ref"] === "string") out["$ref"] = definitionOf(out["$ref"]);
  if (out["x-kubernetes-int-or-string"] === true) {
    out["type"] = "string";
    out["format"] = "int-or-string";
  }
  // Anything may be there, or null: no type says so.
  if (out["x-kubernetes-preserve-unknown-fields"] === true || nullable === true)
    for (const key of ["type", "properties", "items", "additionalProperties"]) delete out[key];
  const { properties, items, additionalProperties } = out;
  if (properties !== undefined)
    out["properties"] = Object.fromEntries(Object.entries(properties as Raw).map(([name, child]) => [name, schemaV2(child as Raw)]));
  if (items !== undefined) out["items"] = schemaV2(items as Raw);
  if (typeof additionalProperties === "object" && additionalProperties !== null) out["additionalProperties"] = schemaV2(additionalProperties as Raw);
  return out;
}

function definitionOf(reference: string): string {
  return reference.replace("#/components/schemas/", "#/definitions/");
}

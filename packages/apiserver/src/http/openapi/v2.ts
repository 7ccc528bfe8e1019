/** What one OpenAPI v3 document gives to the one document of OpenAPI v2 (Swagger) for all group versions, which kubectl still asks for. */
export interface OpenApiV2Part {
  readonly paths: Readonly<Record<string, object>>;
  readonly definitions: Readonly<Record<string, object>>;
}

/** What stands in front of paths and definitions. */
export const openApiV2Head = { swagger: "2.0", info: { title: "Threeport", version: "v1alpha1" } } as const;

export function openApiV2Part(document: object): OpenApiV2Part {
  const { paths, components } = document as V3Document;
  return {
    paths: Object.fromEntries(Object.entries(paths).map(([path, item]) => [path, pathItem(item)])),
    definitions: Object.fromEntries(Object.entries(components.schemas).map(([name, schema]) => [name, schemaV2(schema)])),
  };
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

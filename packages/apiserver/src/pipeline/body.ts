import { PlatformError, parseJson, type Kind, type KubeObject, type StoredObject } from "@threeport/resource";

/** A stored body as an object. Bodies were validated when they were written. */
export function parseBody(body: string): StoredObject {
  return JSON.parse(body) as StoredObject;
}

/** A stored body as `kind` serves it: custom kinds have several versions and schemas that change; of all others the stored text is what is served. */
export function servedBody(kind: Kind, body: string): string {
  return kind.custom === undefined ? body : kind.custom.fromStored(body);
}

/**
 * JSON text of an object in two halves, between which the store writes the new resourceVersion. Order is fixed
 * (apiVersion, kind, metadata, the rest as given), so that equal objects have equal text.
 */
export function serialize(object: KubeObject): readonly [before: string, after: string] {
  const { apiVersion, kind, metadata, ...rest } = object;
  const { resourceVersion: _, ...meta } = metadata;
  const metaText = JSON.stringify(meta);
  const restText = JSON.stringify(rest);
  return [
    `{"apiVersion":${JSON.stringify(apiVersion)},"kind":${JSON.stringify(kind)},"metadata":{"resourceVersion":"`,
    `"${metaText === "{}" ? "}" : `,${metaText.slice(1)}`}${restText === "{}" ? "}" : `,${restText.slice(1)}`}`,
  ];
}

/** A request body as an object of the URL's kind; says what is wrong with it otherwise. */
export function readObject(body: Uint8Array | string | object, expected: { apiVersion: string; kind: string }): KubeObject {
  const value = typeof body === "string" || body instanceof Uint8Array ? parseJson(body) : body;
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new PlatformError("TP_BAD_REQUEST", { message: "the body must be one JSON object" });
  const object = value as KubeObject;
  const apiVersion = object.apiVersion ?? expected.apiVersion;
  const kind = object.kind ?? expected.kind;
  if (apiVersion !== expected.apiVersion || kind !== expected.kind) {
    throw new PlatformError("TP_BAD_REQUEST", {
      message: `the body is a ${String(kind)} of ${String(apiVersion)}, but the URL is that of ${expected.kind} in ${expected.apiVersion}`,
    });
  }
  const metadata: unknown = object.metadata ?? {};
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata))
    throw new PlatformError("TP_BAD_REQUEST", { message: "metadata must be an object", causes: [{ field: "metadata", message: "must be an object" }] });
  return { ...object, apiVersion, kind, metadata: { ...(metadata as KubeObject["metadata"]) } };
}

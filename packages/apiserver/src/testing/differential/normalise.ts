import { isDocument, type Json, type JsonDocument } from "./json.ts";

/** Gives every version of one server a number by when it was first seen, so that two servers' can be compared. */
export interface Versions {
  numberOf(resourceVersion: string): string;
}

export function openVersions(): Versions {
  const seen = new Map<string, string>();
  return {
    numberOf(version) {
      const known = seen.get(version) ?? `version ${seen.size + 1}`;
      seen.set(version, known);
      return known;
    },
  };
}

/** An answer without what two servers cannot have in common: identities, times, version numbers, and sentences. */
export function normalise(body: Json | undefined, versions: Versions): Json | undefined {
  if (!isDocument(body)) return body;
  if (body["kind"] === "Status" && body["metadata"] !== undefined && !Array.isArray(body["items"])) return normaliseStatus(body);
  if (Array.isArray(body["items"])) {
    const items = (body["items"] as Json[])
      .map((item) => normalise(withoutType(item), versions) ?? null)
      .sort((a, b) => compare(JSON.stringify(a), JSON.stringify(b)));
    const { continue: more, remainingItemCount: _, ...meta } = body["metadata"] as JsonDocument;
    return { ...body, metadata: { ...meta, resourceVersion: "of the list", ...(more === undefined ? {} : { continue: "a token" }) }, items };
  }
  if (body["kind"] === "Table") return { kind: "Table", rows: (body["rows"] as Json[] | undefined)?.length ?? 0 };
  const metadata = body["metadata"];
  return isDocument(metadata) ? { ...body, metadata: normaliseMetadata(metadata, versions) } : body;
}

/** Our items say what they are, as those of CustomResourceDefinitions do upstream; those of its own kinds do not. */
function withoutType(item: Json): Json {
  if (!isDocument(item)) return item;
  const { apiVersion: _a, kind: _k, ...rest } = item;
  return rest;
}

function normaliseMetadata(metadata: JsonDocument, versions: Versions): JsonDocument {
  const { uid, resourceVersion, creationTimestamp, deletionTimestamp, managedFields, name, generateName, ...rest } = metadata;
  return {
    ...rest,
    ...(generateName === undefined ? {} : { generateName }),
    ...(Array.isArray(managedFields) ? { managedFields: (managedFields as JsonDocument[]).map((entry) => ({ ...entry, time: "a time" })) } : {}),
    ...(name === undefined
      ? {}
      : { name: typeof generateName === "string" && generateName !== "" && String(name).startsWith(generateName.slice(0, 58)) ? "made" : name }),
    ...(uid === undefined ? {} : { uid: "a uid" }),
    ...(resourceVersion === undefined ? {} : { resourceVersion: versions.numberOf(String(resourceVersion)) }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp: "a time" }),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp: "a time" }),
  };
}

function normaliseStatus(body: JsonDocument): Json {
  const details = isDocument(body["details"]) ? body["details"] : {};
  const { causes, uid, code: _, retryAfterSeconds: _r, ...named } = details;
  // Of what it cannot read, upstream tells the first mistake as a sentence; ours has all of them as causes.
  const told =
    Array.isArray(causes) && body["code"] !== 400
      ? (causes as JsonDocument[]).map((cause) => `${String(cause["reason"] ?? "")} ${String(cause["field"] ?? "")}`).sort()
      : [];
  const same = told.filter((cause) => !/ patch\[\d+\]$/.test(cause)); // which operation of a patch failed, upstream does not tell
  return {
    kind: "Status",
    status: body["status"] ?? null,
    reason: body["reason"] ?? null,
    code: body["code"] ?? null,
    details: { ...named, ...(uid === undefined ? {} : { uid: "a uid" }), causes: [...new Set(same)] },
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

import { isJsonObject, type JsonObject } from "@threeport/resource";
import type { AppliedKind, ManagedWrite } from "./apply-sequences.ts";

/** One request to a Kubernetes API; the answer's body is parsed. */
export type Send = (request: {
  readonly method: string;
  readonly path: string;
  readonly contentType?: string;
  readonly body?: unknown;
}) => Promise<{ readonly status: number; readonly body: unknown }>;

export interface Place {
  readonly namespace: string;
  readonly name: string;
}

const patchTypes = {
  apply: "application/apply-patch+yaml",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  json: "application/json-patch+json",
  reset: "application/merge-patch+json",
} as const;

/** Sends a write, and says what came of it without what two servers cannot have in common: identities, versions, times. */
export async function sendManagedWrite(send: Send, kind: AppliedKind, place: Place, write: ManagedWrite): Promise<unknown> {
  const group = kind.apiVersion.includes("/") ? `/apis/${kind.apiVersion}` : `/api/${kind.apiVersion}`;
  const collection = `${group}${kind.namespaced ? `/namespaces/${place.namespace}` : ""}/${kind.plural}`;
  const path = `${collection}/${place.name}`;
  const query = `?fieldManager=${write.manager}`;
  const fields = JSON.parse(JSON.stringify(write.fields).replaceAll("§namespace", place.namespace)) as JsonObject;
  const { metadata, ...rest } = fields;
  const object = { apiVersion: kind.apiVersion, kind: kind.kind, ...rest, metadata: { ...(metadata as JsonObject | undefined), name: place.name } };
  switch (write.verb) {
    case "create":
      return outcome(await send({ method: "POST", path: `${collection}${query}`, contentType: "application/json", body: object }));
    case "replace": {
      const read = (await send({ method: "GET", path })).body as { metadata?: JsonObject };
      const managedFields = write.keepsManagedFields && isJsonObject(read.metadata) ? { managedFields: read.metadata["managedFields"] } : {};
      return outcome(
        await send({
          method: "PUT",
          path: `${path}${query}`,
          contentType: "application/json",
          body: { ...object, metadata: { ...object.metadata, ...managedFields } },
        }),
      );
    }
    case "apply":
      return outcome(await send({ method: "PATCH", path: `${path}${query}&force=${write.force}`, contentType: patchTypes.apply, body: object }));
    case "reset":
      return outcome(
        await send({ method: "PATCH", path: `${path}${query}`, contentType: patchTypes.reset, body: { metadata: { managedFields: write.resetTo } } }),
      );
    case "json":
      return outcome(await send({ method: "PATCH", path: `${path}${query}`, contentType: patchTypes.json, body: write.steps }));
    case "merge":
    case "strategic":
      return outcome(await send({ method: "PATCH", path: `${path}${query}`, contentType: patchTypes[write.verb], body: fields }));
  }
}

function outcome({ status, body }: { readonly status: number; readonly body: unknown }): unknown {
  if (!isJsonObject(body)) return { status, body };
  if (body["kind"] === "Status") {
    const { details, reason } = body;
    const causes = isJsonObject(details) && Array.isArray(details["causes"]) ? (details["causes"] as JsonObject[]) : [];
    // Only of conflicts are fields and managers the matter here; how other refusals put it is compared elsewhere.
    return {
      status,
      reason,
      conflicts: causes
        .filter((cause) => cause["reason"] === "FieldManagerConflict")
        .map(({ field, message }) => `${String(field)} ${withoutTime(String(message))}`)
        .toSorted(),
    };
  }
  const { uid: _u, resourceVersion: _r, creationTimestamp: _c, managedFields, generation: _g, ...metadata } = body["metadata"] as JsonObject;
  const managers = (Array.isArray(managedFields) ? (managedFields as JsonObject[]) : []).map(({ time: _t, ...entry }) => entry);
  return {
    status,
    object: { ...body, metadata },
    managers: Object.fromEntries(managers.map((entry) => [`${String(entry["operation"])} ${String(entry["manager"])} ${String(entry["subresource"])}`, entry])),
  };
}

function withoutTime(message: string): string {
  return message.replace(/ at \d{4}-\S+Z/, "");
}

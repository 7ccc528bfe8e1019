import { PlatformError, findDuplicateKeys, parseJson, type Kind } from "@threeport/resource";
import type { ApiContext, Answer, Caller, WriteOptions } from "../api.ts";
import { parseBody } from "../pipeline/body.ts";
import { createObject } from "../pipeline/create.ts";
import { notFound } from "../pipeline/current.ts";
import { deleteObject, type DeleteOptions } from "../pipeline/delete.ts";
import { listObjects } from "../pipeline/list.ts";
import { createSelection, type Selection } from "../pipeline/selection.ts";
import { patchObject, updateObject, type PatchType } from "../pipeline/update.ts";
import { acceptedForm, includeObject, type Query } from "./negotiation.ts";
import type { Route } from "./route.ts";
import { table, tableRow } from "./table.ts";

export interface ResourceRequest {
  readonly method: string;
  readonly route: Route;
  readonly query: Query;
  readonly accept: string | undefined;
  readonly contentType: string;
  readonly body: Uint8Array | undefined;
  readonly caller: Caller;
}

export interface ResourceAnswer {
  readonly status: number;
  /** JSON text. */
  readonly body: string;
  readonly warnings: readonly string[];
}

const subresources = ["status"];

/** Every verb but watch: a request in, JSON text out. Errors are thrown. */
export async function handleResource(context: ApiContext, request: ResourceRequest): Promise<ResourceAnswer> {
  const { route, method } = request;
  if (route.subresource !== undefined && !(subresources.includes(route.subresource) && route.kind.hasStatus)) {
    throw new PlatformError("TP_NOT_FOUND", { message: `${route.kind.plural} have no subresource "${route.subresource}"` });
  }
  if (route.name === undefined) {
    if (method === "GET") return list(context, request);
    if (method === "POST") return create(context, request);
    if (method === "DELETE") return deleteCollection(context, request);
  } else {
    if (method === "GET") return get(context, request, route.name);
    if (method === "PUT") return put(context, request, route.name);
    if (method === "PATCH") return patch(context, request, route.name);
    if (method === "DELETE" && route.subresource === undefined) return remove(context, request, route.name);
  }
  throw new PlatformError("TP_METHOD_NOT_ALLOWED", { message: `the server does not allow ${method} on this resource` });
}

function target(route: Route, name: string): { kind: Kind; namespace: string; name: string } {
  return { kind: route.kind, namespace: route.namespace ?? "", name };
}

async function get(context: ApiContext, request: ResourceRequest, name: string): Promise<ResourceAnswer> {
  const key = target(request.route, name);
  const version = await context.store.reader.get({ kind: key.kind.resource, namespace: key.namespace, name });
  if (version === undefined) throw notFound(key);
  return present(context, request, { body: version.body, rv: version.rv, status: 200, warnings: [] });
}

async function list(context: ApiContext, request: ResourceRequest): Promise<ResourceAnswer> {
  const { route, query } = request;
  const form = acceptedForm(request.accept);
  const selection = selectionOf(request);
  const listed = await listObjects(context, selection, {
    limit: query.integer("limit"),
    continue: query.text("continue"),
    resourceVersion: query.text("resourceVersion"),
    resourceVersionMatch: query.oneOf("resourceVersionMatch", ["Exact", "NotOlderThan"]),
  });
  const rv = String(listed.rv);
  if (form.kind === "table") {
    const options = { include: includeObject(query.text("includeObject")), nowMs: context.clock.now() };
    const rows = listed.items.map((item) => tableRow(route.kind, item.body, options));
    return answer(table(route.kind, { rows, rv, continueToken: listed.continueToken, columns: true }));
  }
  const partial = form.kind === "partial";
  const texts = partial ? listed.items.map((item) => partialText(item.body)) : listed.items.map((item) => item.body);
  const meta = JSON.stringify({ resourceVersion: rv, ...(listed.continueToken === undefined ? {} : { continue: listed.continueToken }) });
  const kind = partial ? "PartialObjectMetadataList" : `${route.kind.kind}List`;
  const apiVersion = partial ? "meta.k8s.io/v1" : route.kind.apiVersion;
  return { status: 200, body: `{"kind":"${kind}","apiVersion":"${apiVersion}","metadata":${meta},"items":[${texts.join(",")}]}`, warnings: [] };
}

export function selectionOf(request: Pick<ResourceRequest, "route" | "query">): Selection {
  const { route, query } = request;
  return createSelection(route.kind, { namespace: route.kind.namespaced ? route.namespace : undefined, labelSelector: query.text("labelSelector"), fieldSelector: query.text("fieldSelector") });
}

async function create(context: ApiContext, request: ResourceRequest): Promise<ResourceAnswer> {
  const { route } = request;
  if (route.kind.namespaced && route.namespace === undefined) throw new PlatformError("TP_METHOD_NOT_ALLOWED", { message: `create ${route.kind.plural} in a namespace: POST to …/namespaces/<namespace>/${route.kind.plural}` });
  const made = await createObject(context, request.caller, { kind: route.kind, namespace: route.namespace ?? "" }, readBody(request), writeOptions(request));
  return present(context, request, { ...fromAnswer(made), status: 201 });
}

async function put(context: ApiContext, request: ResourceRequest, name: string): Promise<ResourceAnswer> {
  const made = await updateObject(context, request.caller, target(request.route, name), readBody(request), { ...writeOptions(request), ...subresource(request.route) });
  return present(context, request, { ...fromAnswer(made), status: 200 });
}

const patchTypes: readonly PatchType[] = ["application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json"];

async function patch(context: ApiContext, request: ResourceRequest, name: string): Promise<ResourceAnswer> {
  const type = patchTypes.find((candidate) => candidate === request.contentType);
  if (type === undefined) throw new PlatformError("TP_UNSUPPORTED_MEDIA_TYPE", { message: `a patch must be of type ${patchTypes.join(", ")}, not "${request.contentType.slice(0, 100)}"` });
  const value = parseJson(request.body ?? new Uint8Array());
  const made = await patchObject(context, request.caller, target(request.route, name), { type, value }, { ...writeOptions(request), ...subresource(request.route) });
  return present(context, request, { ...fromAnswer(made), status: 200 });
}

async function remove(context: ApiContext, request: ResourceRequest, name: string): Promise<ResourceAnswer> {
  const key = target(request.route, name);
  const deleted = await deleteObject(context, request.caller, key, deleteOptions(request));
  if (!deleted.removed) return { status: 202, body: deleted.body, warnings: [] };
  return answer({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: { name, ...(key.kind.group === "" ? {} : { group: key.kind.group }), kind: key.kind.plural, uid: deleted.object.metadata.uid },
  });
}

/** Objects deleted at the same time by one deletecollection: enough to fill write groups. */
const deleteParallel = 32;

async function deleteCollection(context: ApiContext, request: ResourceRequest): Promise<ResourceAnswer> {
  const selection = selectionOf(request);
  const options = deleteOptions(request);
  const listed = await listObjects(context, selection, { limit: request.query.integer("limit"), continue: request.query.text("continue") });
  const names = listed.items.map((item) => ({ kind: request.route.kind, namespace: item.key.namespace, name: item.key.name }));
  for (let start = 0; start < names.length; start += deleteParallel) {
    await Promise.all(
      names.slice(start, start + deleteParallel).map((name) =>
        deleteObject(context, request.caller, name, options).catch((error: unknown) => {
          if (error instanceof PlatformError && error.code === "TP_NOT_FOUND") return; // somebody else was faster
          throw error;
        }),
      ),
    );
  }
  const meta = JSON.stringify({ resourceVersion: String(listed.rv) });
  return { status: 200, body: `{"kind":"${request.route.kind.kind}List","apiVersion":"${request.route.kind.apiVersion}","metadata":${meta},"items":[${listed.items.map((item) => item.body).join(",")}]}`, warnings: [] };
}

function readBody(request: ResourceRequest): Uint8Array | object {
  if (request.contentType !== "application/json" && request.contentType !== "" && request.contentType !== "application/x-www-form-urlencoded") {
    throw new PlatformError("TP_UNSUPPORTED_MEDIA_TYPE", { message: `send application/json, not "${request.contentType.slice(0, 100)}"` });
  }
  if (request.body === undefined || request.body.length === 0) throw new PlatformError("TP_BAD_REQUEST", { message: "the request has no body" });
  if (request.query.text("fieldValidation") === "Strict") {
    const duplicates = findDuplicateKeys(Buffer.from(request.body).toString("utf8"));
    if (duplicates.length > 0) {
      throw new PlatformError("TP_BAD_REQUEST", {
        message: `strict decoding error: ${duplicates.map((path) => `duplicate field "${path}"`).join(", ")}`,
        causes: duplicates.map((field) => ({ field, reason: "FieldValueDuplicate", message: "the key stands twice" })),
      });
    }
  }
  return request.body;
}

function writeOptions(request: ResourceRequest): WriteOptions {
  return {
    dryRun: request.query.oneOf("dryRun", ["All"]) === "All",
    fieldValidation: request.query.oneOf("fieldValidation", ["Strict", "Warn", "Ignore"]) ?? "Warn",
  };
}

function deleteOptions(request: ResourceRequest): DeleteOptions {
  const sent = request.body === undefined || request.body.length === 0 ? {} : parseJson(request.body);
  if (typeof sent !== "object" || sent === null || Array.isArray(sent)) throw new PlatformError("TP_BAD_REQUEST", { message: "the body of a delete must be DeleteOptions" });
  const body = sent as { propagationPolicy?: unknown; orphanDependents?: unknown; dryRun?: unknown; preconditions?: { uid?: unknown; resourceVersion?: unknown } | null };
  const policy = request.query.text("propagationPolicy") ?? (typeof body.propagationPolicy === "string" ? body.propagationPolicy : undefined) ?? (body.orphanDependents === true ? "Orphan" : undefined);
  if (policy !== undefined && policy !== "Background" && policy !== "Foreground" && policy !== "Orphan") {
    throw new PlatformError("TP_BAD_REQUEST", { message: `propagationPolicy must be Background, Foreground or Orphan, not "${policy.slice(0, 50)}"`, causes: [{ field: "propagationPolicy", message: "not supported" }] });
  }
  const uid = body.preconditions?.uid;
  const resourceVersion = body.preconditions?.resourceVersion;
  return {
    dryRun: request.query.oneOf("dryRun", ["All"]) === "All" || (Array.isArray(body.dryRun) && body.dryRun.includes("All")),
    ...(policy === undefined ? {} : { propagationPolicy: policy }),
    ...(typeof uid === "string" ? { uid } : {}),
    ...(typeof resourceVersion === "string" ? { resourceVersion } : {}),
  };
}

function subresource(route: Route): { subresource?: "status" } {
  return route.subresource === "status" ? { subresource: "status" } : {};
}

function fromAnswer(made: Answer): { body: string; rv: number; warnings: readonly string[] } {
  return { body: made.body, rv: Number(made.object.metadata.resourceVersion), warnings: made.warnings };
}

/** One object in the form that the client accepts. */
function present(context: ApiContext, request: ResourceRequest, result: { body: string; rv: number; status: number; warnings: readonly string[] }): ResourceAnswer {
  const form = acceptedForm(request.accept);
  if (form.kind === "object") return { status: result.status, body: result.body, warnings: result.warnings };
  if (form.kind === "partial") return { status: result.status, body: partialText(result.body), warnings: result.warnings };
  const options = { include: includeObject(request.query.text("includeObject")), nowMs: context.clock.now() };
  const { kind } = request.route;
  return { ...answer(table(kind, { rows: [tableRow(kind, result.body, options)], rv: String(result.rv), columns: true })), status: result.status, warnings: result.warnings };
}

export function partialText(body: string): string {
  return JSON.stringify({ kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: parseBody(body).metadata });
}

function answer(value: object): ResourceAnswer {
  return { status: 200, body: JSON.stringify(value), warnings: [] };
}

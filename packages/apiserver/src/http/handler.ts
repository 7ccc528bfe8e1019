import { PlatformError, parseJson, type Kind } from "@threeport/resource";
import type { ApiContext, Answer, ObjectName } from "../api.ts";
import { scaleKind } from "../kinds/scale.ts";
import { applyObject } from "../pipeline/apply.ts";
import { createObject } from "../pipeline/create.ts";
import { servedBody } from "../pipeline/body.ts";
import { notFound } from "../pipeline/current.ts";
import { deleteObject } from "../pipeline/delete.ts";
import { checkNotFuture, listObjects, listTextOf, parseVersion } from "../pipeline/list.ts";
import { applyScale, patchScale, scaleText, updateScale } from "../pipeline/scale.ts";
import { patchObject, updateObject, type PatchType } from "../pipeline/update.ts";
import { concealed, concealedError, mustConceal } from "./conceal.ts";
import { deleteCollection } from "./delete-collection.ts";
import { readDeleteOptions } from "./delete-options.ts";
import { listBody, type LongBody } from "./long-body.ts";
import { readListOptions } from "./list-options.ts";
import { aroundItems, presentList, presentObject, presentationOf, type Presentation } from "./present.ts";
import { readConfiguration } from "./read-configuration.ts";
import { duplicateFields, readRequestBody, requireBodyType } from "./read-request-body.ts";
import { selectionOf, type ResourceRequest } from "./resource-request.ts";
import type { Route } from "./route.ts";
import { isOwnSubresource } from "./served.ts";
import { readWriteOptions } from "./write-options.ts";

export interface ResourceAnswer {
  readonly status: number;
  /** JSON. */
  readonly body: string | LongBody;
  readonly warnings: readonly string[];
}

/** Every verb but watch: a request in, JSON text out. Errors are thrown. */
export async function handleResource(context: ApiContext, request: ResourceRequest): Promise<ResourceAnswer> {
  const answered = await handleVerb(context, request);
  const deprecation = request.route.kind.custom?.deprecation;
  return deprecation === undefined ? answered : { ...answered, warnings: [deprecation, ...answered.warnings] };
}

async function handleVerb(context: ApiContext, request: ResourceRequest): Promise<ResourceAnswer> {
  const { route, method } = request;
  if (route.subresource !== undefined && !isOwnSubresource(route.kind, route.subresource)) {
    throw new PlatformError("TP_NOT_FOUND", { message: `${route.kind.plural} have no subresource "${route.subresource.slice(0, 100)}"` });
  }
  const { name } = route;
  if (name === undefined) {
    if (method === "GET") return list(context, request);
    if (method === "POST") return create(context, request);
    if (method === "DELETE") return answer(200, await deleteCollection(context, request));
  } else {
    if (method === "GET") return get(context, request, target(route, name));
    if (method === "PUT") return put(context, request, target(route, name));
    if (method === "PATCH") return patch(context, request, target(route, name));
    if (method === "DELETE" && route.subresource === undefined) return remove(context, request, target(route, name));
  }
  throw new PlatformError("TP_METHOD_NOT_ALLOWED", { message: `the server does not allow ${method} on this resource` });
}

function target(route: Route, name: string): ObjectName {
  return { kind: route.kind, namespace: route.namespace ?? "", name };
}

async function get(context: ApiContext, request: ResourceRequest, name: ObjectName): Promise<ResourceAnswer> {
  const presentation = presentationOf(request);
  const asked = parseVersion(request.query.text("resourceVersion") ?? "");
  const version = await context.store.reader.get({ kind: name.kind.resource, namespace: name.namespace, name: name.name });
  // What is read is always the newest; only a number from the future cannot be served (S4).
  if (asked > (version?.rv ?? 0)) await checkNotFuture(context, asked);
  if (version === undefined) throw notFound(name);
  return answer(
    200,
    presentObject(context, shownKind(request.route), presentation, { rv: version.rv, body: shown(request.route, servedBody(name.kind, version.body)) }),
  );
}

/** A Scale is a view of the object; everything else is the object itself. */
function shown(route: Route, body: string): string {
  return route.subresource === "scale" ? scaleText(route.kind, body) : body;
}

/** The kind of what goes over the wire. */
function shownKind(route: Route): Kind {
  return route.subresource === "scale" ? scaleKind : route.kind;
}

async function list(context: ApiContext, request: ResourceRequest): Promise<ResourceAnswer> {
  const { route, query } = request;
  const presentation = presentationOf(request, "list");
  const selection = selectionOf(request);
  const asked = readListOptions(query, "list");
  const whole = presentation.form === "object" ? await listTextOf(context, selection, asked) : undefined;
  if (whole !== undefined) {
    const [start, end] = aroundItems(route.kind.listKind, route.kind.apiVersion, whole);
    return answer(200, listBody(start, whole.bodies, end));
  }
  return answer(200, presentList(context, route.kind, presentation, await listObjects(context, selection, asked)));
}

async function create(context: ApiContext, request: ResourceRequest): Promise<ResourceAnswer> {
  const { kind, namespace } = request.route;
  if (kind.namespaced && namespace === undefined)
    throw new PlatformError("TP_METHOD_NOT_ALLOWED", { message: `create ${kind.plural} in a namespace: POST to …/namespaces/<namespace>/${kind.plural}` });
  const presentation = presentationOf(request);
  requireBodyType(request);
  const options = readWriteOptions(request, "CreateOptions");
  const sent = readRequestBody(request, kind);
  return write(context, request, { status: 201, warnings: sent.warnings, presentation }, () =>
    createObject(context, request.caller, { kind, namespace: namespace ?? "" }, sent.body, options),
  );
}

async function put(context: ApiContext, request: ResourceRequest, name: ObjectName): Promise<ResourceAnswer> {
  const presentation = presentationOf(request);
  requireBodyType(request);
  const options = readWriteOptions(request, "UpdateOptions");
  const sent = readRequestBody(request, shownKind(request.route));
  return write(context, request, { status: 200, warnings: sent.warnings, presentation }, () =>
    request.route.subresource === "scale"
      ? updateScale(context, request.caller, name, sent.body, options)
      : updateObject(context, request.caller, name, sent.body, { ...options, ...subresource(request.route) }),
  );
}

const applyType = "application/apply-patch+yaml";
const patchTypes: readonly PatchType[] = ["application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json"];

async function patch(context: ApiContext, request: ResourceRequest, name: ObjectName): Promise<ResourceAnswer> {
  if (request.contentType === applyType) return apply(context, request, name);
  // Strategic merge patches need what only built-in kinds say of their lists; clients fall back to merge patches on this answer.
  const types = request.route.kind.custom === undefined ? patchTypes : patchTypes.filter((candidate) => candidate !== "application/strategic-merge-patch+json");
  const type = types.find((candidate) => candidate === request.contentType);
  if (type === undefined)
    throw new PlatformError("TP_UNSUPPORTED_MEDIA_TYPE", {
      message: `a patch must be of type ${[...types, applyType].join(", ")}, not "${request.contentType.slice(0, 100)}"`,
    });
  const presentation = presentationOf(request);
  const options = readWriteOptions(request, "PatchOptions");
  const sent = { type, value: parseJson(request.body ?? new Uint8Array()) };
  return write(context, request, { status: 200, warnings: duplicateFields(request), presentation }, () =>
    request.route.subresource === "scale"
      ? patchScale(context, request.caller, name, sent, options)
      : patchObject(context, request.caller, name, sent, { ...options, ...subresource(request.route) }),
  );
}

async function apply(context: ApiContext, request: ResourceRequest, name: ObjectName): Promise<ResourceAnswer> {
  const presentation = presentationOf(request);
  const options = readWriteOptions(request, "PatchOptions", { apply: true });
  const sent = await readConfiguration(request.body ?? new Uint8Array());
  const warnings = sent.json ? duplicateFields(request) : sent.warnings;
  return write(context, request, { status: 200, warnings, presentation }, () =>
    request.route.subresource === "scale"
      ? applyScale(context, request.caller, name, sent.value, options)
      : applyObject(context, request.caller, name, sent.value, { ...options, ...subresource(request.route) }),
  );
}

interface Told {
  readonly status: number;
  /** Those about the body's text. */
  readonly warnings: readonly string[];
  readonly presentation: Presentation;
}

/** What all writes share. The form of the answer and the options were looked at before anything was read or written. */
async function write(context: ApiContext, request: ResourceRequest, told: Told, body: () => Promise<Answer>): Promise<ResourceAnswer> {
  const conceal = concealsName(context, request);
  const made = await body().catch((error: unknown) => Promise.reject((conceal ? concealedError(error) : error) as Error));
  return {
    status: made.created === true ? 201 : told.status,
    body: presentObject(context, shownKind(request.route), told.presentation, conceal ? { ...made, body: concealed(made.body) } : made),
    warnings: [...told.warnings, ...made.warnings],
  };
}

async function remove(context: ApiContext, request: ResourceRequest, name: ObjectName): Promise<ResourceAnswer> {
  const presentation = presentationOf(request);
  const { kind } = name;
  const deleted = await deleteObject(context, request.caller, name, readDeleteOptions(request));
  if (!deleted.removed || kind.typed?.deletedIsShown === true)
    return answer(200, presentObject(context, kind, presentation, concealsName(context, request) ? { ...deleted, body: concealed(deleted.body) } : deleted));
  const details = { name: name.name, ...(kind.group === "" ? {} : { group: kind.group }), kind: kind.plural, uid: deleted.uid };
  return answer(200, JSON.stringify({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details }));
}

function concealsName(context: ApiContext, { route, caller }: ResourceRequest): boolean {
  return mustConceal(context, caller.user, { kind: route.kind, namespace: route.namespace ?? "", name: route.name ?? "" });
}

function subresource(route: Route): { subresource?: "status" } {
  return route.subresource === "status" ? { subresource: "status" } : {};
}

function answer(status: number, body: string | LongBody): ResourceAnswer {
  return { status, body, warnings: [] };
}

import type { Kind } from "@threeport/resource";
import type { Served } from "../served.ts";
import { metaName, reference, schemaName } from "./names.ts";

type Action = "deletecollection" | "delete" | "get" | "list" | "patch" | "post" | "put";

/** How code generators name the call, as upstream: `createThreeportIoV1alpha1NamespacedRelease`. */
const verbOf: Readonly<Record<Action, string>> = {
  get: "read",
  list: "list",
  post: "create",
  put: "replace",
  patch: "patch",
  delete: "delete",
  deletecollection: "deleteCollection",
};

/** Paths and operations of one kind with all its subresources. */
export function pathsOf(kind: Kind, [own, ...parts]: readonly Served[]): Record<string, unknown> {
  if (own === undefined) return {};
  const base = kind.group === "" ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const collection = kind.namespaced ? `${base}/namespaces/{namespace}/${kind.plural}` : `${base}/${kind.plural}`;
  const make = operations(kind);
  const can = (verb: string): boolean => own.verbs.includes(verb);
  const paths: Record<string, unknown> = {
    [collection]: {
      parameters: pathParameters(kind, false),
      ...(can("list") ? { get: make("list", own, { parameters: listParameters, answer: reference(schemaName({ ...kind, kind: kind.listKind })) }) } : {}),
      ...(can("create") ? { post: make("post", own, { parameters: writeParameters, body: bodyOf(own), status: 201 }) } : {}),
      ...(can("deletecollection")
        ? {
            delete: make("deletecollection", own, { parameters: [...deleteParameters, ...listParameters], ...deletion, answer: reference(metaName("Status")) }),
          }
        : {}),
    },
    [`${collection}/{name}`]: item(kind, own, make),
  };
  if (kind.namespaced && can("list"))
    paths[`${base}/${kind.plural}`] = {
      get: make("list", own, { parameters: listParameters, answer: reference(schemaName({ ...kind, kind: kind.listKind })), suffix: "ForAllNamespaces" }),
    };
  for (const part of parts) paths[`${collection}/{name}/${part.subresource}`] = item(kind, part, make);
  return Object.fromEntries(Object.entries(paths).filter(([, operationsOf]) => Object.keys(operationsOf as object).some((key) => key !== "parameters")));
}

function item(kind: Kind, served: Served, make: Make): object {
  const can = (verb: string): boolean => served.verbs.includes(verb);
  return {
    parameters: pathParameters(kind, true),
    ...(can("get") ? { get: make("get", served, {}) } : {}),
    ...(can("create") && served.subresource !== "" ? { post: make("post", served, { parameters: writeParameters, body: bodyOf(served), status: 201 }) } : {}),
    ...(can("update") ? { put: make("put", served, { parameters: writeParameters, body: bodyOf(served) }) } : {}),
    ...(can("patch") ? { patch: make("patch", served, { parameters: patchParameters, body: patchBody }) } : {}),
    ...(can("delete") ? { delete: make("delete", served, { parameters: deleteParameters, ...deletion, answer: reference(metaName("Status")) }) } : {}),
  };
}

interface OperationInput {
  readonly parameters?: readonly object[];
  readonly body?: object;
  /** Default: the document of what is served. */
  readonly answer?: object;
  readonly status?: 201;
  readonly suffix?: string;
}

type Make = (action: Action, served: Served, input: OperationInput) => object;

function operations(kind: Kind): Make {
  const group = camel(kind.group === "" ? "core" : kind.group.replace(/\.k8s\.io$/, ""));
  return (action, served, input) => {
    const scope = kind.namespaced && input.suffix === undefined ? "Namespaced" : "";
    const document = input.answer ?? (served.text ? { type: "string" } : served.known ? reference(schemaName(served.kind)) : { type: "object" });
    const { group: kindGroup, version, kind: name } = served.kind;
    return {
      tags: [`${kind.group === "" ? "core" : kind.group}_${kind.version}`],
      description: descriptionOf(action, kind, served),
      operationId: `${verbOf[action]}${group}${camel(kind.version)}${scope}${kind.kind}${camel(served.subresource)}${input.suffix ?? ""}`,
      ...(input.parameters === undefined ? {} : { parameters: input.parameters }),
      ...(input.body === undefined ? {} : { requestBody: { required: action !== "delete" && action !== "deletecollection", ...input.body } }),
      responses: {
        [input.status ?? 200]: { description: "OK", content: { [served.text ? "text/plain" : "application/json"]: { schema: document } } },
        401: { description: "Unauthorized" },
      },
      "x-kubernetes-action": action,
      "x-kubernetes-group-version-kind": { group: kindGroup, version, kind: name },
    };
  };
}

function descriptionOf(action: Action, kind: Kind, served: Served): string {
  const what = served.subresource === "" ? kind.kind : `the ${served.subresource} of a ${kind.kind}`;
  switch (action) {
    case "list":
      return `list or watch objects of kind ${kind.kind}`;
    case "deletecollection":
      return `delete a selection of ${kind.kind}`;
    case "get":
      return `read ${what}`;
    case "post":
      return `create ${what}`;
    case "put":
      return `replace ${what}`;
    case "patch":
      return `change parts of ${what}`;
    case "delete":
      return `delete ${what}`;
  }
}

/** `rbac.authorization` → `RbacAuthorization`. */
function camel(name: string): string {
  return name
    .split(/[^a-zA-Z0-9]+/)
    .map((part) => part.slice(0, 1).toUpperCase() + part.slice(1))
    .join("");
}

function pathParameters(kind: Kind, named: boolean): object[] {
  const parameter = (name: string, description: string) => ({ name, in: "path", required: true, description, schema: { type: "string", uniqueItems: true } });
  return [...(kind.namespaced ? [parameter("namespace", "The project.")] : []), ...(named ? [parameter("name", `Name of the ${kind.kind}.`)] : [])];
}

function query(name: string, description: string, type: "string" | "integer" | "boolean" = "string"): object {
  return { name, in: "query", description, schema: { type, uniqueItems: true } };
}

const dryRun = query("dryRun", "All: nothing is stored.");
const writeParameters = [
  dryRun,
  query("fieldManager", "Name of the actor that makes this change."),
  query("fieldValidation", "What to do about unknown and duplicate fields: Ignore, Warn or Strict."),
];
const patchParameters = [...writeParameters, query("force", "Take over fields that others own; for apply patches.", "boolean")];
const deleteParameters = [
  dryRun,
  query("gracePeriodSeconds", "Seconds before the object goes.", "integer"),
  query("propagationPolicy", "What becomes of what it owns: Orphan, Background or Foreground."),
];
const listParameters = [
  query("labelSelector", "Select by labels."),
  query("fieldSelector", "Select by fields."),
  query("limit", "Most items of one page.", "integer"),
  query("continue", "Token of the next page."),
  query("resourceVersion", "Version to read at or to watch from."),
  query("resourceVersionMatch", "How resourceVersion applies: Exact or NotOlderThan."),
  query("watch", "Stream changes.", "boolean"),
  query("allowWatchBookmarks", "Send bookmarks.", "boolean"),
  query("sendInitialEvents", "Begin with the state as ADDED events.", "boolean"),
  query("timeoutSeconds", "End the call after this time.", "integer"),
];

function bodyOf(served: Served): object {
  return { content: { "*/*": { schema: reference(schemaName(served.kind)) } } };
}

const deletion = { body: { content: { "*/*": { schema: reference(metaName("DeleteOptions")) } } } };

const patchBody = {
  content: Object.fromEntries(
    ["application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json", "application/apply-patch+yaml"].map((type) => [
      type,
      { schema: reference(metaName("Patch")) },
    ]),
  ),
};

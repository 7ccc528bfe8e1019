import { array, constant, constantFrom, nat, oneof, tuple, type Arbitrary } from "fast-check";
import { oddValues, type ComparedKind } from "./documents.ts";
import { withPath, type Json, type JsonDocument, type Path } from "./json.ts";

/**
 * One request, in words that both servers are asked in. Text in documents may hold what only one of them knows:
 * `§version` the object's newest version, `§stale` an older one, `§uid` its uid, `§namespace` the sequence's namespace,
 * `§continue` the token of the last list.
 */
export interface Operation {
  readonly method: string;
  /** Of the object; none for the collection. */
  readonly name?: string;
  readonly subresource?: string;
  readonly query: string;
  readonly contentType?: string;
  readonly accept?: string;
  /** The stored object is read first, and the body's changes are made to it. */
  readonly onStored?: boolean;
  readonly body?: Json;
  readonly changes?: readonly Change[];
  /** Sent as it is, instead of a body. */
  readonly raw?: string;
}

export interface Change {
  readonly path: Path;
  /** None: the place is taken away. */
  readonly value?: Json;
}

export interface Sequence {
  readonly kind: ComparedKind;
  readonly operations: readonly Operation[];
}

const names = constantFrom("a", "a", "a", "b", "b", "c");
const badNames = constantFrom("A", "a_b", "-a", "a-", "x".repeat(253), "x".repeat(254), "a..b", "%2e%2e", "a%20b", "é", "a.b");
const anyName = oneof({ weight: 12, arbitrary: names }, { weight: 1, arbitrary: badNames });

const metadataPlaces: readonly (readonly [Path, readonly Json[]])[] = [
  [["metadata", "labels"], [{}, { tier: "front" }, { tier: "back", "example.com/x": "" }, { "-a": "b" }, { a: "!!" }, { "a/b/c": "d" }, { a: null }, { a: "x".repeat(64) }, null]],
  [["metadata", "labels", "tier"], ["front", "back", "", null, 1]],
  [["metadata", "annotations"], [{}, { n: "1" }, { "bad key": "x" }, { N: "2" }, { "Example.com/N": "3" }, { big: "x".repeat(262_144) }]],
  [["metadata", "annotations", "n"], ["1", "2", null]],
  [["metadata", "finalizers"], [[], ["example.com/hold"], ["nodomain"], ["foregroundDeletion"], ["orphan"], ["orphan", "foregroundDeletion"], ["Bad!"], ["example.com/hold", "example.com/hold"], ["example.com/two", "example.com/hold"], [""]]],
  [["metadata", "ownerReferences"], [[], [{ apiVersion: "v1", kind: "ConfigMap", name: "a", uid: "u-1" }], [{ apiVersion: "v1", kind: "ConfigMap", name: "a" }], [{}], [{ apiVersion: "v1", kind: "Event", name: "e", uid: "u" }], [{ apiVersion: "v1", kind: "A", name: "a", uid: "u-1", controller: true }, { apiVersion: "v1", kind: "B", name: "b", uid: "u-2", controller: true, blockOwnerDeletion: false }], [{ apiVersion: "a/b/c", kind: "A", name: "a", uid: "u" }], [{ apiVersion: "v1", kind: "A", name: "a", uid: "same" }, { apiVersion: "v1", kind: "A", name: "b", uid: "same" }]]],
  [["metadata", "name"], ["b", "", "Bad_Name", null, 5]],
  [["metadata", "namespace"], ["", "default", "§namespace", "Bad_Namespace", null]],
  [["metadata", "generateName"], ["made-", "Bad_", "", "x".repeat(70)]],
  [["metadata", "uid"], ["§uid", "other", ""]],
  [["metadata", "resourceVersion"], ["§version", "§stale", "abc", "", "0", "1", "-1", "999999999999"]],
  [["metadata", "generation"], [7, 0, -1, "x"]],
  [["metadata", "creationTimestamp"], [null, "2020-01-01T00:00:00Z", "never"]],
  [["metadata", "deletionTimestamp"], [null, "2020-01-01T00:00:00Z"]],
  [["metadata", "deletionGracePeriodSeconds"], [0, 30]],
  [["metadata", "selfLink"], ["/x"]],
  [["metadata", "nope"], ["x"]],
]; // prettier-ignore

const metadataChange: Arbitrary<Change> = oneof(
  ...metadataPlaces.map(([path, values]) =>
    oneof({ weight: 6, arbitrary: constantFrom<Json>(...values) }, { weight: 1, arbitrary: constantFrom<Json>(...oddValues) }).map((value) => ({
      path,
      value,
    })),
  ),
);

function ownChange(kind: ComparedKind): Arbitrary<Change> {
  return tuple(constantFrom(...kind.places), oneof(constantFrom<Json>(...oddValues), constantFrom<Json>(...(kind.values ?? oddValues))), nat(9)).map(
    ([path, value, chance]) => (chance === 0 ? { path } : { path, value }),
  );
}

/** Mostly none, seldom many: what is wrong with a document is best seen alone. */
function changes(kind: ComparedKind, most: number): Arbitrary<Change[]> {
  return oneof(
    { weight: 2, arbitrary: constant<Change[]>([]) },
    {
      weight: 4,
      arbitrary: array(oneof({ weight: 3, arbitrary: metadataChange }, { weight: 2, arbitrary: ownChange(kind) }), { minLength: 1, maxLength: most }),
    },
  );
}

const writeQuery = oneof(
  { weight: 8, arbitrary: constant("") },
  {
    weight: 4,
    arbitrary: constantFrom(
      "fieldValidation=Strict", "fieldValidation=Warn", "fieldValidation=Ignore", "fieldValidation=x", "dryRun=All", "dryRun=x", "dryRun=All&fieldValidation=Strict",
      "fieldManager=me", `fieldManager=${"m".repeat(129)}`, "fieldManager=%01", "pretty=true", "unknown=1", "dryRun=", "force=true",
    ), // prettier-ignore
  },
);
const readQuery = constantFrom(
  "",
  "",
  "",
  "resourceVersion=0",
  "resourceVersion=1",
  "resourceVersion=x",
  "resourceVersion=999999999999",
  "pretty=true",
  "unknown=1",
);

const accept = oneof(
  { weight: 12, arbitrary: constant(undefined) },
  {
    weight: 1,
    arbitrary: constantFrom(
      "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json",
      "application/json", "*/*", "text/html", "application/json;as=Nonsense;g=meta.k8s.io;v=v1", "application/json;as=Table;g=meta.k8s.io;v=v9", "text/plain, application/json",
    ), // prettier-ignore
  },
);

function document(kind: ComparedKind, name: string, fields: JsonDocument): JsonDocument {
  return { apiVersion: kind.group === "" ? kind.version : `${kind.group}/${kind.version}`, kind: kind.kind, metadata: { name }, ...fields };
}

const withAccept = (operation: Operation, form: string | undefined): Operation => (form === undefined ? operation : { ...operation, accept: form });

function create(kind: ComparedKind): Arbitrary<Operation> {
  return tuple(names, kind.fields, changes(kind, 3), writeQuery, accept).map(([name, fields, made, query, form]) =>
    withAccept({ method: "POST", query, contentType: "application/json", body: document(kind, name, fields), changes: made }, form),
  );
}

function replace(kind: ComparedKind): Arbitrary<Operation> {
  return tuple(anyName, kind.fields, changes(kind, 2), writeQuery, nat(11), accept).map(([name, fields, made, query, chance, form]) =>
    withAccept(
      {
        method: "PUT",
        name,
        query,
        contentType: "application/json",
        changes: made,
        ...(chance < 6 ? { onStored: true, body: fields } : { body: document(kind, name, fields) }),
        ...(chance === 0 || chance === 11 ? { subresource: "status" } : {}),
      },
      form,
    ),
  );
}

const pointer = (path: Path): string => path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");

function jsonPatch(kind: ComparedKind): Arbitrary<Json> {
  const step = tuple(
    oneof(metadataChange, ownChange(kind)),
    constantFrom("add", "add", "replace", "replace", "remove", "test", "copy", "move", "nonsense"),
  ).map(([{ path, value }, op]): Json =>
    op === "copy" || op === "move"
      ? { op, path: pointer(path), from: "/data/k" }
      : { op, path: pointer(path), ...(op === "remove" ? {} : { value: value ?? null }) },
  );
  return oneof(
    { weight: 10, arbitrary: array(step, { minLength: 1, maxLength: 3 }) },
    {
      weight: 1,
      arbitrary: constantFrom<Json>(
        [],
        {},
        null,
        [{}],
        [{ op: "add" }],
        [{ op: "add", path: "data", value: {} }],
        [{ op: "add", path: "", value: {} }],
        "x",
        [1],
      ),
    },
  );
}

function mergeDocument(kind: ComparedKind): Arbitrary<Json> {
  const made = tuple(kind.fields, array(oneof(metadataChange, ownChange(kind)), { maxLength: 3 })).map(([fields, all]) =>
    all.reduce<Json>((value, { path, value: next }) => withPath(value, path, next ?? null) ?? {}, fields),
  );
  return oneof(
    { weight: 10, arbitrary: made },
    { weight: 1, arbitrary: constantFrom<Json>({}, null, [], "x", 1, { metadata: null }, { kind: "Other" }, { apiVersion: "v9" }, { $patch: "delete" }, { data: { $patch: "replace", z: "1" } }, { metadata: { labels: { $patch: "delete" } } }, { data: { $retainKeys: ["k"] } }, { "metadata": { "$deleteFromPrimitiveList/finalizers": ["example.com/hold"] } }, { metadata: { "$setElementOrder/finalizers": ["example.com/two", "example.com/hold"], finalizers: ["example.com/two"] } }, { secrets: [{ name: "one", $patch: "delete" }] }, { imagePullSecrets: [{ $patch: "replace" }, { name: "r" }] }) },
  ); // prettier-ignore
}

function patch(kind: ComparedKind): Arbitrary<Operation> {
  const json = jsonPatch(kind).map((body) => ({ contentType: "application/json-patch+json", body }));
  const merge = mergeDocument(kind).map((body) => ({ contentType: "application/merge-patch+json", body }));
  const strategic = mergeDocument(kind).map((body) => ({ contentType: "application/strategic-merge-patch+json", body }));
  const other = constantFrom("application/json", "text/plain", "").map((contentType) => ({ contentType, body: {} as Json }));
  return tuple(
    oneof({ weight: 4, arbitrary: json }, { weight: 4, arbitrary: merge }, { weight: 4, arbitrary: strategic }, { weight: 1, arbitrary: other }),
    anyName,
    writeQuery,
    nat(12),
    accept,
  ).map(([sent, name, query, chance, form]) => withAccept({ method: "PATCH", name, query, ...sent, ...(chance === 0 ? { subresource: "status" } : {}) }, form));
}

const deleteOptions = oneof(
  { weight: 3, arbitrary: constant(undefined) },
  {
    weight: 3,
    arbitrary: constantFrom<Json>(
      {}, { propagationPolicy: "Foreground" }, { propagationPolicy: "Background" }, { propagationPolicy: "Orphan" }, { propagationPolicy: "x" }, { orphanDependents: true },
      { orphanDependents: false }, { orphanDependents: true, propagationPolicy: "Foreground" }, { preconditions: { uid: "§uid" } }, { preconditions: { uid: "other" } },
      { preconditions: { resourceVersion: "§version" } }, { preconditions: { resourceVersion: "§stale" } }, { preconditions: {} }, { preconditions: null }, { preconditions: 1 },
      { gracePeriodSeconds: 0 }, { gracePeriodSeconds: 30 }, { gracePeriodSeconds: -1 }, { gracePeriodSeconds: "x" }, { dryRun: ["All"] }, { dryRun: ["x"] }, { kind: "DeleteOptions", apiVersion: "v1" },
      { kind: "Other", apiVersion: "v1" }, { nope: 1 }, [], null, "x",
    ), // prettier-ignore
  },
);

function remove(): Arbitrary<Operation> {
  const query = oneof(
    { weight: 4, arbitrary: constant("") },
    { weight: 1, arbitrary: constantFrom("propagationPolicy=Foreground", "propagationPolicy=Orphan", "propagationPolicy=x", "dryRun=All", "gracePeriodSeconds=0", "gracePeriodSeconds=x", "orphanDependents=true") },
  ); // prettier-ignore
  return tuple(anyName, deleteOptions, query, accept).map(([name, body, text, form]) =>
    withAccept({ method: "DELETE", name, query: text, ...(body === undefined ? {} : { body, contentType: "application/json" }) }, form),
  );
}

function selectors(kind: ComparedKind): Arbitrary<string> {
  const label = constantFrom("tier=front", "tier==back", "tier!=front", "tier", "!tier", "tier in (front,back)", "tier notin (front)", "tier=front,n=1", "tier=", "((", "tier in ()", "tier=a=b", "-=x", "tier>1", "example.com/x=", "tier in (front", "x y", "tier=!!", ",", "tier in (a,,b)"); // prettier-ignore
  const parameters = tuple(
    oneof({ weight: 3, arbitrary: constant("") }, { weight: 2, arbitrary: label.map((text) => `labelSelector=${encodeURIComponent(text)}`) }),
    oneof({ weight: 4, arbitrary: constant("") }, { weight: 2, arbitrary: constantFrom(...kind.fieldSelectors, "metadata.name", "x=y", "metadata.name=a,,", "metadata.name=a\\,b").map((text) => `fieldSelector=${encodeURIComponent(text)}`) }),
  ); // prettier-ignore
  return parameters.map((parts) => parts.filter((part) => part !== "").join("&"));
}

function list(kind: ComparedKind): Arbitrary<Operation> {
  const page = oneof(
    { weight: 4, arbitrary: constant("") },
    { weight: 3, arbitrary: constantFrom("limit=1", "limit=2", "limit=0", "limit=-1", "limit=x", "limit=1&continue=§continue", "limit=5&continue=§continue", "continue=x", "continue=§continue", "limit=1&resourceVersion=0", "resourceVersion=0", "resourceVersion=1", "resourceVersion=x", "resourceVersion=999999999999", "resourceVersionMatch=Exact", "resourceVersionMatch=x", "resourceVersion=0&resourceVersionMatch=Exact", "resourceVersion=0&resourceVersionMatch=NotOlderThan", "continue=§continue&resourceVersion=5", "sendInitialEvents=true", "sendInitialEvents=false", "timeoutSeconds=x",  "watch=false", "allowWatchBookmarks=x") },
  ); // prettier-ignore
  return tuple(selectors(kind), page, accept).map(([selection, text, form]) =>
    withAccept({ method: "GET", query: [selection, text].filter((part) => part !== "").join("&") }, form),
  );
}

function deleteCollection(kind: ComparedKind): Arbitrary<Operation> {
  return tuple(selectors(kind), deleteOptions).map(([query, body]) => ({
    method: "DELETE",
    query,
    ...(body === undefined ? {} : { body, contentType: "application/json" }),
  }));
}

const get: Arbitrary<Operation> = tuple(anyName, readQuery, accept).map(([name, query, form]) => withAccept({ method: "GET", name, query }, form));

/** What no client of Kubernetes would send. */
function odd(kind: ComparedKind): Arbitrary<Operation> {
  const raw = constantFrom("", "{", "[]", "null", "5", '"x"', "{}", "\ufeff{}", '{"metadata":{"name":"a"},"metadata":{"name":"b"}}', '{"kind":"Other"}', '{"apiVersion":"v9"}', "a: b", "\u0000", '{"a":1e999}', '{"metadata":{"name":"a"}} x', '{"metadata":{"name":"a","name":"b"},"data":{"k":"1","k":"2"}}'); // prettier-ignore
  const contentType = constantFrom(
    "application/json",
    "application/json",
    "application/json; charset=utf-8",
    "text/plain",
    "application/octet-stream",
    "application/yaml",
    "x/y",
  );
  const sent = tuple(constantFrom("POST", "PUT", "PATCH", "DELETE"), constantFrom(undefined, "a"), raw, contentType, writeQuery).map(
    ([method, name, text, type, query]): Operation => ({
      method,
      query,
      raw: text,
      contentType: method === "PATCH" ? "application/merge-patch+json" : type,
      ...(name === undefined ? {} : { name }),
    }),
  );
  const bare = tuple(constantFrom("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"), constantFrom("", "status", "scale", "nope", "status/x"), constantFrom("a", "zz")).map(
    ([method, subresource, name]): Operation => ({ method, name, query: "", ...(subresource === "" ? {} : { subresource }), ...(method === "GET" || method === "HEAD" || method === "OPTIONS" ? {} : { body: document(kind, name, {}), contentType: method === "PATCH" ? "application/merge-patch+json" : "application/json" }) }),
  ); // prettier-ignore
  return oneof(sent, bare);
}

function operation(kind: ComparedKind): Arbitrary<Operation> {
  return oneof(
    { weight: 7, arbitrary: create(kind) },
    { weight: 5, arbitrary: replace(kind) },
    { weight: 8, arbitrary: patch(kind) },
    { weight: 3, arbitrary: remove() },
    { weight: 3, arbitrary: list(kind) },
    { weight: 1, arbitrary: deleteCollection(kind) },
    { weight: 1, arbitrary: get },
    { weight: 1, arbitrary: odd(kind) },
  );
}

/** Begins with two objects, so that what follows has something to meet. */
export function operations(kind: ComparedKind, most: number): Arbitrary<readonly Operation[]> {
  const first = (name: string): Arbitrary<Operation> =>
    kind.fields.map((fields) => ({ method: "POST", query: "", contentType: "application/json", body: document(kind, name, fields) }));
  return tuple(first("a"), first("b"), array(operation(kind), { minLength: 1, maxLength: most })).map(([a, b, rest]) => [a, b, ...rest]);
}

import { afterAll, beforeAll, expect, test } from "vitest";
import type { KubeClient } from "@threeport/client";
import { describeWithKubernetes, startApiServer, type TestApiServer } from "@threeport/cluster/testing";
import { PlatformError } from "@threeport/resource";
import { openTestControlPlane, type TestControlPlane } from "./testing/test-control-plane.ts";

// Lists and watches with every sort of parameters, at our server and at the real kube-apiserver: what comes back must be the same.

const namespace = "reading";
const path = `/api/v1/namespaces/${namespace}/configmaps`;
/** Stands for the version of the first list of the server that is asked. */
const listed = "LISTED";

/** Parameters of a GET on the collection; watches end by themselves. */
const queries: readonly string[] = [
  "",
  "resourceVersion=0",
  `resourceVersion=${listed}`,
  "resourceVersion=999999999",
  "resourceVersion=999999999&resourceVersionMatch=Exact",
  "resourceVersion=999999999&resourceVersionMatch=NotOlderThan",
  "resourceVersionMatch=Exact",
  "resourceVersionMatch=NotOlderThan",
  "resourceVersionMatch=Foo",
  "resourceVersionMatch=Foo&resourceVersion=1",
  "resourceVersionMatch=Exact&resourceVersion=0",
  `resourceVersionMatch=Exact&resourceVersion=${listed}`,
  `resourceVersionMatch=NotOlderThan&resourceVersion=${listed}`,
  "resourceVersionMatch=NotOlderThan&resourceVersion=0",
  `resourceVersionMatch=Exact&resourceVersion=${listed}&limit=2`,
  `limit=2&resourceVersion=${listed}`,
  "limit=2",
  "limit=0",
  "limit=5",
  "limit=4&labelSelector=n",
  "limit=5&labelSelector=n",
  "continue=abc&resourceVersionMatch=Exact&resourceVersion=5",
  "sendInitialEvents=true",
  "sendInitialEvents=false",
  "sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
  "labelSelector=n in (1,2)",
  "labelSelector=!n",
  "labelSelector=n notin (1)",
  "fieldSelector=metadata.name=c1",
  "fieldSelector=metadata.name!=c1",
  "fieldSelector=metadata.name=nobody",
  "fieldSelector=metadata.namespace=other",
  "watch=true",
  "watch=1",
  "watch=true&resourceVersion=0",
  `watch=true&resourceVersion=${listed}`,
  "watch=true&resourceVersion=1",
  "watch=true&labelSelector=n=1",
  "watch=true&fieldSelector=metadata.name=c1",
  "watch=true&limit=2",
  "watch=true&sendInitialEvents=true",
  "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
  "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true",
  "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion=0",
  `watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion=${listed}`,
  "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&labelSelector=n=1",
  "watch=true&sendInitialEvents=true&resourceVersionMatch=Exact",
  "watch=true&sendInitialEvents=false&resourceVersionMatch=NotOlderThan",
  `watch=true&sendInitialEvents=false&resourceVersionMatch=NotOlderThan&resourceVersion=${listed}`,
  "watch=true&sendInitialEvents=false",
  "watch=true&resourceVersionMatch=NotOlderThan",
  "watch=true&resourceVersionMatch=Exact",
  "watch=true&resourceVersionMatch=Foo&sendInitialEvents=true",
  "watch=true&continue=abc",
];

const partial = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
const partialList = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
const table = "application/json;as=Table;v=v1;g=meta.k8s.io";

/** What is accepted, for an object, a list and a watch. */
const accepts: readonly string[] = [
  "*/*",
  "text/html,*/*",
  "text/plain",
  "application/json;charset=utf-8",
  "text/plain;q=0.9,application/json;q=0.1",
  table,
  `${table.replace("v=v1", "v=v2")},application/json`,
  "application/json;as=Table",
  partial,
  partialList,
  `${partial},application/json`,
  `${partialList},application/json`,
  "application/json;as=Foo;v=v1;g=meta.k8s.io",
];

/** Where we answer otherwise, on purpose; that it is so is checked too. */
const differs: ReadonlyMap<string, string> = new Map([
  [`GET list Accept ${partialList.replace("List", "")},application/json`, "upstream does not try the next type when the first has the wrong number"],
  [`GET one Accept ${partialList},application/json`, "upstream does not try the next type when the first has the wrong number"],
  [`GET watch Accept ${partialList}`, "upstream answers 200 and then nothing"],
  [`GET watch Accept ${partialList},application/json`, "upstream answers 200 and then nothing"],
]);

describeWithKubernetes("lists and watches are those of Kubernetes", () => {
  let theirs: TestApiServer;
  let ours: TestControlPlane;
  const versions = new Map<KubeClient, string>();
  beforeAll(async () => {
    [theirs, ours] = await Promise.all([startApiServer(), openTestControlPlane()]);
    for (const client of [ours.client, theirs.client]) {
      await client.request("/api/v1/namespaces", { method: "POST", body: { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } } });
      for (let n = 0; n < 5; n++) {
        const metadata = { name: `c${n}`, ...(n === 4 ? {} : { labels: { n: String(n) } }) };
        await client.request(path, { method: "POST", body: { apiVersion: "v1", kind: "ConfigMap", metadata, data: { a: "b" } } });
      }
      versions.set(client, ((await client.request(path)).body as { metadata: { resourceVersion: string } }).metadata.resourceVersion);
    }
  });
  afterAll(async () => {
    await ours?.[Symbol.asyncDispose]();
    await theirs?.[Symbol.asyncDispose]();
  });

  /** What a client sees, without what must differ: versions, identities, times. */
  async function answer(client: KubeClient, url: string, accept?: string): Promise<string> {
    try {
      const { status, body } = await client.raw(url, accept === undefined ? {} : { headers: { accept } });
      const chunks: Uint8Array[] = [];
      for await (const chunk of body) chunks.push(chunk);
      // When bookmarks come is a server's own choice, but for the one that ends the state.
      const lines = Buffer.concat(chunks)
        .toString("utf8")
        .trim()
        .split("\n")
        .filter((line) => line !== "");
      const seen = lines
        .map((line) => JSON.parse(line) as Seen)
        .filter((event) => event.type !== "BOOKMARK" || event.object?.metadata?.annotations !== undefined);
      return `${status} ${seen.map(summary).join(" | ")}`;
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      const { httpStatus, reason } = error.detail as { httpStatus: number; reason: string };
      const told = error.causes.map((cause) => `${cause.field ?? ""} ${cause.reason ?? ""} ${cause.message}`).join(", ");
      const again = error.retryAfterSeconds === undefined ? "" : " and may come back";
      return `${httpStatus} ${reason}${httpStatus === 422 ? ` ${error.message}` : ""} [${told}]${again}`;
    }
  }

  async function compare(name: string, url: string, accept?: string): Promise<string | undefined> {
    const [a, b] = await Promise.all([ours.client, theirs.client].map((client) => answer(client, url.replaceAll(listed, versions.get(client) ?? ""), accept)));
    const wanted = differs.has(name) ? a !== b : a === b;
    return wanted ? undefined : `${name}${differs.has(name) ? " does not differ any more" : ""}\n  ours   ${a}\n  theirs ${b}`;
  }

  test("whatever parameters are combined", { timeout: 60_000 }, async () => {
    const found = await Promise.all(queries.map((query) => compare(`GET ?${query}`, `${path}?${encodeURI(query)}&timeoutSeconds=1`)));
    expect(found.filter((difference) => difference !== undefined).join("\n")).toBe("");
  });

  test("whatever form is accepted", { timeout: 60_000 }, async () => {
    const places: readonly [string, string][] = [
      ["one", `${path}/c1`],
      ["list", path],
      ["watch", `${path}?watch=true&timeoutSeconds=1`],
    ];
    const found = await Promise.all(accepts.flatMap((accept) => places.map(([place, url]) => compare(`GET ${place} Accept ${accept}`, url, accept))));
    expect(found.filter((difference) => difference !== undefined).join("\n")).toBe("");
  });
});

interface Seen {
  readonly type?: string;
  readonly object?: Seen;
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly metadata?: { readonly name?: string; readonly continue?: string; readonly remainingItemCount?: number; readonly annotations?: object };
  readonly items?: readonly Seen[];
  readonly rows?: readonly { readonly cells: readonly unknown[]; readonly object?: Seen }[];
  readonly columnDefinitions?: readonly { readonly name: string }[] | null;
}

function summary(seen: Seen): string {
  if (seen.type !== undefined) return `${seen.type} ${summary(seen.object ?? {})} ${JSON.stringify(seen.object?.metadata?.annotations ?? {})}`;
  const { metadata } = seen;
  const parts = [
    seen.kind,
    seen.apiVersion,
    metadata?.name,
    metadata?.continue === undefined || metadata.continue === "" ? "" : "goes on",
    metadata?.remainingItemCount,
  ];
  if (seen.items !== undefined) parts.push(`[${seen.items.map((item) => item.metadata?.name ?? "").join(", ")}]`);
  if (seen.rows !== undefined) parts.push(`[${seen.rows.map((row) => `${String(row.cells[0])} ${row.object?.kind ?? ""}`).join(", ")}]`);
  if (seen.columnDefinitions !== undefined) parts.push(String(seen.columnDefinitions?.map((column) => column.name).join()));
  return parts.filter((part) => part !== undefined && part !== "").join(" ");
}

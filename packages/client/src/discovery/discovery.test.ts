import { describe, expect, test } from "vitest";
import { systemClock, type Clock } from "@threeport/platform";
import { isErrorCode } from "@threeport/resource";
import { createClient } from "../create-client.ts";
import { failure, json, scriptedServer, type Script } from "../testing/scripted-server.ts";

const deployments = {
  resource: "deployments",
  responseKind: { group: "", version: "", kind: "Deployment" },
  scope: "Namespaced",
  singularResource: "deployment",
  verbs: ["get", "list", "watch"],
  shortNames: ["deploy"],
  categories: ["all"],
  subresources: [{ subresource: "scale" }, { subresource: "status" }],
};
const pods = { resource: "pods", responseKind: { kind: "Pod" }, scope: "Namespaced", singularResource: "pod", verbs: ["get"], shortNames: ["po"] };
const nodes = { resource: "nodes", responseKind: { kind: "Node" }, scope: "Cluster", singularResource: "node", verbs: ["get"], shortNames: ["no"] };
const metricsPods = { resource: "pods", responseKind: { kind: "PodMetrics" }, scope: "Namespaced", singularResource: "", verbs: ["get"] };

const aggregated: Script = ({ path, headers }, answer) => {
  if (!headers.accept?.includes("g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"))
    return json(answer, 406, failure(406, "NotAcceptable", "only aggregated"));
  const items =
    path === "/api"
      ? [{ metadata: {}, versions: [{ version: "v1", resources: [pods, nodes] }] }]
      : [
          {
            metadata: { name: "apps" },
            versions: [
              { version: "v1", resources: [deployments] },
              { version: "v1beta1", resources: [deployments] },
            ],
          },
          { metadata: { name: "metrics.k8s.io" }, versions: [{ version: "v1beta1", resources: [metricsPods] }] },
          { metadata: { name: "broken.example" }, versions: [{ version: "v1", freshness: "Stale" }] },
        ];
  json(
    answer,
    200,
    { kind: "APIGroupDiscoveryList", apiVersion: "apidiscovery.k8s.io/v2", metadata: {}, items },
    { "content-type": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList" },
  );
};

const legacy: Script = ({ path }, answer) => {
  const list = (resources: object[]) => json(answer, 200, { kind: "APIResourceList", resources });
  if (path === "/api") return json(answer, 200, { kind: "APIVersions", versions: ["v1"] });
  if (path === "/apis") {
    const versions = (...names: string[]) => names.map((version) => ({ groupVersion: version, version }));
    return json(answer, 200, {
      kind: "APIGroupList",
      groups: [
        { name: "apps", versions: versions("v1beta1", "v1"), preferredVersion: { version: "v1" } },
        { name: "metrics.k8s.io", versions: versions("v1beta1") },
        { name: "broken.example", versions: versions("v1") },
      ],
    });
  }
  if (path === "/api/v1")
    return list([
      { name: "pods", kind: "Pod", singularName: "pod", namespaced: true, verbs: ["get"], shortNames: ["po"] },
      { name: "pods/log", kind: "Pod", namespaced: true, verbs: ["get"] },
      { name: "nodes", kind: "Node", namespaced: false, verbs: ["get"], shortNames: ["no"] },
    ]);
  if (path.startsWith("/apis/apps/"))
    return list([
      {
        name: "deployments",
        kind: "Deployment",
        singularName: "deployment",
        namespaced: true,
        verbs: ["get", "list", "watch"],
        shortNames: ["deploy"],
        categories: ["all"],
      },
      { name: "deployments/scale", kind: "Scale", namespaced: true, verbs: ["get"] },
      { name: "deployments/status", kind: "Deployment", namespaced: true, verbs: ["get"] },
    ]);
  if (path === "/apis/metrics.k8s.io/v1beta1") return list([{ name: "pods", kind: "PodMetrics", namespaced: true, verbs: ["get"] }]);
  json(answer, 503, failure(503, "ServiceUnavailable", "the server is currently unable to handle the request"));
};

describe.each([
  { way: "aggregated discovery", script: aggregated, requests: 2 },
  { way: "a request for each group version, where that is all the server has", script: legacy, requests: 2 + 2 + 5 },
])("$way", ({ script, requests }) => {
  test("gives kinds, names, scopes and subresources, once for all calls", async () => {
    await using server = await scriptedServer(script);
    await using client = createClient({ server: server.url });
    const [discovery] = await Promise.all([client.discover(), client.discover(), client.discover()]);
    await client.discover();
    expect(server.seen).toHaveLength(requests);
    expect(discovery.byKind("apps/v1", "Deployment")).toMatchObject({
      resource: "deployments",
      namespaced: true,
      subresources: ["scale", "status"],
      categories: ["all"],
    });
    expect(discovery.byKind("v1", "Node")).toMatchObject({ resource: "nodes", namespaced: false });
    expect(discovery.byKind("v1", "Deployment")).toBeUndefined();
    expect(discovery.failures.map(({ group }) => group)).toEqual(["broken.example"]);
  });

  test.each([
    { name: "deploy", finds: ["v1/deployments"], because: "the server prefers v1" },
    { name: "Deployment", finds: ["v1/deployments"], because: "case does not matter to people" },
    { name: "deployments.apps", finds: ["v1/deployments"], because: "a group can be named" },
    { name: "deployments.v1beta1.apps", finds: ["v1beta1/deployments"], because: "a version can be named" },
    { name: "po", finds: ["v1/pods"], because: "short names" },
    { name: "pods", finds: ["v1/pods", "v1beta1/pods"], because: "two groups have it, core first" },
    { name: "pods.v1", finds: ["v1/pods"], because: "the core group has no name" },
    { name: "nothing", finds: [], because: "there is none" },
  ])("finds $name: $because", async ({ name, finds }) => {
    await using server = await scriptedServer(script);
    await using client = createClient({ server: server.url });
    expect((await client.discover()).find(name).map(({ version, resource }) => `${version}/${resource}`)).toEqual(finds);
  });
});

describe("a kind that is not known", () => {
  const later: Clock = { ...systemClock, monotonic: () => performance.now() * 1e6 }; // every look-up is a long time after the one before

  test("D3: is looked for again, because it may have been installed since", async () => {
    let installed = false;
    await using server = await scriptedServer((seen, answer) => {
      if (!installed) return aggregated(seen, answer);
      const items =
        seen.path === "/api"
          ? []
          : [
              {
                metadata: { name: "example.com" },
                versions: [{ version: "v1", resources: [{ resource: "widgets", responseKind: { kind: "Widget" }, scope: "Namespaced" }] }],
              },
            ];
      json(answer, 200, { kind: "APIGroupDiscoveryList", items });
    });
    await using client = createClient({ server: server.url }, { clock: later });
    await client.discover();
    installed = true;
    const path = await client.resourcePath({ group: "example.com", version: "v1", kind: "Widget" }, "shop", "w1", "status");
    expect(path).toBe("/apis/example.com/v1/namespaces/shop/widgets/w1/status");
  });

  test("is an error that says what is served instead", async () => {
    await using server = await scriptedServer(aggregated);
    await using client = createClient({ server: server.url });
    const error = await client.get({ apiVersion: "extensions/v1beta1", kind: "Deployment", namespace: "a", name: "b" }).catch((thrown: unknown) => thrown);
    expect(isErrorCode(error, "TP_KIND_UNKNOWN")).toBe(true);
    expect((error as Error).message).toContain("it serves Deployment as apps/v1, apps/v1beta1; correct apiVersion");
  });

  test("D3: is not called unknown while its group cannot be read", async () => {
    await using server = await scriptedServer(legacy);
    await using client = createClient({ server: server.url });
    const error = await client.get({ apiVersion: "broken.example/v1", kind: "Thing", namespace: "a", name: "b" }).catch((thrown: unknown) => thrown);
    expect(isErrorCode(error, "TP_UNAVAILABLE")).toBe(true);
  });

  test("D2: a round that fails leaves what is known in place", async () => {
    let broken = false;
    await using server = await scriptedServer((seen, answer) => (broken ? json(answer, 500, failure(500, "InternalError", "no")) : aggregated(seen, answer)));
    await using client = createClient({ server: server.url });
    const discovery = await client.discover();
    broken = true;
    await expect(discovery.refresh()).rejects.toThrow("no");
    expect(await client.resourcePath({ group: "", version: "v1", kind: "Node" })).toBe("/api/v1/nodes");
  });

  test("that was removed is told apart from an object that is not there", async () => {
    await using server = await scriptedServer((seen, answer) => {
      if (!seen.path.includes("namespaces")) return aggregated(seen, answer);
      if (seen.path.endsWith("/gone")) return void answer.writeHead(404, { "content-type": "text/plain" }).end("404 page not found\n");
      json(answer, 404, failure(404, "NotFound", 'deployments.apps "x" not found', { name: "x", kind: "deployments" }));
    });
    await using client = createClient({ server: server.url });
    const target = { apiVersion: "apps/v1", kind: "Deployment", namespace: "a" };
    expect(isErrorCode(await client.get({ ...target, name: "x" }).catch((thrown: unknown) => thrown), "TP_NOT_FOUND")).toBe(true);
    expect(isErrorCode(await client.get({ ...target, name: "gone" }).catch((thrown: unknown) => thrown), "TP_KIND_UNKNOWN")).toBe(true);
  });
});

test("a round that its only caller has left may fail: nobody has to hear of it", async () => {
  await using server = await scriptedServer(() => {}); // it never answers
  const unheard: unknown[] = [];
  const onUnheard = (error: unknown): void => void unheard.push(error);
  process.on("unhandledRejection", onUnheard);
  try {
    const client = createClient({ server: server.url });
    await expect(client.discover({ signal: AbortSignal.abort(new Error("left")) })).rejects.toThrow("left");
    await client[Symbol.asyncDispose](); // ends the round
    await new Promise((resolve) => void setImmediate(resolve)); // when Node tells of promises that failed unheard
    expect(unheard).toEqual([]);
  } finally {
    process.off("unhandledRejection", onUnheard);
  }
});

// Support services from the need of a workload to the cluster and back, over simulated clusters.
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemRandom } from "@threeport/platform";
import { isErrorCode, type KubeObject, type StoredObject } from "@threeport/resource";
import { deployment, namespaceDocument, openDefinition } from "@threeport/cluster/testing";
import { until } from "@threeport/engine/testing";
import { environment, instance, instances, openTestControlPlane, runtimes, type Kind, type TestControlPlane } from "@threeport/server/testing";
import { startSimulation, workloadControllers, type Simulation } from "@threeport/sim";
import type { Dependency } from "@threeport/module-dependency";
import type { WorkloadInstance } from "@threeport/module-workload";
import type { SupportServiceDefinition, SupportServiceInstance } from "./index.ts";

const group = "threeport.io/v1alpha1";
const gatewayApi = "gateway.networking.k8s.io/v1";
const dependencies: Kind = { apiVersion: group, kind: "Dependency", namespaced: true };
const services: Kind = { apiVersion: group, kind: "SupportServiceInstance", namespaced: false };
const definitions: Kind = { apiVersion: group, kind: "SupportServiceDefinition", namespaced: false };

const crds = [
  openDefinition({ group: "gateway.networking.k8s.io", version: "v1", kind: "GatewayClass", scope: "Cluster" }),
  openDefinition({ group: "gateway.networking.k8s.io", version: "v1", kind: "Gateway" }),
  openDefinition({ group: "gateway.networking.k8s.io", version: "v1", kind: "HTTPRoute" }),
];
/** As a project publishes it; a `${` in it is its own. */
const file = [
  namespaceDocument("gateways"),
  ...crds,
  { apiVersion: gatewayApi, kind: "GatewayClass", metadata: { name: "small" }, spec: { controllerName: "example.com/small" } },
  { apiVersion: gatewayApi, kind: "Gateway", metadata: { name: "main", namespace: "gateways" }, spec: { gatewayClassName: "small", listeners: [] } },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "entry", namespace: "gateways" },
    spec: { type: "LoadBalancer", ports: [{ port: 80 }], selector: { app: "proxy" } },
  },
  { ...deployment("gateways", "proxy"), metadata: { name: "proxy", namespace: "gateways", annotations: { note: "costs ${5}" } } },
]
  .map((document) => JSON.stringify(document))
  .join("\n---\n");
const sha256 = createHash("sha256").update(file).digest("hex");
const all = "{'namespaces': {'from': 'All'}}";

const gatewaySpec = {
  service: "gateway",
  version: "1",
  manifests: [{ url: "https://example.com/gateway/1/all.yaml", sha256 }],
  patches: [
    {
      kind: "Gateway",
      name: "main",
      merge: {
        spec: {
          listeners:
            `\${[{'name': 'http', 'port': 80, 'protocol': 'HTTP', 'allowedRoutes': ${all}}] + ` +
            `certificates.map(c, {'name': c.name, 'hostname': c.host, 'port': 443, 'protocol': 'HTTPS', 'tls': {'certificateRefs': [{'name': c.secret}]}, 'allowedRoutes': ${all}})}`,
        },
      },
    },
    { kind: "CustomResourceDefinition", merge: { metadata: { annotations: { "threeport.io/deletion-policy": "orphan" } } } },
  ],
  existing: {
    apiVersion: gatewayApi,
    kind: "Gateway",
    when: "${found.metadata.name != 'unfit'}",
    outputs: { name: "${found.metadata.name}", namespace: "${found.metadata.namespace}" },
  },
  certificates: { hosts: "${users.map(user, user.values.host)}", namespace: "gateways" },
  observe: { entry: { apiVersion: "v1", kind: "Service", namespace: "gateways", name: "entry" } },
  outputs: { name: "main", namespace: "gateways", address: "${observed.entry.status.loadBalancer.ingress[0].ip}" },
  gracePeriodSeconds: 0,
};

let simulation: Simulation;
let plane: TestControlPlane;
let mirror: string;
beforeAll(async () => {
  mirror = await mkdtemp(join(tmpdir(), "threeport-mirror-"));
  await mkdir(join(mirror, "example.com/gateway/1"), { recursive: true });
  await writeFile(join(mirror, "example.com/gateway/1/all.yaml"), file);
  simulation = await startSimulation({ factor: 20, controllers: workloadControllers });
  plane = await openTestControlPlane({ mirror });
  for (const name of ["one", "two"]) {
    await plane.addRuntime(name, (await simulation.addCluster(name)).kubeconfig);
    await plane.ready(runtimes, name);
  }
  await plane.create({ apiVersion: group, kind: "SupportServiceDefinition", metadata: { name: "small-gateway" }, spec: gatewaySpec } as KubeObject);
});
afterAll(async () => {
  await plane?.[Symbol.asyncDispose]();
  await simulation?.[Symbol.asyncDispose]();
  await rm(mirror, { recursive: true, force: true });
});

type Live = StoredObject & { spec: Record<string, unknown>; data?: Record<string, string> };
const live = async (cluster: string, apiVersion: string, kind: string, namespace: string, name: string): Promise<Live | undefined> =>
  simulation.clusters.get(cluster)?.objects.get<Live>({ apiVersion, kind, namespace, name });
const fresh = (prefix: string): string => `${prefix}${systemRandom.suffix(5)}`;

async function place(runtime: string, spec: object = {}): Promise<string> {
  const name = fresh("env");
  const made = environment(name, runtime);
  await plane.create({ ...made, spec: { ...(made["spec"] as object), ...spec } } as KubeObject);
  return name;
}

interface Web {
  readonly env: string;
  readonly port?: number;
  readonly host?: string;
}

async function web(name: string, { env, port = 80, host }: Web): Promise<void> {
  const document = {
    apiVersion: "score.dev/v1b1",
    metadata: { name },
    service: { ports: { web: { port, targetPort: 8080 } } },
    containers: { app: { image: "example.com/app:1", variables: { ADDRESS: host === undefined ? "${resources.dns.url}" : host } } },
    resources: {
      ...(host === undefined ? { dns: { type: "dns" } } : {}),
      route: { type: "route", params: { host: host ?? "${resources.dns.host}", path: "/", port: "web" } },
    },
  };
  await plane.create({ apiVersion: group, kind: "WorkloadDefinition", metadata: { name, namespace: "default" }, spec: { source: { score: { document } } } });
  await plane.create(instance(name, name, { environment: env }));
}

const setGone = (cluster: string): Promise<boolean> =>
  until("the gateway to go", async () => (await live(cluster, "apps/v1", "Deployment", "gateways", "proxy")) === undefined);

test("the first route installs the gateway, others share it, each host has its certificate, and the last one takes it along", { timeout: 90_000 }, async () => {
  const env = await place("one", { baseDomain: "dev.example.com" });
  const [first, second] = [fresh("shop"), fresh("blog")];
  expect(await plane.get(services, "gateway.one")).toBeUndefined();
  await web(first, { env });
  await plane.ready<WorkloadInstance>(instances, first);
  const host = `${first}-dns-default-${env}.dev.example.com`;
  const made = await plane.ready<SupportServiceInstance>(services, "gateway.one");
  expect(made.spec).toMatchObject({ definition: "small-gateway", origin: "Installed" });
  expect(made.status).toMatchObject({
    version: "1",
    users: [`default/${env}.route.${first}.route`],
    outputs: { name: "main", namespace: "gateways", address: "192.0.2.1" },
  });
  // What stands in the file is not evaluated.
  expect((await live("one", "apps/v1", "Deployment", "gateways", "proxy"))?.metadata.annotations?.["note"]).toBe("costs ${5}");
  const route = await plane.ready<Dependency>(dependencies, `${env}.route.${first}.route`);
  const object = await live("one", gatewayApi, "HTTPRoute", `default-${env}`, `${first}-route-route`);
  expect(object?.spec).toMatchObject({
    hostnames: [host],
    parentRefs: [{ name: "main", namespace: "gateways" }],
    rules: [{ matches: [{ path: { type: "PathPrefix", value: "/" } }], backendRefs: [{ name: first, port: 80 }] }],
  });
  expect(route.status?.services).toEqual([{ instance: "gateway.one", values: { host } }]);
  const { body: tree } = await plane.client.request(`/apis/${group}/namespaces/default/dependencies/${env}.route.${first}.route/tree`);
  expect(tree).toMatchObject({ root: { kind: "Dependency", children: [{ kind: "SupportServiceInstance", name: "gateway.one" }, { kind: "ResourceSet" }] } });

  await web(second, { env });
  await plane.ready(instances, second);
  const listeners = (await live("one", gatewayApi, "Gateway", "gateways", "main"))?.spec["listeners"] as {
    hostname?: string;
    tls?: { certificateRefs: { name: string }[] };
  }[];
  expect(listeners.map(({ hostname }) => hostname).toSorted()).toEqual([`${second}-dns-default-${env}.dev.example.com`, host, undefined].toSorted());
  const { X509Certificate } = await import("node:crypto");
  const secretName = listeners.find(({ hostname }) => hostname === host)?.tls?.certificateRefs[0]?.name ?? "";
  const pem = Buffer.from((await live("one", "v1", "Secret", "gateways", secretName))?.data?.["tls.crt"] ?? "", "base64").toString();
  expect(new X509Certificate(pem).subjectAltName).toBe(`DNS:${host}`);

  // In use: who would delete it is told by whom.
  await expect(plane.delete(services, "gateway.one")).rejects.toSatisfy((error) => isErrorCode(error, "TP_IN_USE") && /route/.test(String(error)));
  await expect(plane.delete(definitions, "small-gateway")).rejects.toSatisfy((error) => isErrorCode(error, "TP_IN_USE"));

  await plane.delete(instances, first);
  await plane.gone(instances, first);
  await until("one user to be left", async () => (await plane.get<SupportServiceInstance>(services, "gateway.one"))?.status?.users?.length === 1);
  expect(
    await live("one", "v1", "Secret", "gateways", secretName).then(
      async (left) =>
        left === undefined || until("its certificate to go", async () => (await live("one", "v1", "Secret", "gateways", secretName)) === undefined),
    ),
  ).toBe(true);
  await plane.delete(instances, second);
  await plane.gone(instances, second);
  await plane.gone(services, "gateway.one");
  await setGone("one");
  // Others may have objects of these kinds.
  expect(await live("one", "apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "httproutes.gateway.networking.k8s.io")).toBeDefined();
});

test(
  "a port of the service that changes is followed by its route; over plain HTTP one is sent to HTTPS where that is required",
  { timeout: 90_000 },
  async () => {
    const env = await place("one", { https: "Required" });
    const name = fresh("shop");
    await web(name, { env });
    await plane.ready(instances, name);
    const routeName = `${name}-route-route`;
    const spec = async (of: string) =>
      (await live("one", gatewayApi, "HTTPRoute", `default-${env}`, of))?.spec as {
        parentRefs: { port?: number }[];
        rules: { filters?: object[]; backendRefs?: { port: number }[] }[];
      };
    expect((await spec(routeName)).parentRefs).toMatchObject([{ port: 443 }]);
    expect(await spec(`${routeName}-https`)).toMatchObject({
      parentRefs: [{ port: 80 }],
      rules: [{ filters: [{ type: "RequestRedirect", requestRedirect: { scheme: "https" } }] }],
    });
    await plane.change<StoredObject & { spec: { source: { score: { document: { service: { ports: { web: { port: number } } } } } } } }>(
      { apiVersion: group, kind: "WorkloadDefinition", namespaced: true },
      name,
      (object) => {
        object.spec.source.score.document.service.ports.web.port = 8088;
      },
    );
    await until("the route to lead to the new port", async () => (await spec(routeName)).rules[0]?.backendRefs?.[0]?.port === 8088);
    await plane.delete(instances, name);
    await plane.gone(services, "gateway.one");
  },
);

test("a route that another profile meets lets the gateway go that it no longer needs", { timeout: 90_000 }, async () => {
  const env = await place("one");
  const [name, elsewhere] = [fresh("shop"), fresh("elsewhere")];
  await web(name, { env });
  await plane.ready(instances, name);
  const route = `${env}.route.${name}.route`;
  const spec = { type: "route", match: { environments: [env] }, withWorkload: true, provisioner: { static: {} } };
  await plane.create({ apiVersion: group, kind: "DependencyProfile", metadata: { name: elsewhere }, spec } as KubeObject);
  await plane.client.patch({ ...dependencies, namespace: "default", name: route }, { spec: { rematchTo: elsewhere } });
  const bound = await until("the other profile to meet it", async () => {
    const now = await plane.ready<Dependency>(dependencies, route);
    return now.spec.profile === elsewhere ? now : undefined;
  });
  expect(bound.status?.services).toBeUndefined();
  await plane.gone(services, "gateway.one");
  expect(await live("one", gatewayApi, "HTTPRoute", `default-${env}`, `${name}-route-route`)).toBeUndefined();
  await plane.ready(instances, name);
  await plane.delete(instances, name);
});

test("a gateway that the cluster had before is used and never touched", { timeout: 90_000 }, async () => {
  const cluster = simulation.clusters.get("two");
  for (const document of [...crds, namespaceDocument("theirs")]) await cluster?.objects.create(document);
  await until("the kinds to be served", async () =>
    cluster?.objects
      .apply({ apiVersion: gatewayApi, kind: "GatewayClass", metadata: { name: "theirs" }, spec: { controllerName: "example.com/theirs" } })
      .catch((error: unknown) => (isErrorCode(error, "TP_NOT_FOUND") ? undefined : Promise.reject(error as Error))),
  );
  const own = { gatewayClassName: "theirs", listeners: [{ name: "http", port: 80, protocol: "HTTP" }] };
  await cluster?.objects.create({ apiVersion: gatewayApi, kind: "Gateway", metadata: { name: "unfit", namespace: "theirs" }, spec: own });
  await cluster?.objects.create({ apiVersion: gatewayApi, kind: "Gateway", metadata: { name: "theirs", namespace: "theirs" }, spec: own });
  const env = await place("two");
  const name = fresh("shop");
  await web(name, { env, host: "shop.example.com" });
  await plane.ready(instances, name);
  const found = await plane.ready<SupportServiceInstance>(services, "gateway.two");
  expect(found.spec).toMatchObject({ origin: "Found", found: { namespace: "theirs", name: "theirs" } });
  expect(found.status?.conditions?.find(({ type }) => type === "Ready")?.message).toBe(
    "Gateway theirs/theirs was in the cluster already, and is used as it is",
  );
  expect((await live("two", gatewayApi, "HTTPRoute", `default-${env}`, `${name}-route-route`))?.spec["parentRefs"]).toMatchObject([
    { name: "theirs", namespace: "theirs" },
  ]);
  await plane.delete(instances, name);
  await plane.gone(services, "gateway.two");
  expect((await live("two", gatewayApi, "Gateway", "theirs", "theirs"))?.spec).toEqual(own);
});

test("what cannot be installed says why, from the workload on", { timeout: 60_000 }, async () => {
  const broken = { ...gatewaySpec, service: "metrics", existing: undefined, certificates: undefined, patches: [], outputs: {} };
  await plane.create({
    apiVersion: group,
    kind: "SupportServiceDefinition",
    metadata: { name: "broken" },
    spec: { ...broken, manifests: [{ url: "https://example.com/nothing.yaml", sha256: "f".repeat(64) }] },
  } as KubeObject);
  await plane.create({
    apiVersion: group,
    kind: "DependencyProfile",
    metadata: { name: "needs-metrics" },
    spec: { type: "needs-metrics", services: { metrics: {}, logging: {} }, provisioner: { static: {} } },
  } as KubeObject);
  const env = await place("one");
  const name = fresh("app");
  const document = {
    apiVersion: "score.dev/v1b1",
    metadata: { name },
    containers: { app: { image: "example.com/app:1" } },
    resources: { it: { type: "needs-metrics" } },
  };
  await plane.create({ apiVersion: group, kind: "WorkloadDefinition", metadata: { name, namespace: "default" }, spec: { source: { score: { document } } } });
  await plane.create(instance(name, name, { environment: env }));
  const says = (words: string): Promise<string> =>
    until(`it to say ${words}`, async () => {
      const { message } = await plane.reason(instances, name, "WaitingForDependency");
      if (message.includes(words)) return message;
      throw new Error(`it says ${message}`);
    });
  await says("waits for needs-metrics it: waits for logging of runtime one: there is no SupportServiceDefinition of service logging for runtime one");
  await plane.create({
    apiVersion: group,
    kind: "SupportServiceDefinition",
    metadata: { name: "logs" },
    spec: { service: "logging", version: "1", objects: [namespaceDocument("logs")] },
  } as KubeObject);
  await says("waits for metrics of runtime one: https://example.com/nothing.yaml is not in the mirror");
  await plane.change<SupportServiceDefinition>(definitions, "broken", (object) => {
    object.spec.manifests = [{ url: "https://example.com/gateway/1/all.yaml", sha256: "0".repeat(64) }];
  });
  await says(`https://example.com/gateway/1/all.yaml has the SHA-256 ${sha256}, and not 0000`);
  await plane.change<SupportServiceDefinition>(definitions, "broken", (object) => {
    object.spec.manifests = [{ url: "https://example.com/gateway/1/all.yaml", sha256 }];
    object.spec.patches = [{ kind: "Gateway", name: "other", omit: true }];
  });
  await says("SupportServiceDefinition broken: spec.patches[0]: there is no Gateway other in its manifests");
  await plane.change<SupportServiceDefinition>(definitions, "broken", (object) => {
    object.spec.patches = [];
    object.spec.objects = [namespaceDocument("metrics") as unknown as Record<string, unknown>];
    object.spec.manifests = [];
  });
  await plane.ready(instances, name);
  await plane.delete(instances, name);
  await plane.gone(instances, name);
});

test("a definition says what is wrong with it when it is written", async () => {
  const bad = (spec: object) => plane.create({ apiVersion: group, kind: "SupportServiceDefinition", metadata: { name: fresh("bad") }, spec } as KubeObject);
  await expect(bad({ service: "gateway", version: "1" })).rejects.toThrow(/spec: Required value: say what is installed/);
  await expect(bad({ service: "gateway", version: "1", manifests: [{ url: "http://example.com/x", sha256 }] })).rejects.toThrow(
    /spec.manifests\[0\].url: .*must be an https address/,
  );
  await expect(bad({ service: "gateway", version: "1", objects: [{ a: "${nothing}" }] })).rejects.toThrow(/spec.objects\[0\].a/);
  await expect(bad({ ...gatewaySpec, patches: [{ kind: "Gateway" }] })).rejects.toThrow(/spec.patches\[0\]: .*write merge, remove or omit/);
  const contour = await plane.get(definitions, "contour");
  const changed = { ...contour, spec: { ...(contour?.["spec"] as object), version: "2" } } as StoredObject;
  await expect(plane.client.update({ apiVersion: group, kind: "SupportServiceDefinition", name: "contour" }, changed)).rejects.toThrow(
    /comes with the control plane and cannot change/,
  );
});

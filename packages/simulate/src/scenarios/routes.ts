import { openDefinitionOf } from "./manifests.ts";
import { addRuntime, deploy, inCluster, isEmptied, isGone, isReady, ours, read, runs, setSource, target, type Scenario } from "./story.ts";

const gatewayApi = "gateway.networking.k8s.io/v1";
const all = "{'namespaces': {'from': 'All'}}";

/** A gateway as small as can be, with a listener for each host; what it consists of goes with its last user. */
const gateway = {
  service: "gateway",
  version: "1",
  objects: [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "gateways" } },
    ...[
      { kind: "GatewayClass", scope: "Cluster" },
      { kind: "Gateway", scope: "Namespaced" },
      { kind: "HTTPRoute", scope: "Namespaced" },
    ].map(({ kind, scope }) => openDefinitionOf("gateway.networking.k8s.io", { kind, scope })),
    { apiVersion: gatewayApi, kind: "GatewayClass", metadata: { name: "small" }, spec: { controllerName: "example.com/small" } },
    {
      apiVersion: gatewayApi,
      kind: "Gateway",
      metadata: { name: "main", namespace: "gateways" },
      spec: {
        gatewayClassName: "small",
        listeners:
          `\${[{'name': 'http', 'port': 80, 'protocol': 'HTTP', 'allowedRoutes': ${all}}] + ` +
          `users.map(u, {'name': 'to-' + u.values.host.split('.')[0], 'hostname': u.values.host, 'port': 80, 'protocol': 'HTTP', 'allowedRoutes': ${all}})}`,
      },
    },
  ],
  outputs: { name: "main", namespace: "gateways" },
  gracePeriodSeconds: 60,
};

const source = (name: string, { open }: { readonly open: boolean }): object => ({
  score: {
    document: {
      apiVersion: "score.dev/v1b1",
      metadata: { name },
      service: { ports: { web: { port: 80, targetPort: 8080 } } },
      containers: { main: { image: `example.com/${name}:1`, variables: { URL: "${resources.dns.url}" } } },
      resources: { dns: { type: "dns" }, ...(open ? { way: { type: "route" } } : {}) },
    },
  },
});

const service = "gateway.one";

/** The first route brings the gateway, which stays for others, and a minute longer than the last. */
export const routes: Scenario = {
  name: "routes",
  says: "a workload gets a route and with it a gateway, another shares that, the first one closes, and all goes with the environment",
  hasty: true,
  async prepare(world) {
    await addRuntime(world, "one");
    await world.user.create(ours("SupportServiceDefinition", "small", gateway));
  },
  steps: [
    {
      says: "deploy with a route",
      act: (world) => deploy(world, "web", source("web", { open: true })),
      reached: async (world) => (await runs(world, "web", "example.com/web:1")) && (await isReady(world, "SupportServiceInstance", service)),
    },
    {
      says: "deploy another one",
      act: (world) => deploy(world, "blog", source("blog", { open: true })),
      reached: async (world) => (await runs(world, "blog", "example.com/blog:1")) && (await runs(world, "web", "example.com/web:1")),
    },
    {
      says: "close the first one",
      act: (world) => setSource(world, "web", source("web", { open: false })),
      reached: async (world) => {
        const users = (await read(world, "SupportServiceInstance", service))?.status?.["users"];
        const route = await inCluster(world, "one", { apiVersion: gatewayApi, kind: "HTTPRoute", namespace: "default-dev", name: "web-way-route" });
        return (
          JSON.stringify(users) === '["default/dev.route.blog.way"]' &&
          route === undefined &&
          (await isReady(world, "SupportServiceInstance", service)) &&
          (await runs(world, "blog", "example.com/blog:1")) &&
          (await runs(world, "web", "example.com/web:1"))
        );
      },
    },
    {
      says: "delete the environment with all in it",
      act: ({ user }) => user.delete(target("Environment", "dev"), { propagationPolicy: "Foreground" }),
      reached: async (world) =>
        (await isGone(world, "Environment", "dev")) &&
        (await isGone(world, "SupportServiceInstance", service)) &&
        (await isEmptied(world, "one", "gateways")) &&
        (await isEmptied(world, "one", "default-dev")),
    },
  ],
};

import type { IncomingMessage, ServerResponse } from "node:http";
import { createFlow, createGeneralDocuments, createListener, createRegistry, defaultLimits, offerOf, type Connection } from "@threeport/apiserver";
import { silentLogger, systemClock, type Clock, type Logger } from "@threeport/platform";
import { createAuthority, issue } from "@threeport/platform/pki";
import { PlatformError, toStatus } from "@threeport/resource";
import { isAdminPath, serveAdmin } from "./admin.ts";
import { builtInKinds, offeredSubresources, openCluster, type OpenCluster, type SimCluster } from "./cluster.ts";
import type { Controller } from "./controller.ts";
import { everyNodeKey } from "./controllers/nodes.ts";
import { everyPodKey } from "./controllers/pods.ts";
import { createFaults, type Faults } from "./faults.ts";
import { kindsRelease } from "./kinds/kubernetes-kinds.ts";
import { kubeconfigOf } from "./kubeconfig.ts";
import { usualNodes, type NodeShape } from "./nodes/make-node.ts";
import { seededRandom } from "./random.ts";
import { createUsage, type Usage } from "./usage.ts";
import { createSimTime, type SimTime } from "./time.ts";

export interface SimulationOptions {
  /** Where to listen; a free port of loopback unless said. */
  readonly host?: string;
  readonly port?: number;
  /** False: nobody listens there, and requests come by `serve` alone, from within this process. */
  readonly listen?: boolean;
  /** The same seed and the same calls give the same clusters. */
  readonly seed?: string;
  /** Virtual seconds for each real one; without it time goes only by `time.advance`. */
  readonly factor?: number;
  readonly startMs?: number;
  /** Time that others go by too, in place of its own: `factor` and `startMs` are then its maker's. */
  readonly time?: SimTime;
  /** What clusters do by themselves, beside garbage collection, namespaces, definitions and default service accounts. */
  readonly controllers?: readonly Controller[];
  /** What pods run on; three large ones unless said, and none without controllers. */
  readonly nodes?: readonly NodeShape[];
  /** What `/version` says, for example `v1.33.2`. Default: the release of the built-in kinds. */
  readonly gitVersion?: string;
  readonly clock?: Clock;
  readonly log?: Logger;
}

export interface SimulatedCluster extends SimCluster {
  readonly server: string;
  readonly token: string;
  readonly kubeconfig: string;
}

/** Clusters in this process, behind one HTTPS listener, each under `/clusters/NAME`. */
export interface Simulation extends AsyncDisposable {
  readonly port: number;
  /** "" where nobody listens. */
  readonly caPem: string;
  readonly time: SimTime;
  /** With nodes of its own, where they are said. */
  addCluster(name: string, options?: { readonly nodes?: readonly NodeShape[] }): Promise<SimulatedCluster>;
  /** Its streams end, and its address is not found any more. */
  removeCluster(name: string): Promise<void>;
  /** Answers a request that came by a connection within this process. */
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>;
  readonly clusters: ReadonlyMap<string, SimulatedCluster>;
  readonly faults: Faults;
  /** What pods are said to use. */
  readonly usage: Usage;
  /** For `/admin/…`. */
  readonly adminToken: string;
}

/** In addresses that nobody listens at. */
const unusedPort = 6443;
const yearMs = 365 * 86_400_000;
const clusterName = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const clusterPath = /^\/clusters\/([^/?]+)(?=[/?]|$)/;

export async function startSimulation(options: SimulationOptions = {}): Promise<Simulation> {
  const { controllers = [], clock = systemClock, log = silentLogger, host = "127.0.0.1", gitVersion = kindsRelease, seed = "threeport" } = options;
  await using stack = new AsyncDisposableStack();
  const time =
    options.time ??
    stack.use(
      createSimTime({
        clock,
        log,
        ...(options.startMs === undefined ? {} : { startMs: options.startMs }),
        ...(options.factor === undefined ? {} : { factor: options.factor }),
      }),
    );
  const flow = stack.use(createFlow(defaultLimits, clock));
  const faults = createFaults(clock, (name) => {
    for (const { shown } of name === undefined ? open.values() : [open.get(name)].filter((found) => found !== undefined)) {
      shown.wake("nodes", everyNodeKey);
      shown.wake("pods", everyPodKey);
    }
  });
  const usage = createUsage();
  const adminToken = Buffer.from(seededRandom(`${seed}/`).bytes(24)).toString("base64url");
  const open = new Map<string, { readonly cluster: OpenCluster; readonly shown: SimulatedCluster }>();
  const documents = createGeneralDocuments(offerOf({ registry: createRegistry(builtInKinds()) }, { subresources: offeredSubresources }), { gitVersion });

  stack.defer(async () => {
    for (const { cluster } of open.values()) await cluster[Symbol.asyncDispose]();
    open.clear();
  });
  const { port, caPem } = options.listen === false ? { port: options.port ?? unusedPort, caPem: "" } : await listen();

  async function listen(): Promise<{ port: number; caPem: string }> {
    const times = { nowMs: clock.now(), validForMs: yearMs };
    const authority = await createAuthority({ subject: { commonName: "threeport-simulation" }, ...times });
    const certificate = await issue(authority, { subject: { commonName: "simulation" }, usages: ["server"], hosts: [host, "localhost"], ...times });
    const listener = createListener(
      { tls: { keyPem: certificate.privateKeyPem, certificatePem: certificate.certificatePem } },
      { limits: defaultLimits, clock, serve },
    );
    stack.use(listener);
    return { port: await listener.listen({ host, port: options.port ?? 0 }), caPem: authority.certificatePem };
  }

  async function serve(request: IncomingMessage, response: ServerResponse, connection: Connection): Promise<void> {
    if (isAdminPath(request.url ?? "")) return serveAdmin({ faults, usage, time, token: adminToken }, request, response);
    const [prefix = "", name = ""] = clusterPath.exec(request.url ?? "") ?? [];
    const found = open.get(name);
    if (found === undefined) return answerNoCluster(response, name);
    const rest = (request.url ?? "").slice(prefix.length);
    request.url = rest.startsWith("/") ? rest : `/${rest}`;
    if (await faults.meet(name, request, response)) return;
    await found.cluster.serve(request, response, connection);
  }

  const owned = stack.move();
  const clusters = new Map<string, SimulatedCluster>();
  return {
    port,
    caPem,
    time,
    clusters,
    faults,
    usage,
    adminToken,
    serve: (request, response) => serve(request, response, { recognised: () => {}, upgraded: undefined }),
    async addCluster(name, { nodes = options.nodes ?? (controllers.length === 0 ? [] : usualNodes) } = {}) {
      if (!clusterName.test(name))
        throw new PlatformError("TP_BAD_REQUEST", {
          message: `${JSON.stringify(name)} cannot name a cluster; take at most 63 of a-z, 0-9 and '-', with a letter or digit at both ends`,
        });
      if (open.has(name)) throw new PlatformError("TP_ALREADY_EXISTS", { message: `there is a cluster ${name} already` });
      const random = seededRandom(`${seed}/${name}`);
      const cluster = await openCluster({
        name,
        time,
        clock,
        log,
        random,
        controllers,
        nodes,
        faults: faults.inside.of(name),
        usage: usage.of(name),
        gitVersion,
        shared: { flow, documents },
      });
      const server = `https://${host}:${port}/clusters/${name}`;
      const { serve: _, [Symbol.asyncDispose]: _end, ...seen } = cluster;
      const shown: SimulatedCluster = { ...seen, server, kubeconfig: kubeconfigOf({ name, server, caPem, token: cluster.token }) };
      open.set(name, { cluster, shown });
      clusters.set(name, shown);
      return shown;
    },
    async removeCluster(name) {
      const found = open.get(name);
      open.delete(name);
      clusters.delete(name);
      await found?.cluster[Symbol.asyncDispose]();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function answerNoCluster(response: ServerResponse, name: string): void {
  const error = new PlatformError("TP_NOT_FOUND", {
    message: name === "" ? "addresses of simulated clusters begin with /clusters/NAME" : `there is no simulated cluster ${name.slice(0, 100)}`,
  });
  response.writeHead(404, { "Content-Type": "application/json" }).end(JSON.stringify(toStatus(error)));
}

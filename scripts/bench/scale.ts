/**
 * The control plane with many apps on many simulated clusters (design §10).
 *
 *   npm run bench:scale -- [--apps 3000] [--clusters 30] [--half-core] [--deploys 300] [--idle 60] [--fan-out 1000]
 *
 * Apps have six objects each; the simulator is a process of its own and is not counted. In this order: all apps are deployed; then `--deploys` changes, one after
 * another, from the API's answer to the object in its cluster; then nothing for `--idle` seconds; then a variable of an environment is changed that
 * `--fan-out` further apps read; then the server is killed with kill −9, and the next change is timed from the kill. 0 leaves a part out.
 * `--half-core` gives server and database half a core and 512 MiB by a control group (root, Linux).
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createClient, type KubeClient, type WatchEvent } from "../../packages/client/src/index.ts";
import { systemClock } from "../../packages/platform/src/index.ts";
import { definitionsPath, instancesPath, manifestsApp, scoreApp, type Writes } from "./lib/applications.ts";
import { controlGroup } from "./lib/control-group.ts";
import { freePort } from "./lib/free-port.ts";
import { runLoad } from "./lib/load.ts";
import { machine } from "./lib/machine.ts";
import { printTable, say } from "./lib/print-table.ts";
import { cpuMs, processTree, pssMiB } from "./lib/process-cost.ts";
import { startSimulator } from "./lib/simulator.ts";
import { percentile, round3 } from "./lib/statistics.ts";
import { temporaryFolder } from "./lib/temporary-folder.ts";
import { asTptctlStarts, postmasterPid, readAdminConnection, startServer } from "./lib/threeport-server.ts";
import { waitUntil } from "./lib/wait-until.ts";

const { values } = parseArgs({
  options: {
    apps: { type: "string", default: "3000" },
    clusters: { type: "string", default: "30" },
    idle: { type: "string", default: "60" },
    deploys: { type: "string", default: "300" },
    "fan-out": { type: "string", default: "1000" },
    "half-core": { type: "boolean", default: false },
  },
});
const apps = Number(values.apps);
const clusters = Number(values.clusters);
const idleSeconds = Number(values.idle);
const deploys = Number(values.deploys);
const fanOutApps = Number(values["fan-out"]);
const environmentsPath = "/apis/threeport.io/v1alpha1/environments";
const deploymentsPath = "/apis/apps/v1/deployments";
const rows: string[][] = [];
const hourMs = 3_600_000;
/** Callers that write definitions and instances at the same time. */
const callers = 16;
/** What changes caused has come to rest by then. */
const restMs = 30_000;

await using folder = await temporaryFolder("threeport-scale-");
const input = { home: join(folder.path, "home"), compileCache: join(folder.path, "compiled"), port: await freePort(), nodeArgs: asTptctlStarts };
await using simulator = await startSimulator(join(folder.path, "clusters"), clusters);
await using group = values["half-core"] ? await controlGroup(`threeport-scale-${process.pid}`, { cores: 0.5, memoryBytes: 512 * 1024 * 1024 }) : undefined;
if (values["half-core"] && group === undefined) throw new Error("--half-core needs root, and control groups for CPU and memory");

let server = await startServer(input);
const roots = async (): Promise<number[]> => [server.process.pid, await postmasterPid(input.home)];
const limit = async (): Promise<void> => group?.take(await processTree(await roots()));
try {
  await limit();
  await using client = createClient(await readAdminConnection(input.home), { connectionsMax: callers * 2, requestTimeoutMs: 120_000 });
  await addRuntimes(client);
  await deployAll(client);
  await changes(client);
  await idle();
  await fanOut(client);
  await killed();
} finally {
  await server.process[Symbol.asyncDispose]();
}
process.stdout.write(
  `${machine()}\n${apps} apps of 6 objects on ${clusters} simulated clusters; server and database ${group === undefined ? "without limits" : "in half a core and 512 MiB"}\n\n`,
);
printTable(["", "measured", "wanted"], rows);

async function addRuntimes(client: KubeClient): Promise<void> {
  for (const [n, kubeconfig] of simulator.kubeconfigs.entries()) {
    const name = `sim-${n + 1}`;
    await create(client, "/api/v1/namespaces/default/secrets", {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: `kubeconfig-${name}` },
      stringData: { kubeconfig },
    });
    await create(client, "/apis/threeport.io/v1alpha1/kubernetesruntimeinstances", {
      apiVersion: "threeport.io/v1alpha1",
      kind: "KubernetesRuntimeInstance",
      metadata: { name },
      spec: { provider: "kubeconfig", kubeconfig: { secretRef: { namespace: "default", name: `kubeconfig-${name}` } } },
    });
    await addEnvironment(client, environmentOf(n), name);
  }
}

async function create(client: KubeClient, path: string, body: object): Promise<void> {
  await client.request(path, { method: "POST", body });
}

async function mergePatch(client: KubeClient, path: string, body: object): Promise<void> {
  await client.request(path, { method: "PATCH", body, headers: { "content-type": "application/merge-patch+json" } });
}

async function addEnvironment(client: KubeClient, name: string, runtime: string): Promise<void> {
  await create(client, environmentsPath, {
    apiVersion: "threeport.io/v1alpha1",
    kind: "Environment",
    metadata: { name },
    spec: { runtime, variables: { LEVEL: "info" } },
  });
}

function environmentOf(n: number): string {
  return `env-${(n % clusters) + 1}`;
}

function appOf(n: number, image = "1"): Writes {
  return manifestsApp({ name: `app-${n}`, environment: environmentOf(n), image: `example.com/app:${image}` });
}

/** Writes apps, and waits until all of them are ready. Resolves to the seconds from the first write to the last answer, and to all ready. */
async function deployed(client: KubeClient, count: number, all: number, writesOf: (n: number) => Writes): Promise<{ written: number; ready: number }> {
  const started = systemClock.monotonic();
  const since = (): number => (systemClock.monotonic() - started) / 1000;
  await runLoad({ count, callers }, async (n) => {
    for (const { path, body } of writesOf(n)) await create(client, path, body);
    if ((n + 1) % 500 === 0) say(`${n + 1} apps written after ${Math.round(since())} s`);
  });
  const written = since();
  await waitUntil(
    async () => {
      const ready = await readyInstances(client);
      say(`${ready} of ${all} ready after ${Math.round(since())} s`);
      return ready === all ? true : undefined;
    },
    { what: "all apps are ready", deadlineMs: hourMs, everyMs: 2_000 },
  );
  return { written, ready: since() };
}

interface Instance {
  readonly metadata: { readonly generation: number };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string; readonly observedGeneration: number }[] };
}

async function readyInstances(client: KubeClient): Promise<number> {
  const { items } = await client.listPath<Instance>(instancesPath, {});
  return items.filter(({ metadata: { generation }, status }) =>
    status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True" && condition.observedGeneration === generation),
  ).length;
}

async function deployAll(client: KubeClient): Promise<void> {
  const before = await cpuMs(await roots());
  const { written, ready } = await deployed(client, apps, apps, (n) => appOf(n));
  rows.push([
    `${apps} apps, from the first write to all ready (all written after ${round3(written)} s)`,
    `${round3(ready)} s`,
    "≤ 720 s for 3,000 on half a core",
  ]);
  rows.push(["CPU of server and database for it", `${round3(((await cpuMs(await roots())) - before) / 1000)} s`, ""]);
  const charged = await group?.mostBytes();
  const most = charged === undefined ? "" : `; charged at most ${round3(charged / 1024 / 1024)} MiB, with what is cached of files`;
  rows.push(["memory with them (PSS)", `${round3(await pssMiB(await roots()))} MiB${most}`, "512 MiB"]);
}

interface Deployment {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly { readonly image: string }[] } } };
}

/** One change after another, each followed by a watch of its cluster that is open before. */
async function changes(client: KubeClient): Promise<void> {
  if (deploys === 0) return;
  const awaited = new Map<string, PromiseWithResolvers<number>>();
  const stop = new AbortController();
  const follow = async (events: AsyncIterable<WatchEvent<Deployment>>): Promise<void> => {
    for await (const { type, object } of events)
      if (type === "MODIFIED") awaited.get(`${object.metadata.name} ${object.spec.template.spec.containers[0]?.image ?? ""}`)?.resolve(systemClock.monotonic());
  };
  await using clients = new AsyncDisposableStack();
  const following: Promise<void>[] = [];
  for (const connection of simulator.connections) {
    const cluster = clients.use(createClient(connection));
    const { resourceVersion } = await cluster.listPath(deploymentsPath, {});
    const events = await cluster.openWatch<Deployment>(deploymentsPath, { resourceVersion, signal: stop.signal });
    following.push(follow(events).catch(() => {})); // it ends by our stop
  }
  const latencies: number[] = [];
  for (let n = 0; n < deploys; n++) {
    const index = Math.floor((n * apps) / deploys);
    const [definition] = appOf(index, `changed-${n}`);
    const seen = Promise.withResolvers<number>();
    awaited.set(`app-${index} example.com/app:changed-${n}`, seen);
    await mergePatch(client, `${definitionsPath}/app-${index}`, { spec: definition.body.spec });
    const acceptedAt = systemClock.monotonic();
    latencies.push(Math.max(0, (await seen.promise) - acceptedAt));
  }
  stop.abort();
  await Promise.all(following);
  rows.push([`accepted by the API to changed in the cluster, ${deploys} changes one after another, p50`, `${round3(percentile(latencies, 0.5))} ms`, ""]);
  rows.push(["the same, p99", `${round3(percentile(latencies, 0.99))} ms`, "< 500 ms on 100 clusters"]);
}

async function idle(): Promise<void> {
  if (idleSeconds === 0) return;
  await systemClock.sleep(restMs);
  const before = await cpuMs(await roots());
  await systemClock.sleep(idleSeconds * 1000);
  const share = ((await cpuMs(await roots())) - before) / (idleSeconds * 1000);
  rows.push([`CPU of server and database, nothing changing for ${idleSeconds} s`, `${round3(share * 100)} % of a core`, "< 2 % with 10,000"]);
}

/** Apps of an environment of their own, on the first cluster, read a variable of it. */
async function fanOut(client: KubeClient): Promise<void> {
  const [connection] = simulator.connections;
  if (fanOutApps === 0 || connection === undefined) return;
  await addEnvironment(client, "fan", "sim-1");
  await deployed(client, fanOutApps, apps + fanOutApps, (n) => scoreApp({ name: `fan-${n}`, environment: "fan", image: "example.com/app:1" }));
  await using cluster = createClient(connection, { requestTimeoutMs: 120_000 });
  const started = systemClock.monotonic();
  await mergePatch(client, `${environmentsPath}/fan`, { spec: { variables: { LEVEL: "debug" } } });
  await waitUntil(
    async () => {
      const { items } = await cluster.listPath<object>("/apis/apps/v1/namespaces/default-fan/deployments", {});
      return items.filter((object) => JSON.stringify(object).includes('"value":"debug"')).length === fanOutApps ? true : undefined;
    },
    { what: "all apps have the new variable", deadlineMs: hourMs, everyMs: 200 },
  );
  rows.push([`a changed variable of an environment in all of its ${fanOutApps} apps`, `${round3((systemClock.monotonic() - started) / 1000)} s`, ""]);
}

async function killed(): Promise<void> {
  server.process.kill("SIGKILL");
  await server.process.exited;
  const killedAt = systemClock.monotonic();
  server = await startServer(input);
  await limit();
  await using client = createClient(await readAdminConnection(input.home));
  await create(client, "/api/v1/namespaces/default/configmaps", { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "after" } });
  rows.push(["killed (−9) to the next change answered", `${round3(systemClock.monotonic() - killedAt)} ms`, "< 1000 ms"]);
}

/**
 * What dependencies cost the control plane, on simulated clusters.
 *
 *   npm run bench:dependencies -- [--chain 10] [--rounds 5] [--workloads 1000] [--each 5] [--clusters 10]
 *
 * In this order: a workload needs the first of a chain of dependencies that require each other, `--rounds` times; then `--workloads` are deployed, with `--each`
 * dependencies of their own; then all of them are looked at again although nothing of them changed, and what is written is counted. The simulator is a process of
 * its own and is not counted.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createClient, type KubeClient } from "../../packages/client/src/index.ts";
import { systemClock } from "../../packages/platform/src/index.ts";
import { instancesPath, type Writes } from "./lib/applications.ts";
import { appWithThings, chainProfiles, claimsPath, needyApp, profilesPath, thingProfile } from "./lib/dependency-objects.ts";
import { freePort } from "./lib/free-port.ts";
import { runLoad } from "./lib/load.ts";
import { machine } from "./lib/machine.ts";
import { printTable, say } from "./lib/print-table.ts";
import { cpuMs, pssMiB } from "./lib/process-cost.ts";
import { followReadiness } from "./lib/readiness.ts";
import { startSimulator } from "./lib/simulator.ts";
import { median, percentile, round3 } from "./lib/statistics.ts";
import { temporaryFolder } from "./lib/temporary-folder.ts";
import { asTptctlStarts, postmasterPid, readAdminConnection, startServer } from "./lib/threeport-server.ts";
import { waitUntil } from "./lib/wait-until.ts";

const { values } = parseArgs({
  options: {
    chain: { type: "string", default: "10" },
    rounds: { type: "string", default: "5" },
    workloads: { type: "string", default: "1000" },
    each: { type: "string", default: "5" },
    clusters: { type: "string", default: "10" },
  },
});
const [chain, rounds, workloads, each, clusters] = [values.chain, values.rounds, values.workloads, values.each, values.clusters].map(Number) as [
  number,
  number,
  number,
  number,
  number,
];
const environmentsPath = "/apis/threeport.io/v1alpha1/environments";
/** Objects that deployments and their dependencies consist of in the control plane. */
const watchedPaths = ["workloadinstances", "dependencyclaims", "dependencies", "resourcesets", "releases"].map(
  (plural) => `/apis/threeport.io/v1alpha1/namespaces/default/${plural}`,
);
const rows: string[][] = [];
const hourMs = 3_600_000;
/** Callers that write definitions and instances at the same time. */
const callers = 16;
/** Nothing was written for so long: what a change caused has come to rest. */
const quietMs = 5_000;

await using folder = await temporaryFolder("threeport-dependencies-");
const input = { home: join(folder.path, "home"), compileCache: join(folder.path, "compiled"), port: await freePort(), nodeArgs: asTptctlStarts };
await using simulator = await startSimulator(join(folder.path, "clusters"), clusters);
const server = await startServer(input);
const roots = async (): Promise<number[]> => [server.process.pid, await postmasterPid(input.home)];
try {
  await using client = createClient(await readAdminConnection(input.home), { connectionsMax: callers * 2, requestTimeoutMs: 120_000 });
  await addEnvironments(client);
  for (const body of [...chainProfiles(chain), thingProfile]) await create(client, profilesPath, body);
  await chains(client);
  await deployAll(client);
  await nothingNew(client);
} finally {
  await server.process[Symbol.asyncDispose]();
}
process.stdout.write(
  `${machine()}\n${workloads} workloads with ${each} dependencies each on ${clusters} simulated clusters; server and database without limits\n\n`,
);
printTable(["", "measured", "wanted"], rows);

async function create(client: KubeClient, path: string, body: object): Promise<void> {
  await client.request(path, { method: "POST", body });
}

function environmentOf(n: number): string {
  return `env-${(n % clusters) + 1}`;
}

async function addEnvironments(client: KubeClient): Promise<void> {
  for (const [n, kubeconfig] of simulator.kubeconfigs.entries()) {
    const runtime = `sim-${n + 1}`;
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: `kubeconfig-${runtime}` }, stringData: { kubeconfig } };
    await create(client, "/api/v1/namespaces/default/secrets", secret);
    await create(client, "/apis/threeport.io/v1alpha1/kubernetesruntimeinstances", {
      apiVersion: "threeport.io/v1alpha1",
      kind: "KubernetesRuntimeInstance",
      metadata: { name: runtime },
      spec: { provider: "kubeconfig", kubeconfig: { secretRef: { namespace: "default", name: secret.metadata.name } } },
    });
    await create(client, environmentsPath, {
      apiVersion: "threeport.io/v1alpha1",
      kind: "Environment",
      metadata: { name: environmentOf(n) },
      spec: { runtime, variables: { UNREAD: "0" } },
    });
  }
}

async function write(client: KubeClient, writes: Writes): Promise<void> {
  for (const { path, body } of writes) await create(client, path, body);
}

/** Each round in an environment of its own, where nothing of the chain is there yet. */
async function chains(client: KubeClient): Promise<void> {
  await using claims = await followReadiness(client, claimsPath);
  const took: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const name = `chain-${round}`;
    const environment = `chained-${round}`;
    await create(client, environmentsPath, {
      apiVersion: "threeport.io/v1alpha1",
      kind: "Environment",
      metadata: { name: environment },
      spec: { runtime: `sim-${(round % clusters) + 1}` },
    });
    await write(client, needyApp({ name, environment, resources: { head: { type: "link-1" } }, variables: { PATHS: "${resources.head.path}" } }));
    const claim = `${name}.head`;
    await waitUntil(async () => claims.readyAt.get(claim), { what: `${claim} is ready`, deadlineMs: 120_000, everyMs: 5 });
    took.push((claims.readyAt.get(claim) ?? 0) - (claims.seenAt.get(claim) ?? 0));
  }
  rows.push([`a chain of ${chain} dependencies, from its claim to that ready, median of ${rounds}`, `${round3(median(took))} ms`, "< 2000 ms for 10"]);
  rows.push(["the same, slowest", `${round3(Math.max(...took))} ms`, ""]);
}

async function deployAll(client: KubeClient): Promise<void> {
  await using instances = await followReadiness(client, instancesPath);
  const before = await cpuMs(await roots());
  const changesBefore = await lastChange(client);
  const begunAt = new Map<string, number>();
  const started = systemClock.monotonic();
  const since = (): number => (systemClock.monotonic() - started) / 1000;
  await runLoad({ count: workloads, callers }, async (n) => {
    const name = `app-${n}`;
    const [definition, instance] = appWithThings(name, environmentOf(n), each);
    await create(client, definition.path, definition.body);
    begunAt.set(name, systemClock.monotonic());
    await create(client, instance.path, instance.body);
  });
  const written = since();
  const ready = (): string[] => [...begunAt.keys()].filter((name) => instances.readyAt.has(name));
  let told = 0;
  await waitUntil(
    async () => {
      const count = ready().length;
      if (count >= told + 100) say(`${(told = count)} of ${workloads} ready after ${Math.round(since())} s`);
      return count === workloads ? true : undefined;
    },
    { what: "all workloads are ready", deadlineMs: hourMs, everyMs: 200 },
  );
  const seconds = since();
  const took = ready().map((name) => (instances.readyAt.get(name) ?? 0) - (begunAt.get(name) ?? 0));
  const cpu = ((await cpuMs(await roots())) - before) / 1000;
  const changes = (await lastChange(client)) - changesBefore;
  rows.push([`${workloads} workloads, from the first write to all ready (all written after ${round3(written)} s)`, `${round3(seconds)} s`, ""]);
  rows.push(["workloads a second", round3(workloads / seconds), ""]);
  rows.push(["dependencies a second", round3((workloads * each) / seconds), ""]);
  rows.push(["one workload, from its deployment to Ready, p50", `${round3(percentile(took, 0.5) / 1000)} s`, ""]);
  rows.push(["the same, p99", `${round3(percentile(took, 0.99) / 1000)} s`, ""]);
  rows.push(["CPU of server and database for all", `${round3(cpu)} s`, ""]);
  rows.push(["CPU for each dependency", `${round3((cpu * 1000) / (workloads * each))} ms`, ""]);
  rows.push([`changes of the store for a workload and its ${each} dependencies`, round3(changes / workloads), ""]);
  rows.push(["memory with them (PSS)", `${round3(await pssMiB(await roots()))} MiB`, ""]);
}

/** The number of the last change of the store. */
async function lastChange(client: KubeClient): Promise<number> {
  const { body } = await client.request("/api/v1/namespaces/default/configmaps", { query: { limit: 1 } });
  return Number((body as { metadata: { resourceVersion: string } }).metadata.resourceVersion);
}

async function untilQuiet(client: KubeClient): Promise<number> {
  let last = await lastChange(client);
  for (;;) {
    await systemClock.sleep(quietMs);
    const now = await lastChange(client);
    if (now === last) return now;
    last = now;
  }
}

/** Versions of all objects of workloads and dependencies. */
async function versions(client: KubeClient): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const path of watchedPaths) {
    const { items } = await client.listPath<{ metadata: { name: string; resourceVersion: string } }>(path, {});
    for (const { metadata } of items) found.set(`${path}/${metadata.name}`, metadata.resourceVersion);
  }
  return found;
}

/** A variable of its environment that no workload reads wakes them all. */
async function nothingNew(client: KubeClient): Promise<void> {
  await untilQuiet(client);
  const before = await versions(client);
  const cpuBefore = await cpuMs(await roots());
  for (let n = 0; n < clusters; n++)
    await client.request(`${environmentsPath}/${environmentOf(n)}`, {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json" },
      body: { spec: { variables: { UNREAD: "1" } } },
    });
  await untilQuiet(client);
  const cpu = ((await cpuMs(await roots())) - cpuBefore) / 1000;
  const after = await versions(client);
  const changed = [...after].filter(([name, version]) => before.get(name) !== version).length;
  rows.push([`all looked at again, since a variable changed that none of them reads: of their ${after.size} objects are written`, String(changed), "0"]);
  rows.push(["CPU for it", `${round3(cpu)} s`, ""]);
}

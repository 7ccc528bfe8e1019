/**
 * Threeport from nothing to an answering application, in a folder of its own that is removed at the end.
 *
 *   node scripts/demo.ts [--once] [--shop | --simulated | --runtime KUBECONFIG|CONTEXT [--image IMAGE]]
 *
 * Starts a control plane, a Kubernetes on this machine (needs root; the binaries are downloaded or built on first use, which takes minutes), deploys the
 * two Score workloads of examples/score, calls them, and stays until Ctrl-C. `--once` ends after the call. `--runtime` takes a cluster that exists
 * instead: a kubeconfig, or a context of yours; `--image` is then a busybox that it can pull. Where no Kubernetes can be started, or with `--simulated`,
 * a simulated cluster stands in for it: no container runs there. `--shop` deploys examples/shop in place of examples/score: two workloads with a database, a cache,
 * a queue, a bucket and a route, all of which run; the images for it are made of programs of this machine (minutes at first use).
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createClient, parseKubeconfig, type KubeClient } from "../packages/client/src/index.ts";
import { systemClock } from "../packages/platform/src/index.ts";
import { toPlatformError, type StoredObject } from "../packages/resource/src/index.ts";
import { indented, nextCommands } from "./lib/demo-next-commands.ts";
import { makeShopParts, showShop } from "./lib/demo-shop.ts";
import { startSimulatedCluster, whyNoRealCluster, type SimulatedCluster } from "./lib/demo-cluster.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const tptctlProgram = join(root, "packages/cli/src/main.ts");
const example = join(root, "examples/score");
const shopExample = join(root, "examples/shop");
/** In every local runtime, and in no other cluster. */
const localImage = "docker.io/library/busybox:local";
const environmentName = "dev";
const instance = `web-${environmentName}`;
const targetNamespace = `default-${environmentName}`;
/** Endpoints and names reach every node a moment after the pods are ready. */
const answerMsMax = 30_000;
const callMsMax = 3_000;

const interactive = process.stdout.isTTY === true && (process.env["NO_COLOR"] ?? "") === "";
const bold = (text: string): string => (interactive ? `\u001b[1m${text}\u001b[22m` : text);
const say = (line = ""): void => void process.stdout.write(`${line}\n`);

/** What a step printed said why. */
class StepFailed extends Error {
  readonly code: number;

  constructor(code: number) {
    super("a step failed");
    this.code = code;
  }
}

const { values } = parseArgs({
  options: {
    once: { type: "boolean", default: false },
    shop: { type: "boolean", default: false },
    simulated: { type: "boolean", default: false },
    runtime: { type: "string" },
    image: { type: "string", default: "docker.io/library/busybox:1.37.0" },
  },
});
if (values.shop && (values.simulated || values.runtime !== undefined)) {
  process.stderr.write("error: --shop needs a Kubernetes that is started here: leave --simulated and --runtime out\n");
  process.exit(2);
}
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop.abort(signal));

/** As shells report a process that SIGINT ended. */
const interruptedExitCode = 130;

type Sort = "local" | "given" | "simulated";

let answered = false;
/** What was made in a cluster that is not ours, and has to go again. */
const made = { runtime: false, environment: false };
let startedMs = systemClock.monotonic();
const home = await mkdtemp(join(tmpdir(), "threeport-demo-"));
let simulated: SimulatedCluster | undefined;
try {
  await demonstrate();
} catch (thrown) {
  if (stop.signal.aborted) process.exitCode = answered && !values.once ? 0 : interruptedExitCode;
  else {
    const error = toPlatformError(thrown);
    if (!(thrown instanceof StepFailed)) process.stderr.write(`error: ${error.message}${error.cause === undefined ? "" : `: ${String(error.cause)}`}\n`);
    process.exitCode = thrown instanceof StepFailed ? thrown.code : error.entry.exit;
  }
} finally {
  await cleanUp();
}

async function demonstrate(): Promise<void> {
  if (values.shop) return demonstrateShop();
  const sort = await chooseSort();
  const image = sort === "local" ? localImage : values.image;
  say(bold("A control plane"));
  await tptctl("up", "--port", "0", "--no-hints");
  say(`\n${bold(sort === "simulated" ? "A simulated cluster, and an environment on it" : "A cluster, and an environment on it")}`);
  const runtime = await addRuntime(sort);
  made.environment = true;
  await tptctl("env", "create", environmentName, "--runtime", runtime);
  say(`\n${bold("Two workloads as Score files: examples/score")}`);
  await tptctl("deploy", example, "--env", environmentName, "--image", image);
  const clusterKubeconfig = await saveClusterKubeconfig(runtime);
  await using cluster = createClient(parseKubeconfig(await readFile(clusterKubeconfig, "utf8")));
  if (sort === "simulated") await showSimulated(cluster);
  else await showAnswers(cluster);
  answered = true;
  if (values.once) return;
  const program = join(root, "tptctl");
  const redeploy = `${program} deploy ${example} --env ${environmentName} --image`;
  const simulatedOnly = [`${redeploy} example.com/missing:1     # an image that cannot be pulled`, `${program} why ${instance}`];
  next(clusterKubeconfig, [...(sort === "simulated" ? simulatedOnly : [`${program} logs ${instance} -f`]), `${redeploy} ${image}     # after a change`]);
  await systemClock.sleep(Number.MAX_SAFE_INTEGER, stop.signal);
}

async function demonstrateShop(): Promise<void> {
  const why = await whyNoRealCluster(stop.signal, say);
  if (why !== undefined) throw new Error(`the shop needs a Kubernetes on this machine, and none can be started: ${why}; leave --shop out`);
  say(bold("Images, made of programs of this machine"));
  const parts = await makeShopParts(join(home, "parts"), { signal: stop.signal, say });
  startedMs = systemClock.monotonic();
  made.environment = true;
  await showShop({ parts, folder: shopExample, environment: environmentName, home, signal: stop.signal, tptctl, title: (text) => say(`\n${bold(text)}`), say });
  say(`\n${seconds()} from nothing to this answer, once the images were there.`);
  answered = true;
  if (values.once) return;
  const program = join(root, "tptctl");
  next(await saveClusterKubeconfig("local"), [
    `${program} logs ${instance} -f`,
    `${program} deploy ${shopExample} --env ${environmentName}     # after a change`,
  ]);
  await systemClock.sleep(Number.MAX_SAFE_INTEGER, stop.signal);
}

/** What to try, and how it ends. */
function next(clusterKubeconfig: string, commands: readonly string[]): void {
  say(`\n${bold("Try, in another terminal:")}\n${nextCommands({ home, program: join(root, "tptctl"), clusterKubeconfig, targetNamespace, commands })}`);
}

async function chooseSort(): Promise<Sort> {
  if (values.runtime !== undefined) return "given";
  if (values.simulated) return "simulated";
  const why = await whyNoRealCluster(stop.signal, say);
  if (why === undefined) return "local";
  say(`No Kubernetes can be started here: ${why.replaceAll("\n", " ")}. A simulated cluster stands in for it.\n`);
  return "simulated";
}

/** Returns its name. */
async function addRuntime(sort: Sort): Promise<string> {
  if (sort === "local") {
    await tptctl("runtime", "add", "local", "--provider", "local");
    return "local";
  }
  if (sort === "simulated" || values.runtime === undefined) {
    simulated = await startSimulatedCluster(join(home, "simulated"), stop.signal);
    await tptctl("runtime", "add", "simulated", "--kubeconfig", simulated.kubeconfig);
    return "simulated";
  }
  const given = existsSync(values.runtime) ? ["--kubeconfig", values.runtime] : ["--context", values.runtime];
  made.runtime = true;
  await tptctl("runtime", "add", "demo", ...given);
  return "demo";
}

async function showAnswers(cluster: KubeClient): Promise<void> {
  say(`\n${bold("It answers")}`);
  const page = await answer(cluster, "/", /Hello from Threeport/);
  say(`GET ${page.url}\n${indented(page.text)}`);
  const script = await answer(cluster, "/cgi-bin/backend", /the backend is well/);
  say(`GET ${script.url}\n${indented(script.text)}`);
  say(`\n${seconds()} from nothing to this answer.`);
}

/** What a cluster without containers can show: that both workloads are there, as its own API says. */
async function showSimulated(cluster: KubeClient): Promise<void> {
  say(`\n${bold("What runs, down to the pods")}`);
  await tptctl("tree", instance);
  say(`\n${bold("What the cluster says of it")}`);
  for (const name of ["backend", "web"]) {
    const { status } = await cluster.get<StoredObject & { status?: { readyReplicas?: number; replicas?: number } }>({
      apiVersion: "apps/v1",
      kind: "Deployment",
      namespace: targetNamespace,
      name,
    });
    say(`  Deployment ${targetNamespace}/${name}: ${status?.readyReplicas ?? 0} of ${status?.replicas ?? 0} pods are ready`);
  }
  say(`
Simulated: the cluster's nodes, scheduling, containers and network. A pod there becomes ready after a second or two; nothing in it runs, so no
address answers, and there are no logs. Real: the control plane, its database, and everything it does: rendering, applying, health, releases.`);
  say(`\n${seconds()} from nothing to two workloads that are told to be ready.`);
}

/** kubectl's way into the cluster, taken from where the control plane keeps it. */
async function saveClusterKubeconfig(runtime: string): Promise<string> {
  await using client = createClient(parseKubeconfig(await readFile(join(home, "admin.kubeconfig"), "utf8")));
  const secret = await client.get<StoredObject & { data?: Record<string, string> }>({
    apiVersion: "v1",
    kind: "Secret",
    namespace: "threeport-system",
    name: `runtime-${runtime}`,
  });
  const path = join(home, "cluster.kubeconfig");
  await writeFile(path, Buffer.from(secret.data?.["kubeconfig"] ?? "", "base64"), { mode: 0o600 });
  return path;
}

/** Calls the Service until its answer is the expected one: by its ClusterIP, to which this machine has a route, or through the API server of any other cluster. */
async function answer(cluster: KubeClient, path: string, expected: RegExp): Promise<{ url: string; text: string }> {
  const service = await cluster.get<StoredObject & { spec: { clusterIP: string } }>({
    apiVersion: "v1",
    kind: "Service",
    namespace: targetNamespace,
    name: "web",
  });
  const proxy = `/api/v1/namespaces/${targetNamespace}/services/web:http/proxy${path}`;
  const url = values.runtime === undefined ? `http://${service.spec.clusterIP}${path}` : proxy;
  const call = async (): Promise<string> => {
    if (values.runtime !== undefined) return String((await cluster.request(proxy, { timeoutMs: callMsMax, signal: stop.signal })).body);
    return (await fetch(url, { signal: AbortSignal.any([stop.signal, AbortSignal.timeout(callMsMax)]) })).text();
  };
  const until = systemClock.monotonic() + answerMsMax;
  let last: unknown;
  while (systemClock.monotonic() < until) {
    stop.signal.throwIfAborted();
    try {
      const text = await call();
      if (expected.test(text)) return { url, text };
      last = text;
    } catch (error) {
      last = error;
    }
    await systemClock.sleep(200, stop.signal);
  }
  throw new Error(`${url} did not answer as expected within ${answerMsMax / 1000} s: ${String(last)}`);
}

async function tptctl(...args: string[]): Promise<void> {
  stop.signal.throwIfAborted();
  say(`$ tptctl ${args.map((arg) => arg.replace(root, "")).join(" ")}`);
  const code = await run(args, { signal: stop.signal });
  stop.signal.throwIfAborted();
  if (code !== 0) throw new StepFailed(code);
}

/** In a session of its own, so that Ctrl-C reaches this script, which then ends the step: what cleans up must not be ended by it. */
async function run(args: readonly string[], options: { readonly signal?: AbortSignal }): Promise<number> {
  const child = spawn(process.execPath, [tptctlProgram, ...args], {
    stdio: ["ignore", "inherit", "inherit"],
    detached: true,
    env: { ...process.env, THREEPORT_HOME: home },
  });
  const end = (): void => void child.kill("SIGTERM");
  options.signal?.addEventListener("abort", end, { once: true });
  const [code] = (await once(child, "exit")) as [number | null];
  options.signal?.removeEventListener("abort", end);
  return code ?? 1;
}

/** Nothing stays: not in the user's cluster, no process, no namespace, no folder. */
async function cleanUp(): Promise<void> {
  say(`\n${bold("Cleaning up")}`);
  if (made.runtime && made.environment) await run(["env", "delete", environmentName, "--cascade"], {});
  if (made.runtime) await run(["runtime", "delete", "demo"], {});
  const code = await run(["down"], {});
  await simulated?.[Symbol.asyncDispose]();
  if (code !== 0) {
    process.exitCode = code;
    process.stderr.write(`error: not everything could be stopped; the folder ${home} stays. Try again: THREEPORT_HOME=${home} ${join(root, "tptctl")} down\n`);
    return;
  }
  await rm(home, { recursive: true, force: true });
}

function seconds(): string {
  return `${((systemClock.monotonic() - startedMs) / 1000).toFixed(1)} s`;
}

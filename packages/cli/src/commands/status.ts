import type { KubeClient } from "@threeport/client";
import { connect } from "../connect.ts";
import { say, type CliContext } from "../context.ts";
import { homePaths } from "../environment.ts";
import { conditionOf, environment, readyOf, runtimeInstance, workloadInstance, type Observed } from "../kinds.ts";
import { plainText } from "../output/terminal.ts";
import { tableLines } from "../output/table.ts";
import { runningServer } from "../server/server-record.ts";

/** Runtimes and troubled instances listed; the rest is counted. */
const listedMax = 20;
/** As for any call that meets no control plane. */
const notRunningExitCode = 7;

export async function status(this: CliContext): Promise<void> {
  const home = homePaths(this.environment);
  const running = await runningServer(home);
  const fact = (name: string, value: string): void => say(this, `${name.padEnd(14)} ${value}`);
  if (running === undefined && (await hasOwnHome(this))) {
    fact("control plane", this.terminal.paint("red", "does not run"));
    fact("home", home.folder);
    this.process.stderr.write("hint: start it with tptctl up\n");
    this.process.exitCode = notRunningExitCode;
    return;
  }
  await using client = await connect(this);
  const ready = await readiness(client, this.signal);
  fact("control plane", ready.ok ? this.terminal.paint("green", "runs") : this.terminal.paint("red", "is not ready"));
  fact("address", running?.url ?? `https://${client.host}`);
  const { gitVersion = "" } = (await client.request("/version", { signal: this.signal })).body as { gitVersion?: string };
  fact("version", gitVersion.split("+threeport-")[1] ?? gitVersion);
  for (const line of ready.lines) fact(line.name, line.text);
  if (running !== undefined) {
    fact("process", `${running.pid}, since ${running.startedAt}`);
    fact("home", home.folder);
    fact("log", home.serverLog);
  }
  await objects(this, client);
}

async function hasOwnHome(context: CliContext): Promise<boolean> {
  const { readIfThere } = await import("../files.ts");
  const home = homePaths(context.environment);
  return home.explicit || (await readIfThere(home.adminKubeconfig)) !== undefined;
}

/** `/readyz` says one line for each part: `[+]database ok`. */
async function readiness(client: KubeClient, signal: AbortSignal): Promise<{ ok: boolean; lines: { name: string; text: string }[] }> {
  const answer = await client.request("/readyz", { signal }).then(
    ({ body }) => ({ ok: true, body }),
    (error: { detail?: { httpStatus?: unknown }; message: string }) => {
      if (error.detail?.httpStatus !== 503) throw error;
      return { ok: false, body: error.message };
    },
  );
  const lines = [...String(answer.body).matchAll(/\[([+-])\](\w+) ([^[\n]*)/g)].map(([, , name = "", text = ""]) => ({ name, text: plainText(text).trim() }));
  return { ok: answer.ok, lines };
}

async function objects(context: CliContext, client: KubeClient): Promise<void> {
  const list = async (kind: { readonly apiVersion: string; readonly kind: string }) => (await client.list<Observed>(kind, { signal: context.signal })).items;
  const [runtimes, environments, instances] = await Promise.all([list(runtimeInstance), list(environment), list(workloadInstance)]);
  say(context, "");
  say(
    context,
    `${runtimes.length} ${runtimes.length === 1 ? "runtime" : "runtimes"}, ${environments.length} ${environments.length === 1 ? "environment" : "environments"}, ${instances.length} ${instances.length === 1 ? "deployment" : "deployments"}`,
  );
  const rows = [
    ...runtimes.slice(0, listedMax).map((object) => ["runtime", object.metadata.name, ...readyOf(object)]),
    ...environments.slice(0, listedMax).map((object) => ["environment", object.metadata.name, ...readyOf(object)]),
  ];
  if (rows.length > 0) for (const line of tableLines({ columns: ["kind", "name", "ready", "why"], rows })) say(context, line);
  const ready = instances.filter((object) => readyOf(object)[0] === "True");
  const stalled = instances.filter((object) => conditionOf(object, "Stalled")?.status === "True");
  if (instances.length > 0)
    say(context, `\ndeployments: ${ready.length} ready, ${instances.length - ready.length - stalled.length} on their way, ${stalled.length} stalled`);
  const troubled = instances.filter((object) => !ready.includes(object)).slice(0, listedMax);
  if (troubled.length > 0)
    for (const line of tableLines({
      columns: ["project", "name", "ready", "why"],
      rows: troubled.map((object) => [object.metadata.namespace, object.metadata.name, ...readyOf(object)]),
    }))
      say(context, line);
}

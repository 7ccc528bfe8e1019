import { resolve } from "node:path";
import { systemClock, systemExec } from "@threeport/platform";
import { note, say, type CliContext } from "../context.ts";
import { homePaths, type HomePaths } from "../environment.ts";
import { publishContext } from "../kubeconfig/user-context.ts";
import { createLiveView, spinnerAt } from "../progress/live-view.ts";
import { durationText } from "../parse.ts";
import { runInForeground } from "../server/foreground.ts";
import { runningServer } from "../server/server-record.ts";
import { isReady, startServer, untilReady } from "../server/start-server.ts";
import { followLocalRuntimes } from "../progress/follow-local-runtimes.ts";
import type { KubeClient } from "@threeport/client";
import type { StoredObject } from "@threeport/resource";
import { connect } from "../connect.ts";
import { environment, runtimeInstance } from "../kinds.ts";
import { sayEntrances } from "./entrances.ts";
import { firstRuntime } from "./first-runtime.ts";

interface Flags {
  readonly foreground: boolean;
  readonly port?: number;
  readonly host?: string;
  readonly mirror?: string;
  readonly runtime?: string;
  readonly hints: boolean;
}

export async function up(this: CliContext, flags: Flags): Promise<void> {
  const home = homePaths(this.environment);
  const running = await runningServer(home);
  if (flags.foreground && running === undefined) return runInForeground(this, { home, ...settingsOf(flags) });
  if (running !== undefined && (await isReady(home, this.signal))) {
    say(this, `the control plane already runs at ${running.url} (process ${running.pid})`);
    if (flags.foreground || Object.values(settingsOf(flags)).some((value) => value !== undefined))
      note(this, "note: its flags stay as they were; tptctl down and up start it with others");
  } else await start(this, home, flags, running !== undefined);
  const lines = await publishContext(this, home);
  await followLocalRuntimes(this);
  if (flags.runtime !== undefined && flags.runtime !== "none") await firstRuntime(this, flags.runtime);
  await using client = await connect(this);
  await sayEntrances(this, client);
  if (flags.hints) nextSteps(this, home, { kubectl: lines, steps: await ownSteps(client, this.signal) });
}

/** Of the server. A folder is named from here, and the server runs somewhere else. */
function settingsOf({ port, host, mirror }: Flags): { readonly port: number | undefined } & Record<"host" | "mirror", string | undefined> {
  return { port, host, mirror: mirror === undefined || /^https?:\/\//.test(mirror) ? mirror : resolve(mirror) };
}

async function start(context: CliContext, home: HomePaths, flags: Flags, starting: boolean): Promise<void> {
  using view = createLiveView(context, systemClock);
  const startedMs = systemClock.monotonic();
  const what = `starting the control plane in ${home.folder}`;
  if (!context.terminal.interactive) say(context, what);
  view.show((frame) => [`${spinnerAt(frame)} ${what} ${context.terminal.paint("dim", durationText(systemClock.monotonic() - startedMs))}`]);
  const input = { home, ...settingsOf(flags), clock: systemClock, exec: systemExec, environment: context.environment, signal: context.signal };
  const record = starting ? await untilReady(input) : await startServer(input);
  view.end([`${context.terminal.paint("green", "✔")} the control plane runs at ${record.url} (${durationText(systemClock.monotonic() - startedMs)})`]);
}

function nextSteps(context: CliContext, home: HomePaths, input: { readonly kubectl: readonly string[]; readonly steps: readonly string[] }): void {
  const dim = (text: string): string => context.terminal.paint("dim", text);
  say(context, "");
  say(context, dim("next:"));
  if (home.explicit) say(context, `  export THREEPORT_HOME=${home.folder}`);
  for (const line of input.steps) say(context, `  ${line}`);
  say(context, dim("or with kubectl:"));
  for (const line of [...input.kubectl, "kubectl get environments,workloadinstances"]) say(context, `  ${line}`);
}

/** From what is there to a first deployment. */
async function ownSteps(client: KubeClient, signal: AbortSignal): Promise<string[]> {
  const [environments, runtimes] = await Promise.all([client.list(environment, { signal }), client.list(runtimeInstance, { signal })]);
  const names = (found: { readonly items: readonly StoredObject[] }): (string | undefined)[] => found.items.map(({ metadata }) => metadata.name);
  const [place] = names(environments);
  if (place !== undefined) return [`tptctl deploy app.yaml --env ${place}`];
  const [runtime] = names(runtimes);
  const deploy = ["tptctl deploy app.yaml --env dev"];
  if (runtime !== undefined) return [`tptctl env create dev --runtime ${runtime}`, ...deploy];
  // A Kubernetes on this machine needs root.
  if (process.getuid?.() === 0)
    return ["tptctl runtime add local --provider local   # or: runtime add NAME --kubeconfig FILE", "tptctl env create dev --runtime local", ...deploy];
  return ["tptctl runtime add NAME --kubeconfig FILE", "tptctl env create dev --runtime NAME", ...deploy];
}

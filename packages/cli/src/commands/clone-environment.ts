import type { KubeClient } from "@threeport/client";
import { systemClock } from "@threeport/platform";
import { isErrorCode, PlatformError } from "@threeport/resource";
import { connect } from "../connect.ts";
import { say, type CliContext } from "../context.ts";
import { conditionOf, environment, isCurrent, projectFlag, workloadInstance, type Environment, type Observed } from "../kinds.ts";
import { requireEnvironment } from "../objects/require-environment.ts";
import { cut, plainText } from "../output/terminal.ts";
import { durationText } from "../parse.ts";
import { createLiveView, spinnerAt } from "../progress/live-view.ts";
import { waitFor } from "../progress/wait-for.ts";

interface Flags {
  readonly project: string;
  readonly ttl?: string;
  readonly runtime?: string;
  readonly tier?: "development" | "staging" | "production";
  readonly baseDomain?: string;
  readonly wait: boolean;
  readonly timeout?: number;
}

/** Databases are made, and images pulled. */
const timeoutDefaultMs = 10 * 60_000;

/** An environment for one project, with what another one says and what the project has deployed there. */
export async function cloneEnvironment(this: CliContext, flags: Flags, source: string, name: string): Promise<void> {
  const { signal } = this;
  const { project, ttl, runtime, tier, baseDomain } = flags;
  await using client = await connect(this);
  await requireEnvironment(client, source, signal);
  const spec = {
    cloneOf: { environment: source },
    project,
    ...(ttl === undefined ? {} : { ttl }),
    ...(runtime === undefined ? {} : { runtime }),
    ...(tier === undefined ? {} : { tier }),
    ...(baseDomain === undefined ? {} : { baseDomain }),
  };
  try {
    await client.create(environment, { ...environment, metadata: { name }, spec }, { signal });
    say(this, `environment ${name} created as a clone of ${source} for project ${project}${ttl === undefined ? "" : `; it ends itself after ${ttl}`}`);
  } catch (error) {
    if (!isErrorCode(error, "TP_ALREADY_EXISTS")) throw error;
    const existing = await client.get<Environment>({ ...environment, name }, { signal });
    const from = (existing.spec?.["cloneOf"] as { environment?: string } | undefined)?.environment;
    if (from !== source || existing.spec?.["project"] !== project)
      throw new PlatformError("TP_ALREADY_EXISTS", {
        message: `there is an environment ${name}${from === undefined ? "" : `, a clone of ${from}`}`,
        detail: { hint: `take another name; tptctl env describe ${name} shows that one` },
      });
    say(this, `environment ${name} is there already, a clone of ${source} for project ${project}`);
  }
  if (!flags.wait) return say(this, `look at it with tptctl env describe ${name}`);
  await waitForClone(this, client, { name, project, timeoutMs: flags.timeout ?? timeoutDefaultMs });
}

interface CloneWait {
  readonly name: string;
  readonly project: string;
  readonly timeoutMs: number;
}

/** @throws PlatformError TP_NOT_HEALTHY when something of it has stalled; TP_DEADLINE */
async function waitForClone(context: CliContext, client: KubeClient, { name, project, timeoutMs }: CloneWait): Promise<void> {
  const { signal, terminal } = context;
  using view = createLiveView(context, systemClock);
  const startedMs = systemClock.monotonic();
  const took = (): string => durationText(systemClock.monotonic() - startedMs);
  let told = "";
  const tell = (sentence: string): void => {
    if (sentence === told) return;
    told = sentence;
    if (!terminal.interactive) view.keep(sentence);
  };
  view.show((frame) => [cut(`${spinnerAt(frame)} environment ${name}  ${took()}  ${told}`, terminal.size().columns - 1)]);
  try {
    const deployments = await waitFor(
      async () => {
        const found = await client.get<Environment>({ ...environment, name }, { signal });
        const { clone } = found.status ?? {};
        if (!isReady(found, `environment ${name}`, tell) || clone === undefined) return undefined;
        for (const each of clone.deployments) {
          const instance = await client.get<Observed>({ ...workloadInstance, namespace: project, name: each }, { signal });
          if (!isReady(instance, `deployment ${each}`, tell)) return undefined;
        }
        return clone.deployments;
      },
      { clock: systemClock, signal, timeoutMs, onTrouble: (sentence) => tell(plainText(sentence ?? "the control plane answers again")) },
    );
    const what = deployments.length === 1 ? "1 deployment" : `${deployments.length} deployments`;
    view.end([`${terminal.paint("green", "✔")} environment ${name} is ready: ${what} healthy (${took()})`]);
  } catch (error) {
    view.end();
    if (!isErrorCode(error, "TP_DEADLINE")) throw error;
    throw new PlatformError("TP_DEADLINE", {
      message: `environment ${name} is not ready after ${durationText(timeoutMs)}: ${told}`,
      detail: { hint: `it goes on by itself; tptctl env describe ${name} shows it, tptctl why DEPLOYMENT${projectFlag(project)} tells the cause` },
    });
  }
}

/** Tells what it says while it is not. @throws PlatformError TP_NOT_HEALTHY when waiting will not help */
function isReady(object: Observed, label: string, tell: (sentence: string) => void): boolean {
  const ready = conditionOf(object, "Ready");
  const current = isCurrent(object, ready) ? ready : undefined;
  if (current?.status === "True") return true;
  const sentence = `${label}: ${current === undefined ? "is being looked at" : `${current.reason}: ${plainText(current.message)}`}`;
  if (current !== undefined && conditionOf(object, "Stalled")?.status === "True")
    throw new PlatformError("TP_NOT_HEALTHY", { message: sentence, detail: { hint: "what it says has to be mended; it is tried on" } });
  tell(sentence);
  return false;
}

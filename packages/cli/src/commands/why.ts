import { resourcePath, type KubeClient } from "@threeport/client";
import { systemClock } from "@threeport/platform";
import { formatApiVersion } from "@threeport/resource";
import { connect } from "../connect.ts";
import { say, type CliContext } from "../context.ts";
import { defaultProject, type Observed } from "../kinds.ts";
import { findInstance } from "../objects/find-instance.ts";
import { readOne } from "../objects/selection.ts";
import { plainText } from "../output/terminal.ts";
import { yamlText } from "../output/yaml.ts";
import { instances } from "../tree/fetch-tree.ts";
import { isWell, type CauseStep } from "../why/cause-step.ts";
import { isHidden, readEvents, type ClusterEvent } from "../why/events.ts";
import { chainLines } from "../why/render-chain.ts";
import { walk, type Chain } from "../why/walk.ts";

interface Flags {
  readonly namespace?: string;
  readonly tail: number;
  readonly output: "text" | "json" | "yaml";
}

/** Warnings of the cluster that are shown; the newest. */
const eventsMax = 3;
/** Columns where output is no terminal: nothing is broken into lines. */
const columnsMax = 10_000;
/** As deploy and wait: something is not healthy. */
const notHealthyExitCode = 8;

interface More {
  readonly log: readonly string[] | undefined;
  readonly events: readonly ClusterEvent[];
}

/** Shows what an object waits for or fails by, down to the container; ends with 8 unless it is healthy. */
export async function why(this: CliContext, flags: Flags, ...args: string[]): Promise<void> {
  const { signal, terminal } = this;
  await using client = await connect(this);
  const namespace = flags.namespace ?? defaultProject;
  const chain = await walk(client, await objectOf(client, { namespace, args }, signal), signal);
  const cause = chain.steps.at(-1);
  const well = cause !== undefined && chain.steps.length === 1 && isWell(cause);
  const more = cause === undefined || well ? { log: undefined, events: [] } : await moreOf(client, { chain, cause, tail: flags.tail }, signal);
  if (flags.output !== "text") {
    const value = {
      healthy: well,
      chain: chain.steps,
      ...(more.log === undefined ? {} : { log: more.log }),
      ...(more.events.length === 0 ? {} : { events: more.events }),
    };
    say(this, flags.output === "json" ? JSON.stringify(value, undefined, 2) : yamlText(value).trimEnd());
  } else {
    const columns = terminal.interactive ? terminal.size().columns - 1 : columnsMax;
    for (const line of chainLines(chain.steps, { terminal, columns, nowMs: systemClock.now() })) say(this, line);
    printMore(this, cause, more);
  }
  if (!well) this.process.exitCode = notHealthyExitCode;
}

/** A plain name is a deployment. */
async function objectOf(
  client: KubeClient,
  { namespace, args }: { readonly namespace: string; readonly args: readonly string[] },
  signal: AbortSignal,
): Promise<Observed> {
  const [only] = args;
  if (args.length === 1 && only !== undefined && !only.includes("/"))
    return { kind: "WorkloadInstance", ...(await findInstance(client, { namespace, name: only }, signal)) };
  const { resource, name } = readOne(await client.discover({ signal }), args);
  const target = { apiVersion: formatApiVersion(resource.group, resource.version), kind: resource.kind, name, ...(resource.namespaced ? { namespace } : {}) };
  return { ...(await client.get<Observed>(target, { signal })), kind: resource.kind };
}

/** What the cluster tells beside: read now, under the rights of who asks, and left out where he has none. */
async function moreOf(
  client: KubeClient,
  { chain, cause, tail }: { readonly chain: Chain; readonly cause: CauseStep; readonly tail: number },
  signal: AbortSignal,
): Promise<More> {
  const { instance } = chain;
  if (instance === undefined) return { log: undefined, events: [] };
  const names = new Set(chain.steps.map(({ kind, name }) => `${kind}/${name}`));
  const [log, events] = await Promise.all([
    cause.container === undefined || tail === 0
      ? undefined
      : orNothing(readLog(client, { instance, pod: cause.name, container: cause.container, tail }, signal)),
    orNothing(readEvents(client, instance, signal)),
  ]);
  return { log, events: (events ?? []).filter(({ type, object }) => type === "Warning" && names.has(object)).slice(-eventsMax) };
}

async function readLog(
  client: KubeClient,
  query: {
    readonly instance: { readonly namespace: string; readonly name: string };
    readonly pod: string;
    readonly container: NonNullable<CauseStep["container"]>;
    readonly tail: number;
  },
  signal: AbortSignal,
): Promise<string[]> {
  const { container, pod, tail } = query;
  const path = resourcePath(instances, { ...query.instance, subresource: "log" });
  const answer = await client.request(path, { query: { pod, container: container.name, tail, ...(container.previous ? { previous: true } : {}) }, signal });
  const prefix = `${pod} ${container.name} | `;
  return String(answer.body)
    .split("\n")
    .filter((line) => line.startsWith(prefix))
    .map((line) => line.slice(prefix.length))
    .filter((line) => !line.startsWith("(no log: ")); // it has not begun: that is the cause already
}

async function orNothing<T>(reading: Promise<T>): Promise<T | undefined> {
  return reading.catch((error: unknown) => {
    if (isHidden(error)) return undefined;
    throw error;
  });
}

function printMore(context: CliContext, cause: CauseStep | undefined, { log, events }: More): void {
  if (log !== undefined && log.length > 0 && cause?.container !== undefined) {
    say(context, `\nLast lines of container ${cause.container.name}${cause.container.previous ? ", of the run before" : ""}:`);
    for (const line of log) say(context, `  ${plainText(line)}`);
  }
  if (events.length === 0) return;
  say(context, "\nEvents in the cluster:");
  for (const { object, reason, message, count, lastSeen } of events)
    say(context, `  ${lastSeen} ${object}: ${reason}: ${plainText(message)}${count > 1 ? ` (${count} times)` : ""}`);
}

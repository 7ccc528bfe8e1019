import type { KubeClient } from "@threeport/client";
import { systemClock } from "@threeport/platform";
import { toPlatformError } from "@threeport/resource";
import { connect } from "../connect.ts";
import { note, say, type CliContext } from "../context.ts";
import { followDeployment } from "../deploy/follow-deployment.ts";
import { ensureProject, writeDefinition, writeInstance, type Wanted } from "../deploy/write-workload.ts";
import { projectFlag } from "../kinds.ts";
import { locateCauses } from "../manifests/locate-causes.ts";
import { requireEnvironment } from "../objects/require-environment.ts";
import { plainText } from "../output/terminal.ts";
import { loadWorkloads } from "../workloads/load-workloads.ts";
import type { Workload, WorkloadFlags } from "../workloads/workload.ts";

interface Flags extends WorkloadFlags {
  readonly env: string;
  readonly project: string;
  readonly replicas?: number;
  readonly wait: boolean;
  readonly timeout?: number;
}

/** Long enough for images to be pulled, short enough to be told. */
const timeoutDefaultMs = 5 * 60_000;

export async function deploy(this: CliContext, flags: Flags, ...paths: string[]): Promise<void> {
  const { signal } = this;
  const workloads = await loadWorkloads(this, flags, paths);
  await using client = await connect(this);
  await requireEnvironment(client, flags.env, signal);
  if (await ensureProject(client, flags.project, signal)) say(this, `project ${flags.project} created`);
  // All are written before one is waited for: they may need each other.
  const written: Written[] = [];
  for (const workload of workloads) written.push(await write(this, client, { flags, workload }));
  const waited = written.filter(({ stays }) => !stays);
  if (!flags.wait) {
    for (const { instance } of waited) say(this, `look at it with tptctl tree ${instance}${projectFlag(flags.project)}`);
    return;
  }
  const startedMs = systemClock.monotonic();
  const failures: unknown[] = [];
  for (const { instance, definition, generation } of waited) {
    try {
      const goal = { definitionGeneration: generation };
      await followDeployment(this, client, { project: flags.project, definition, instance, goal, timeoutMs: flags.timeout ?? timeoutDefaultMs, startedMs });
    } catch (error) {
      if (signal.aborted) throw error;
      failures.push(error); // the others are told of all the same
    }
  }
  for (const failure of failures.slice(1)) note(this, `error: ${plainText(toPlatformError(failure).message)}`);
  if (failures.length > 0) throw failures[0];
}

interface Written {
  readonly definition: string;
  readonly instance: string;
  readonly generation: number;
  /** It does not come to what was written before somebody lets it. */
  readonly stays: boolean;
}

async function write(context: CliContext, client: KubeClient, { flags, workload }: { readonly flags: Flags; readonly workload: Workload }): Promise<Written> {
  const { signal } = context;
  const { name, source, values } = workload;
  const wanted: Wanted = {
    project: flags.project,
    definition: name,
    instance: `${name}-${flags.env}`,
    environment: flags.env,
    source,
    values,
    replicas: flags.replicas,
  };
  const written = await writeDefinition(client, wanted, signal).catch((error: unknown) => {
    throw locateCauses(error, workload.origin);
  });
  say(context, `workload ${name} ${written.change} (${workload.summary})`);
  const { change, pinnedTo, instance } = await writeInstance(client, wanted, signal);
  if (change === "created") say(context, `deployment ${wanted.instance} created in environment ${flags.env}`);
  if (change === "configured") say(context, `deployment ${wanted.instance} configured`);
  if (values === undefined && instance.spec.values !== undefined)
    note(
      context,
      `notice: ${wanted.instance} keeps values of its own: kubectl get workloadinstance ${wanted.instance}${projectFlag(flags.project)} -o yaml shows them under spec.values`,
    );
  if (pinnedTo !== undefined)
    note(
      context,
      `warning: ${wanted.instance} is pinned to release ${pinnedTo} and stays there; tptctl rollback ${wanted.instance}${projectFlag(flags.project)} --to latest makes it follow`,
    );
  const paused = instance.spec.paused === true && (written.change !== "unchanged" || change !== "unchanged");
  if (paused)
    note(context, `notice: ${wanted.instance} is paused, and this release waits: tptctl resume ${wanted.instance}${projectFlag(flags.project)} goes on`);
  return { definition: name, instance: wanted.instance, generation: written.generation, stays: pinnedTo !== undefined || paused };
}

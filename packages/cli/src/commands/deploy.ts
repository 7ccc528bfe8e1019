import type { KubeClient } from "@threeport/client";
import { isErrorCode, PlatformError } from "@threeport/resource";
import { connect } from "../connect.ts";
import { note, say, type CliContext } from "../context.ts";
import { followDeployment } from "../deploy/follow-deployment.ts";
import { ensureProject, writeDefinition, writeInstance, type Wanted } from "../deploy/write-workload.ts";
import { defaultProject, environment, type Observed } from "../kinds.ts";
import { locateCauses } from "../manifests/locate-causes.ts";
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
/** Environments named in a message. */
const namedMax = 10;

export async function deploy(this: CliContext, flags: Flags, ...paths: string[]): Promise<void> {
  const { signal } = this;
  const workloads = await loadWorkloads(this, flags, paths);
  await using client = await connect(this);
  await requireEnvironment(client, flags.env, signal);
  if (await ensureProject(client, flags.project, signal)) say(this, `project ${flags.project} created`);
  // All are written before one is waited for: they may need each other.
  const written: Written[] = [];
  for (const workload of workloads) written.push(await write(this, client, { flags, workload }));
  for (const { pinnedTo, instance, definition, generation } of written) {
    if (pinnedTo !== undefined)
      note(
        this,
        `warning: ${instance} is pinned to release ${pinnedTo} and stays there; tptctl rollback ${instance}${ofProject(flags)} --to latest makes it follow`,
      );
    else if (!flags.wait) say(this, `look at it with tptctl tree ${instance}${ofProject(flags)}`);
    else
      await followDeployment(this, client, {
        project: flags.project,
        definition,
        instance,
        goal: { definitionGeneration: generation },
        timeoutMs: flags.timeout ?? timeoutDefaultMs,
      });
  }
}

interface Written {
  readonly definition: string;
  readonly instance: string;
  readonly generation: number;
  readonly pinnedTo: string | undefined;
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
      `notice: ${wanted.instance} keeps values of its own: kubectl get workloadinstance ${wanted.instance}${ofProject(flags)} -o yaml shows them under spec.values`,
    );
  if (instance.spec.paused === true)
    note(context, `notice: ${wanted.instance} is paused, and this release waits: tptctl resume ${wanted.instance}${ofProject(flags)} goes on`);
  return { definition: name, instance: wanted.instance, generation: written.generation, pinnedTo };
}

function ofProject({ project }: Pick<Flags, "project">): string {
  return project === defaultProject ? "" : ` -n ${project}`;
}

export async function requireEnvironment(client: KubeClient, name: string, signal: AbortSignal): Promise<void> {
  try {
    await client.get({ ...environment, name }, { signal });
  } catch (error) {
    if (!isErrorCode(error, "TP_NOT_FOUND")) throw error;
    const others = (await client.list<Observed>(environment, { signal })).items.map(({ metadata }) => metadata.name).slice(0, namedMax);
    throw new PlatformError("TP_NOT_FOUND", {
      message: `there is no environment ${name}`,
      detail: {
        hint:
          others.length > 0
            ? `there are ${others.join(", ")}; tptctl env create ${name} --runtime RUNTIME makes it`
            : `make it: tptctl env create ${name} --runtime RUNTIME; tptctl runtime list shows the runtimes`,
      },
    });
  }
}

import type { KubeClient } from "@threeport/client";
import { isErrorCode, PlatformError } from "@threeport/resource";
import { connect } from "../connect.ts";
import { note, say, type CliContext } from "../context.ts";
import { followDeployment } from "../deploy/follow-deployment.ts";
import { ensureProject, writeDefinition, writeInstance, type Wanted } from "../deploy/write-workload.ts";
import { defaultProject, environment, type Observed } from "../kinds.ts";
import { loadManifests } from "../manifests/load-manifests.ts";
import { locateCauses, originInWorkload } from "../manifests/locate-causes.ts";
import { readSources } from "../manifests/read-sources.ts";
import { workloadName } from "../manifests/workload-name.ts";

interface Flags {
  readonly env: string;
  readonly name?: string;
  readonly project: string;
  readonly wait: boolean;
  readonly timeout?: number;
}

/** Long enough for images to be pulled, short enough to be told. */
const timeoutDefaultMs = 5 * 60_000;
/** Environments named in a message. */
const namedMax = 10;

export async function deploy(this: CliContext, flags: Flags, ...paths: string[]): Promise<void> {
  const { signal } = this;
  const definition = flags.name ?? workloadName(paths[0] ?? "");
  const { manifests, warnings } = loadManifests(await readSources(paths, this.stdin));
  for (const warning of warnings) note(this, `warning: ${warning}`);
  await using client = await connect(this);
  await requireEnvironment(client, flags.env, signal);
  const wanted: Wanted = {
    project: flags.project,
    definition,
    instance: `${definition}-${flags.env}`,
    environment: flags.env,
    objects: manifests.map(({ value }) => value),
  };

  if (await ensureProject(client, wanted.project, signal)) say(this, `project ${wanted.project} created`);
  const written = await writeDefinition(client, wanted, signal).catch((error: unknown) => {
    throw locateCauses(error, originInWorkload(manifests));
  });
  say(this, `workload ${definition} ${written.change} (${manifests.length} ${manifests.length === 1 ? "object" : "objects"})`);
  const { change, pinnedTo } = await writeInstance(client, wanted, signal);
  if (change === "created") say(this, `deployment ${wanted.instance} created in environment ${flags.env}`);
  const project = wanted.project === defaultProject ? "" : ` -n ${wanted.project}`;
  if (pinnedTo !== undefined) {
    return note(
      this,
      `warning: ${wanted.instance} is pinned to release ${pinnedTo} and stays there; kubectl patch workloadinstance ${wanted.instance}${project} --type=merge -p '{"spec":{"release":"latest"}}' makes it follow`,
    );
  }
  if (!flags.wait) return say(this, `look at it with tptctl tree ${wanted.instance}${project}`);
  await followDeployment(this, client, {
    project: wanted.project,
    definition,
    instance: wanted.instance,
    goal: { definitionGeneration: written.generation },
    timeoutMs: flags.timeout ?? timeoutDefaultMs,
  });
}

async function requireEnvironment(client: KubeClient, name: string, signal: AbortSignal): Promise<void> {
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

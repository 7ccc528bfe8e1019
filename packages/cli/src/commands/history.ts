import type { KubeClient } from "@threeport/client";
import { PlatformError, type ObjectMeta } from "@threeport/resource";
import { connect } from "../connect.ts";
import { note, say, type CliContext } from "../context.ts";
import { defaultProject, projectFlag, release as releaseKind, workloadInstance, type WorkloadInstance } from "../kinds.ts";
import { findInstance } from "../objects/find-instance.ts";
import { tableLines } from "../output/table.ts";

interface Release {
  readonly metadata: ObjectMeta;
  readonly spec: { readonly definition: string; readonly number: number; readonly images?: readonly { readonly image: string }[] };
}

interface Flags {
  readonly namespace?: string;
}

/** Follows the definition, in place of the name of a release. */
const latest = "latest";

/** Releases of a workload, newest first: when they were made, with which images, and where they run. */
export async function history(this: CliContext, flags: Flags, name: string): Promise<void> {
  const { signal } = this;
  await using client = await connect(this);
  const namespace = flags.namespace ?? defaultProject;
  const instances = (await client.list<WorkloadInstance>({ ...workloadInstance, namespace }, { signal })).items;
  // A workload, or one of its deployments.
  const definition = instances.find(({ metadata }) => metadata.name === name)?.spec.definition ?? name;
  const releases = await releasesOf(client, { namespace, definition }, signal);
  if (releases.length === 0) {
    const there = [...new Set(instances.map(({ spec }) => spec.definition))].slice(0, 10);
    throw new PlatformError("TP_NOT_FOUND", {
      message: `there are no releases of ${name} in project ${namespace}`,
      detail: { hint: there.length > 0 ? `there are workloads ${there.join(", ")}` : "tptctl deploy FILE --env ENV makes the first one" },
    });
  }
  const rows = releases.map(({ metadata, spec }) => {
    const running = instances.filter(({ status }) => status?.release === metadata.name);
    const images = [...new Set((spec.images ?? []).map(({ image }) => image))];
    return [metadata.name, metadata.creationTimestamp, images.join(","), running.map((instance) => runningText(instance, metadata.name)).join(", ")];
  });
  for (const line of tableLines({ columns: ["Release", "Created", "Images", "Runs as"], rows })) say(this, line);
}

function runningText({ metadata, spec }: WorkloadInstance, release: string): string {
  return `${metadata.name}${spec.release === release ? " (pinned)" : ""}`;
}

/** Brings a deployment to an earlier release, and pins it there. */
export async function rollback(this: CliContext, flags: Flags & { readonly to?: string }, name: string): Promise<void> {
  const { signal } = this;
  await using client = await connect(this);
  const namespace = flags.namespace ?? defaultProject;
  const instance = await findInstance(client, { namespace, name }, signal);
  const releases = await releasesOf(client, { namespace, definition: instance.spec.definition }, signal);
  const target = flags.to ?? before(instance, releases);
  const current = instance.spec.release ?? latest;
  if (target !== latest && !releases.some(({ metadata }) => metadata.name === target))
    throw new PlatformError("TP_NOT_FOUND", {
      message: `there is no release ${target} of ${instance.spec.definition}`,
      detail: { hint: `there are ${releases.map(({ metadata }) => metadata.name).join(", ")}; or ${latest}, which follows the workload` },
    });
  const own = instance.metadata.name;
  if (current === target) return say(this, `${own} is at ${target} already`);
  await client.patch({ ...workloadInstance, namespace, name: own }, { spec: { release: target } }, { signal });
  if (target === latest) say(this, `${own} follows its workload again`);
  else say(this, `${own} goes to release ${target} and stays there; tptctl rollback ${own}${projectFlag(namespace)} --to ${latest} makes it follow again`);
  if (instance.spec.paused === true) note(this, `notice: ${own} is paused: nothing happens before tptctl resume ${own}${projectFlag(namespace)}`);
}

/** The release before the one that runs. */
function before(instance: WorkloadInstance, releases: readonly Release[]): string {
  const running = releases.find(({ metadata }) => metadata.name === instance.status?.release);
  const previous = running === undefined ? undefined : releases.find(({ spec }) => spec.number < running.spec.number);
  if (previous !== undefined) return previous.metadata.name;
  throw new PlatformError("TP_NOT_FOUND", {
    message: running === undefined ? `${instance.metadata.name} runs no release yet` : `${running.metadata.name} is the oldest release that is kept`,
    detail: { hint: `tptctl history ${instance.metadata.name} shows what there is; --to names one` },
  });
}

/** Newest first. */
async function releasesOf(client: KubeClient, of: { readonly namespace: string; readonly definition: string }, signal: AbortSignal): Promise<Release[]> {
  const { items } = await client.list<Release>({ ...releaseKind, namespace: of.namespace }, { signal });
  return items.filter(({ spec }) => spec.definition === of.definition).toSorted((a, b) => b.spec.number - a.spec.number);
}

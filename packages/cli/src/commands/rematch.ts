import { resourcePath, type KubeClient } from "@threeport/client";
import { PlatformError } from "@threeport/resource";
import { connect } from "../connect.ts";
import { say, type CliContext } from "../context.ts";
import { defaultProject, dependencyProfile, projectFlag, type Dependency, type DependencyProfile } from "../kinds.ts";
import { findDependency } from "../objects/find-dependency.ts";
import { getIfThere } from "../objects/get-if-there.ts";
import { fetchMatch } from "../profiles/fetch-match.ts";
import { followDependency } from "../progress/follow-dependency.ts";
import { readTree, withoutSets, type TreeNode } from "../tree/tree-node.ts";
import { askFor } from "./dependencies.ts";

export interface RematchFlags {
  readonly namespace?: string;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly wait: boolean;
  readonly timeout?: number;
}

/** Chooses a profile anew, and says before what is lost by it. Without another one nothing changes. */
export async function rematchDependency(this: CliContext, flags: RematchFlags, name: string): Promise<void> {
  const { signal } = this;
  const project = flags.namespace ?? defaultProject;
  await using client = await connect(this);
  const found = await findDependency(client, { namespace: project, name }, signal);
  const { environment, type, class: sort, runtime, profile, rematchTo } = found.spec;
  const match = await fetchMatch(client, { project, environment, type, class: sort, runtime }, signal);
  const best = match.candidates.find(({ chosen }) => chosen);
  if (best === undefined) {
    const why = match.candidates.map((candidate) => `${candidate.profile} ${candidate.reason}`).join("; ");
    return say(this, `${name} stays as it is: no profile of type ${type} fits environment ${environment}${why === "" ? "" : `: ${why}`}`);
  }
  if (profile === undefined) return say(this, `${name} has no profile yet, and gets ${best.profile} by itself`);
  const why = best.reason.replace(/^the only/, "is the only");
  if (best.profile === profile) {
    // What was asked for before may have become impossible, and would hold it up for good.
    if (rematchTo !== undefined && !flags.dryRun) await askFor(client, found, { rematchTo: null }, signal);
    return say(this, `${name} stays with ${profile}: it ${why}${rematchTo === undefined ? "" : `; ${rematchTo}, which was asked for before, is not taken`}`);
  }
  say(this, `${name} would be met by ${best.profile}, which ${why}, and no more by ${profile}`);
  await sayWhatIsLost(this, client, found);
  if (flags.dryRun) return;
  if (!flags.yes)
    throw new PlatformError("TP_USAGE", {
      message: "nothing was changed",
      detail: { hint: `if what is listed may be lost: tptctl dependency rematch ${name}${projectFlag(project)} --yes` },
    });
  const asked = await askFor(client, found, { rematchTo: best.profile }, signal);
  if (!flags.wait) return say(this, `${name} is met anew; look at it with tptctl get dependency ${name}${projectFlag(project)}`);
  await followDependency(this, client, { dependency: asked, goal: `is met by ${best.profile}`, timeoutMs: flags.timeout });
}

const dependencies = { group: "threeport.io", version: "v1alpha1", resource: "dependencies", namespaced: true };
/** Kinds that belong to those above them, and say nothing of what is held. */
const untold: ReadonlySet<string> = new Set(["Pod", "ReplicaSet", "ControllerRevision", "EndpointSlice"]);

async function sayWhatIsLost(context: CliContext, client: KubeClient, { metadata, spec, status }: Dependency): Promise<void> {
  const { signal } = context;
  const path = resourcePath(dependencies, { namespace: metadata.namespace, name: metadata.name, subresource: "tree" });
  const root = readTree((await client.request(path, { signal })).body);
  // What it requires is another dependency, and ends by its own rules.
  const made = root === undefined ? [] : withoutSets(root).children.filter(({ kind }) => kind !== "Dependency" && kind !== "DependencyClaim");
  const lost = made.flatMap(namesIn);
  say(
    context,
    lost.length === 0 ? `profile ${spec.profile ?? ""} made nothing that would be lost` : `what ${spec.profile ?? ""} made is removed, with all that it holds:`,
  );
  for (const name of lost) say(context, `  ${name}`);
  const profile = await getIfThere<DependencyProfile>(client, { ...dependencyProfile, name: spec.profile ?? "" }, signal);
  if (profile?.spec.deletion?.policy === "Retain") say(context, `${spec.profile ?? ""} keeps it when nobody uses it any more; this removes it all the same`);
  const users = status?.users ?? [];
  if (users.length > 0) say(context, `it is used by ${users.join(", ")}: they get what ${metadata.name} gives then, and their pods are replaced`);
}

function namesIn(node: TreeNode): string[] {
  return [...(untold.has(node.kind) ? [] : [`${node.kind}/${node.name}`]), ...node.children.flatMap(namesIn)];
}

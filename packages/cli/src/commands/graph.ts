import type { KubeClient } from "@threeport/client";
import { isErrorCode } from "@threeport/resource";
import { connect } from "../connect.ts";
import { note, say, type CliContext } from "../context.ts";
import { dotText, mermaidText } from "../graph/draw.ts";
import { graphOf, type Graph } from "../graph/model.ts";
import {
  defaultProject,
  dependency,
  dependencyClaim,
  resourceSet,
  supportServiceInstance,
  workloadInstance,
  type Dependency,
  type DependencyClaim,
  type Observed,
  type WorkloadInstance,
} from "../kinds.ts";
import { findInstance } from "../objects/find-instance.ts";
import { requireEnvironment } from "../objects/require-environment.ts";

export interface GraphFlags {
  readonly namespace?: string;
  readonly env?: string;
  readonly output: "dot" | "mermaid" | "json";
}

export async function graph(this: CliContext, flags: GraphFlags, name?: string): Promise<void> {
  const { signal } = this;
  const project = flags.namespace ?? defaultProject;
  await using client = await connect(this);
  if (flags.env !== undefined) await requireEnvironment(client, flags.env, signal);
  const instance = name === undefined ? undefined : (await findInstance(client, { namespace: project, name }, signal)).metadata.name;
  const all = async <T extends Observed>(kind: { readonly apiVersion: string; readonly kind: string }): Promise<readonly T[]> =>
    (await client.list<T>({ ...kind, namespace: project }, { signal })).items;
  const [instances, claims, dependencies, services, sets] = await Promise.all([
    all<WorkloadInstance>(workloadInstance),
    all<DependencyClaim>(dependencyClaim),
    all<Dependency>(dependency),
    readServices(client, signal),
    all<Observed>(resourceSet),
  ]);
  const drawn = graphOf({ project, instances, claims, dependencies, services, sets }, { instance, environment: flags.env });
  if (drawn.nodes.length === 0) note(this, `nothing is deployed in project ${project}${flags.env === undefined ? "" : ` and environment ${flags.env}`}`);
  say(this, textOf(drawn, flags.output));
}

/** They belong to no project, so whoever may only see one gets none. */
async function readServices(client: KubeClient, signal: AbortSignal): Promise<readonly Observed[]> {
  try {
    return (await client.list<Observed>(supportServiceInstance, { signal })).items;
  } catch (error) {
    if (isErrorCode(error, "TP_FORBIDDEN")) return [];
    throw error;
  }
}

function textOf(drawn: Graph, output: GraphFlags["output"]): string {
  switch (output) {
    case "dot":
      return dotText(drawn);
    case "mermaid":
      return mermaidText(drawn);
    case "json":
      return JSON.stringify(drawn, undefined, 2);
  }
}

import type { ReconcileContext, Verdict } from "@threeport/engine";
import { environmentKind } from "@threeport/module-environment";
import { isErrorCode } from "@threeport/resource";
import { workloadInstanceKind, type WorkloadInstance } from "../kinds/index.ts";
import { copiesOf, type Copy } from "./copies-of.ts";

/** Deploys in one environment what a project has in another. Called again it makes what is missing; what is there already stays as it is. */
export async function copyDeployments(
  copy: Copy,
  { objects, signal }: Pick<ReconcileContext, "objects" | "signal">,
): Promise<{ readonly deployments: readonly string[] } | { readonly verdict: Verdict }> {
  const copies = copiesOf(await instancesIn(copy.from, objects), copy);
  for (const each of copies) {
    signal.throwIfAborted();
    const { name, namespace = "" } = each.metadata;
    const taken = await objects.create(each).then(
      () => undefined,
      async (error: unknown) => {
        if (!isErrorCode(error, "TP_ALREADY_EXISTS")) throw error;
        const there = await objects.get<WorkloadInstance>({ apiVersion: each.apiVersion, kind: each.kind, namespace, name });
        return there?.spec.environment === copy.to && there.spec.definition === each.spec.definition ? undefined : there;
      },
    );
    if (taken !== undefined) return { verdict: nameTaken(taken, copy) };
  }
  return { deployments: copies.map(({ metadata }) => metadata.name).toSorted() };
}

function nameTaken({ metadata, spec }: WorkloadInstance, { from, to }: Copy): Verdict {
  return {
    state: "stalled",
    reason: "CloneNameTaken",
    message: `there is a deployment ${metadata.namespace ?? ""}/${metadata.name} of workload ${spec.definition} in environment ${spec.environment}, where the clone of ${from} would have one: delete it, or delete environment ${to} and clone ${from} under another name`,
  };
}

/** All deployments of an environment. */
export async function instancesIn(environment: string, objects: Pick<ReconcileContext["objects"], "list">): Promise<readonly WorkloadInstance[]> {
  const { apiVersion, kind } = environmentKind;
  return objects.list<WorkloadInstance>(workloadInstanceKind, { refersTo: { apiVersion, kind, name: environment } });
}

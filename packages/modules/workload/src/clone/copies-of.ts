import { shortened } from "@threeport/module-environment";
import type { KubeObject } from "@threeport/resource";
import { workloadInstanceKind, type WorkloadInstance } from "../kinds/index.ts";

export interface Copy {
  readonly project: string;
  readonly from: string;
  readonly to: string;
}

/** Longest name of an object. */
const nameMax = 253;
/** Of a namespace in a cluster. */
const namespaceMax = 63;

/** Pure. What a project has deployed in one environment, as it would be deployed in another: what runs, how often, what is different; not where, nor whether it is paused. */
export function copiesOf(instances: readonly WorkloadInstance[], { project, from, to }: Copy): WorkloadInstance[] {
  const own = instances.filter(({ metadata, spec }) => metadata.namespace === project && spec.environment === from && metadata.deletionTimestamp === undefined);
  return own.map(({ metadata, spec }) => {
    const { definition, release, replicas, values, targetNamespace, progressDeadlineSeconds } = spec;
    const object: KubeObject = {
      apiVersion: workloadInstanceKind.apiVersion,
      kind: workloadInstanceKind.kind,
      metadata: {
        name: nameIn(metadata.name, { from, to }),
        namespace: project,
        ...(metadata.labels === undefined ? {} : { labels: metadata.labels }),
      },
      spec: {
        definition,
        environment: to,
        release,
        progressDeadlineSeconds,
        ...(replicas === undefined ? {} : { replicas }),
        ...(values === undefined ? {} : { values }),
        // The other environment's namespace stays its own, also where both are in one cluster.
        ...(targetNamespace === undefined ? {} : { targetNamespace: shortened(`${targetNamespace}-${to}`, namespaceMax) }),
      },
    };
    return object as WorkloadInstance;
  });
}

/** `web-dev` of `dev` is `web-pr-42` in `pr-42`: what `tptctl deploy` would call it. */
function nameIn(name: string, { from, to }: Pick<Copy, "from" | "to">): string {
  const stem = name.endsWith(`-${from}`) ? name.slice(0, -from.length - 1) : name;
  return shortened(`${stem}-${to}`, nameMax);
}

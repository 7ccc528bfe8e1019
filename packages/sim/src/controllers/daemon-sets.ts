import type { KubeObject, StoredObject } from "@threeport/resource";
import type { SimCluster } from "../cluster.ts";
import { controllerKey, type Controller } from "../controller.ts";
import { obstacleOf, type NodeRoom } from "../nodes/room.ts";
import { makePod, refusedAgain, tellRefused } from "./make-pod.ts";
import { fieldsOf, isReady, ownedBy, podFrom, podKind, setStatus, templateHash, type Fields } from "./owned.ts";

const revisionLabel = "controller-revision-hash";
const setKind = { apiVersion: "apps/v1", kind: "DaemonSet" };
/** Every set looks again at this key. */
const all = "/";

/** What pods of a DaemonSet tolerate beside what they say: they belong to their node however it fares. */
const ownTolerations: readonly Fields[] = [
  ...["not-ready", "unreachable"].map((key) => ({ key: `node.kubernetes.io/${key}`, operator: "Exists", effect: "NoExecute" })),
  ...["disk-pressure", "memory-pressure", "pid-pressure", "unschedulable"].map((key) => ({
    key: `node.kubernetes.io/${key}`,
    operator: "Exists",
    effect: "NoSchedule",
  })),
];

/** One pod on each node that takes it. */
export const daemonSetController: Controller = {
  name: "daemon-sets",
  watches: [{ resource: "nodes", keys: () => [all] }, { resource: "daemonsets.apps" }, { resource: "pods", keys: controllerKey("DaemonSet") }],
  async reconcile(cluster, { namespace, name, text }) {
    const sets = text === all ? await cluster.objects.list(setKind) : [await cluster.objects.get({ ...setKind, namespace, name })];
    let refused = false;
    for (const set of sets) if (set !== undefined && set.metadata.deletionTimestamp === undefined) refused = (await look(cluster, set)) || refused;
    return refused ? refusedAgain(cluster, sets[0]?.metadata.creationTimestamp) : undefined;
  },
};

/** True when the cluster refuses a pod. */
async function look(cluster: SimCluster, set: StoredObject): Promise<boolean> {
  const { name, namespace = "" } = set.metadata;
  const revision = templateHash(fieldsOf(set["spec"])["template"]);
  const wanted = new Map(cluster.room.nodes.filter((node) => takes(node, set)).map((node) => [node.name, node]));
  const pods = (await ownedBy(cluster, podKind, set)).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const kept = new Map<string, StoredObject>();
  const surplus: StoredObject[] = [];
  for (const pod of pods) {
    const node = nodeOf(pod);
    const ended = fieldsOf(pod["status"])["phase"] === "Failed";
    if (node === undefined || !wanted.has(node) || kept.has(node) || ended) surplus.push(pod);
    else kept.set(node, pod);
  }
  const outdated = [...kept.values()].filter(({ metadata }) => metadata.labels?.[revisionLabel] !== revision);
  const rolls = fieldsOf(fieldsOf(set["spec"])["updateStrategy"])["type"] !== "OnDelete";
  const [old] = rolls && kept.size === wanted.size && [...kept.values()].every((pod) => isReady(pod) || outdated.includes(pod)) ? outdated : [];
  for (const { metadata } of [...surplus, ...(old === undefined ? [] : [old])])
    await cluster.objects.delete({ ...podKind, namespace, name: metadata.name }, { uid: metadata.uid });
  let refused: string | undefined;
  for (const node of wanted.keys())
    if (!kept.has(node) && refused === undefined)
      refused = await makePod(cluster, podFor(set, node, { name: `${name}-${cluster.random.suffix(5)}`, revision }));
  if (refused !== undefined) await tellRefused(cluster, set, `Error creating: ${refused}`);
  const ready = [...kept.values()].filter(isReady).length;
  await setStatus(cluster, set, {
    observedGeneration: set.metadata.generation ?? 0,
    currentNumberScheduled: kept.size,
    desiredNumberScheduled: wanted.size,
    numberMisscheduled: 0,
    numberReady: ready,
    ...(ready === 0 ? {} : { numberAvailable: ready }),
    ...(ready === wanted.size ? {} : { numberUnavailable: wanted.size - ready }),
    updatedNumberScheduled: kept.size - outdated.length,
  });
  return refused !== undefined;
}

function takes(node: NodeRoom, set: StoredObject): boolean {
  return obstacleOf(node, withTolerations(fieldsOf(fieldsOf(fieldsOf(set["spec"])["template"])["spec"]))) === undefined;
}

function withTolerations(spec: Fields): Fields {
  return { ...spec, tolerations: [...((spec["tolerations"] as readonly Fields[] | undefined) ?? []), ...ownTolerations] };
}

/** The scheduler places it, and may place it there alone. */
function podFor(set: StoredObject, node: string, { name, revision }: { readonly name: string; readonly revision: string }): KubeObject {
  const template = fieldsOf(fieldsOf(fieldsOf(set["spec"])["template"])["spec"]);
  const terms = [{ matchFields: [{ key: "metadata.name", operator: "In", values: [node] }] }];
  const affinity = { ...fieldsOf(template["affinity"]), nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } };
  return podFrom(set, name, { [revisionLabel]: revision }, { tolerations: withTolerations(template)["tolerations"], affinity });
}

/** The node that it runs on, or is meant for. */
function nodeOf(pod: StoredObject): string | undefined {
  const spec = fieldsOf(pod["spec"]);
  const required = fieldsOf(fieldsOf(fieldsOf(spec["affinity"])["nodeAffinity"])["requiredDuringSchedulingIgnoredDuringExecution"]);
  const [term] = (required["nodeSelectorTerms"] as readonly { readonly matchFields?: readonly { readonly values?: readonly string[] }[] }[] | undefined) ?? [];
  return (spec["nodeName"] as string | undefined) ?? term?.matchFields?.[0]?.values?.[0];
}

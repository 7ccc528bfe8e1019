import type { KubeObject, StoredObject } from "@threeport/resource";
import type { SimCluster } from "../cluster.ts";
import { controllerKey, type Controller } from "../controller.ts";
import { makePod, refusedAgain, tellRefused } from "./make-pod.ts";
import { controlledBy, fieldsOf, isReady, numberOf, ownedBy, podFrom, podKind, setStatus, templateHash, type Fields } from "./owned.ts";

const revisionLabel = "controller-revision-hash";

/** Pods by number: made and replaced one after another, each when those before it are ready. */
export const statefulSetController: Controller = {
  name: "stateful-sets",
  watches: [{ resource: "statefulsets.apps" }, { resource: "pods", keys: controllerKey("StatefulSet") }],
  async reconcile(cluster, { namespace, name }) {
    const set = await cluster.objects.get({ apiVersion: "apps/v1", kind: "StatefulSet", namespace, name });
    if (set === undefined || set.metadata.deletionTimestamp !== undefined) return undefined;
    const revision = `${name}-${templateHash(fieldsOf(set["spec"])["template"])}`;
    const pods = (await ownedBy(cluster, podKind, set))
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .toSorted((a, b) => numberIn(a) - numberIn(b));
    const refused = await step(cluster, set, { pods, revision });
    await tell(cluster, set, { pods, revision });
    return refused === undefined ? undefined : refusedAgain(cluster, set.metadata.creationTimestamp);
  },
};

interface State {
  readonly pods: readonly StoredObject[];
  readonly revision: string;
}

/** What the cluster says to a pod that it does not take. */
async function step(cluster: SimCluster, set: StoredObject, { pods, revision }: State): Promise<string | undefined> {
  const spec = fieldsOf(set["spec"]);
  const wanted = numberOf(spec["replicas"], 1);
  const parallel = spec["podManagementPolicy"] === "Parallel";
  const remove = ({ metadata }: StoredObject) =>
    cluster.objects.delete({ ...podKind, namespace: metadata.namespace ?? "", name: metadata.name }, { uid: metadata.uid });
  for (let number = 0; number < wanted; number++) {
    const found = pods.find((pod) => numberIn(pod) === number);
    if (found === undefined) {
      const name = `${set.metadata.name}-${number}`;
      const volumes = await claimVolumes(cluster, set, name);
      const refused = await makePod(
        cluster,
        podFrom(
          set,
          name,
          { [revisionLabel]: revision, "statefulset.kubernetes.io/pod-name": name, "apps.kubernetes.io/pod-index": String(number) },
          { hostname: name, subdomain: spec["serviceName"] ?? "", ...(volumes.length === 0 ? {} : { volumes }) },
        ),
      );
      if (refused !== undefined) {
        await tellRefused(cluster, set, `create Pod ${name} in StatefulSet ${set.metadata.name} failed error: ${refused}`);
        return refused;
      }
    }
    if (!parallel && (found === undefined || !isReady(found))) return undefined;
  }
  const surplus = pods.filter((pod) => numberIn(pod) >= wanted).toReversed();
  if (surplus[0] !== undefined) {
    await remove(surplus[0]);
    return undefined;
  }
  const strategy = fieldsOf(spec["updateStrategy"]);
  if (strategy["type"] === "OnDelete") return undefined;
  const partition = numberOf(fieldsOf(strategy["rollingUpdate"])["partition"], 0);
  const old = pods.filter((pod) => numberIn(pod) >= partition && pod.metadata.labels?.[revisionLabel] !== revision).at(-1);
  if (old !== undefined && pods.every(isReady)) await remove(old);
  return undefined;
}

/** The volumes of a pod: those of the template, and one for each claim, which is made when it is not there and outlives the pod. */
async function claimVolumes({ objects }: SimCluster, set: StoredObject, pod: string): Promise<Fields[]> {
  const spec = fieldsOf(set["spec"]);
  const templates = (spec["volumeClaimTemplates"] as Fields[] | undefined) ?? [];
  const volumes: Fields[] = [];
  for (const template of templates) {
    const metadata = fieldsOf(template["metadata"]);
    const volume = String(metadata["name"]);
    const target = { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace: set.metadata.namespace ?? "", name: `${volume}-${pod}` };
    if ((await objects.get(target)) === undefined) {
      const { apiVersion, kind, namespace, name } = target;
      const labels = { ...fieldsOf(metadata["labels"]), ...fieldsOf(fieldsOf(spec["selector"])["matchLabels"]) };
      const goesAlong = fieldsOf(spec["persistentVolumeClaimRetentionPolicy"])["whenDeleted"] === "Delete";
      const owners = goesAlong ? { ownerReferences: controlledBy(set) } : {};
      const claim = { apiVersion, kind, metadata: { ...metadata, name, namespace, labels, ...owners }, spec: template["spec"] };
      await objects.create(claim as unknown as KubeObject);
    }
    volumes.push({ name: volume, persistentVolumeClaim: { claimName: target.name } });
  }
  const own = (fieldsOf(fieldsOf(spec["template"])["spec"])["volumes"] as Fields[] | undefined) ?? [];
  // A claim takes the place of a volume of its name, as upstream.
  return templates.length === 0 ? [] : [...volumes, ...own.filter(({ name }) => !volumes.some((each) => each["name"] === name))];
}

async function tell(cluster: SimCluster, set: StoredObject, { pods, revision }: State): Promise<void> {
  const known = fieldsOf(set["status"]);
  const updated = pods.filter(({ metadata }) => metadata.labels?.[revisionLabel] === revision);
  const wanted = numberOf(fieldsOf(set["spec"])["replicas"], 1);
  const through = updated.length === wanted && pods.length === wanted && pods.every(isReady);
  const before = typeof known["currentRevision"] === "string" ? known["currentRevision"] : revision;
  const currentRevision = through ? revision : before;
  const status: Fields = {
    observedGeneration: set.metadata.generation ?? 0,
    replicas: pods.length,
    readyReplicas: pods.filter(isReady).length,
    availableReplicas: pods.filter(isReady).length,
    currentReplicas: pods.filter(({ metadata }) => metadata.labels?.[revisionLabel] === currentRevision).length,
    updatedReplicas: updated.length,
    currentRevision,
    updateRevision: revision,
    collisionCount: 0,
  };
  await setStatus(cluster, set, status);
}

function numberIn(pod: StoredObject): number {
  return Number(/-(\d{1,9})$/.exec(pod.metadata.name)?.[1] ?? Number.NaN);
}

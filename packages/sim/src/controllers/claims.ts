import type { StoredObject } from "@threeport/resource";
import type { SimCluster } from "../cluster.ts";
import type { Controller } from "../controller.ts";
import { tellEvent } from "./events.ts";
import { fieldsOf, setSpec, setStatus } from "./owned.ts";

const claimKind = { apiVersion: "v1", kind: "PersistentVolumeClaim" };
const classKind = { apiVersion: "storage.k8s.io/v1", kind: "StorageClass" };
const isDefault = "storageclass.kubernetes.io/is-default-class";

/** Every claim that waits for a class looks again at this key. */
const waiting = "/";

/** What keeps a claim that a pod still uses. */
const protection = "kubernetes.io/pvc-protection";

/** Claims are bound at once: every StorageClass has room, and a claim that says nothing of one gets the default. */
export const claimController: Controller = {
  name: "claims",
  watches: [
    { resource: "storageclasses.storage.k8s.io", keys: () => [waiting] },
    { resource: "persistentvolumeclaims" },
    { resource: "pods", keys: claimsMounted },
  ],
  async reconcile(cluster, { namespace, name, text }) {
    const claims = text === waiting ? await cluster.objects.list(claimKind) : [await cluster.objects.get({ ...claimKind, namespace, name })];
    for (const claim of claims) if (claim !== undefined) await look(cluster, claim);
    return undefined;
  },
};

async function look(cluster: SimCluster, claim: StoredObject): Promise<void> {
  if (claim.metadata.deletionTimestamp !== undefined) return letGo(cluster, claim);
  if (fieldsOf(claim["status"])["phase"] === "Bound") return;
  const spec = fieldsOf(claim["spec"]);
  const storageClassName = spec["storageClassName"] ?? (await defaultClass(cluster));
  if (spec["volumeName"] === undefined) {
    if (typeof storageClassName !== "string" || storageClassName === "")
      return tell(cluster, claim, ["Normal", "FailedBinding", "no persistent volumes available for this claim and no storage class is set"]);
    if ((await cluster.objects.get({ ...classKind, name: storageClassName })) === undefined)
      return tell(cluster, claim, ["Warning", "ProvisioningFailed", `storageclass.storage.k8s.io "${storageClassName}" not found`]);
  }
  await setSpec(cluster, claim, {
    volumeName: spec["volumeName"] ?? `pvc-${claim.metadata.uid}`,
    ...(storageClassName === undefined ? {} : { storageClassName }),
  });
  const now = (await cluster.objects.get({ ...claimKind, namespace: claim.metadata.namespace ?? "", name: claim.metadata.name })) ?? claim;
  await setStatus(cluster, now, { phase: "Bound", accessModes: spec["accessModes"] ?? [], capacity: fieldsOf(spec["resources"])["requests"] ?? {} });
}

/** A claim under deletion goes when no pod mounts it any more. */
async function letGo({ objects }: SimCluster, claim: StoredObject): Promise<void> {
  const finalizers = claim.metadata.finalizers ?? [];
  if (!finalizers.includes(protection)) return;
  const { namespace = "", name } = claim.metadata;
  const pods = await objects.list({ apiVersion: "v1", kind: "Pod" }, { namespace });
  if (pods.some((pod) => claimsMounted(pod).includes(`${namespace}/${name}`))) return;
  await objects.commit<StoredObject>(claim, { ...claim, metadata: { ...claim.metadata, finalizers: finalizers.filter((each) => each !== protection) } });
}

/** Keys of the claims of a pod. */
function claimsMounted(pod: StoredObject): string[] {
  const volumes = (fieldsOf(pod["spec"])["volumes"] as readonly unknown[] | undefined) ?? [];
  return volumes.flatMap((volume) => {
    const { claimName } = fieldsOf(fieldsOf(volume)["persistentVolumeClaim"]);
    return typeof claimName === "string" ? [`${pod.metadata.namespace ?? ""}/${claimName}`] : [];
  });
}

async function defaultClass({ objects }: SimCluster): Promise<string | undefined> {
  const classes = await objects.list(classKind);
  return classes.find(({ metadata }) => metadata.annotations?.[isDefault] === "true")?.metadata.name;
}

async function tell(cluster: SimCluster, claim: StoredObject, [type, reason, message]: readonly ["Normal" | "Warning", string, string]): Promise<void> {
  await tellEvent(cluster, claim, { type, reason, message, component: "persistentvolume-controller" });
}

/** The class that a cluster begins with. */
export const usualClass = {
  ...classKind,
  metadata: { name: "standard", annotations: { [isDefault]: "true" } },
  provisioner: "simulation.threeport.io/disk",
};

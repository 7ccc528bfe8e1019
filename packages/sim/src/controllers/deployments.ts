import { rfc3339 } from "@threeport/platform";
import { isErrorCode, type StoredObject } from "@threeport/resource";
import type { SimCluster } from "../cluster.ts";
import { controllerKey, type Again, type Controller } from "../controller.ts";
import { conditionAt, conditionOf, controlledBy, fieldsOf, numberOf, ownedBy, setSpec, setStatus, shareOf, templateHash, type Fields } from "./owned.ts";

const hashLabel = "pod-template-hash";
const revisionAnnotation = "deployment.kubernetes.io/revision";
/** How Kubernetes says that there is no deadline. */
const noDeadlineSeconds = 2_147_483_647;
const setKind = { apiVersion: "apps/v1", kind: "ReplicaSet" };

export const deploymentController: Controller = {
  name: "deployments",
  watches: [{ resource: "deployments.apps" }, { resource: "replicasets.apps", keys: controllerKey("Deployment") }],
  async reconcile(cluster, { namespace, name }) {
    const deployment = await cluster.objects.get({ apiVersion: "apps/v1", kind: "Deployment", namespace, name });
    if (deployment === undefined || deployment.metadata.deletionTimestamp !== undefined) return undefined;
    const sets = await ownedBy(cluster, setKind, deployment);
    const hash = templateHash(fieldsOf(deployment["spec"])["template"]);
    const current = sets.find(({ metadata }) => metadata.labels?.[hashLabel] === hash);
    const old = sets.filter((set) => set !== current);
    if (fieldsOf(deployment["spec"])["paused"] !== true) {
      if (current === undefined) await makeSet(cluster, deployment, { hash, old });
      else await roll(cluster, deployment, { current, old });
      await forget(cluster, deployment, old);
    }
    return tell(cluster, deployment, { current, old });
  },
};

interface Sets {
  /** The one of the present template. */
  readonly current: StoredObject | undefined;
  readonly old: readonly StoredObject[];
}

async function makeSet(
  cluster: SimCluster,
  deployment: StoredObject,
  { hash, old }: { readonly hash: string; readonly old: readonly StoredObject[] },
): Promise<void> {
  const spec = fieldsOf(deployment["spec"]);
  const template = fieldsOf(spec["template"]);
  const metadata = fieldsOf(template["metadata"]);
  const labels = { ...(metadata["labels"] as Record<string, string> | undefined), [hashLabel]: hash };
  const revision = String(1 + Math.max(0, ...old.map(revisionOf)));
  const selector = fieldsOf(spec["selector"]);
  await cluster.objects
    .create({
      ...setKind,
      metadata: {
        name: `${deployment.metadata.name}-${hash}`,
        namespace: deployment.metadata.namespace ?? "",
        labels,
        annotations: { [revisionAnnotation]: revision },
        ownerReferences: controlledBy(deployment),
      },
      spec: {
        replicas: 0,
        ...(spec["minReadySeconds"] === undefined ? {} : { minReadySeconds: spec["minReadySeconds"] }),
        selector: { ...selector, matchLabels: { ...fieldsOf(selector["matchLabels"]), [hashLabel]: hash } },
        template: { ...template, metadata: { ...metadata, labels } },
      },
    })
    .catch((error: unknown) => {
      if (!isErrorCode(error, "TP_ALREADY_EXISTS")) throw error;
    });
  await cluster.objects.commit<StoredObject>(deployment, {
    ...deployment,
    metadata: { ...deployment.metadata, annotations: { ...deployment.metadata.annotations, [revisionAnnotation]: revision } },
  });
}

/** New pods come as far as maxSurge allows, old ones go as far as maxUnavailable does; those that were never available go first. */
async function roll(
  cluster: SimCluster,
  deployment: StoredObject,
  { current, old }: { readonly current: StoredObject; readonly old: readonly StoredObject[] },
): Promise<void> {
  const wanted = wantedOf(deployment);
  const { surge, unavailable, recreate } = limitsOf(deployment);
  const of = (field: "replicas", set: StoredObject): number => numberOf(fieldsOf(set["spec"])[field], 1);
  const oldTotal = old.reduce((sum, set) => sum + of("replicas", set), 0);
  if (recreate) {
    for (const set of old) await setSpec(cluster, set, { replicas: 0 });
    if (old.every((set) => statusOf(set, "replicas") === 0)) await setSpec(cluster, current, { replicas: wanted });
    return;
  }
  const now = of("replicas", current);
  const grown = now > wanted ? wanted : Math.min(wanted, now + Math.max(0, wanted + surge - now - oldTotal));
  await setSpec(cluster, current, { replicas: grown });
  // What the new ones still owe cannot be taken from the old ones.
  let removable = now + oldTotal - (wanted - unavailable) - (now - statusOf(current, "availableReplicas"));
  for (const set of [...old].sort((a, b) => revisionOf(a) - revisionOf(b))) {
    const idle = of("replicas", set) - statusOf(set, "availableReplicas");
    const less = Math.min(of("replicas", set), Math.max(idle, removable), Math.max(0, removable));
    if (less > 0) await setSpec(cluster, set, { replicas: of("replicas", set) - less });
    removable -= Math.max(0, less);
  }
}

/** Old sets without pods are kept for a while, to go back to. */
async function forget(cluster: SimCluster, deployment: StoredObject, old: readonly StoredObject[]): Promise<void> {
  const kept = numberOf(fieldsOf(deployment["spec"])["revisionHistoryLimit"], 10);
  const empty = old
    .filter((set) => statusOf(set, "replicas") === 0 && numberOf(fieldsOf(set["spec"])["replicas"], 1) === 0)
    .toSorted((a, b) => revisionOf(b) - revisionOf(a));
  for (const { metadata } of empty.slice(kept))
    await cluster.objects.delete({ ...setKind, namespace: metadata.namespace ?? "", name: metadata.name }, { uid: metadata.uid });
}

async function tell(cluster: SimCluster, before: StoredObject, { current, old }: Sets): Promise<Again | undefined> {
  // It may have been written by this run already.
  const deployment =
    (await cluster.objects.get({ apiVersion: "apps/v1", kind: "Deployment", namespace: before.metadata.namespace ?? "", name: before.metadata.name })) ??
    before;
  const nowMs = cluster.time.now();
  const wanted = wantedOf(deployment);
  const all = current === undefined ? old : [current, ...old];
  const sum = (field: string): number => all.reduce((total, set) => total + statusOf(set, field), 0);
  const [replicas, ready, available] = [sum("replicas"), sum("readyReplicas"), sum("availableReplicas")];
  const updated = current === undefined ? 0 : statusOf(current, "replicas");
  const done = updated === wanted && available === wanted && replicas === wanted;
  const progress = `${replicas}/${updated}/${available}`;
  const known = conditionOf(deployment, "Progressing");
  const moved = fieldsOf(deployment["status"])["replicas"] === undefined || progress !== progressOf(deployment);
  const updatedAtMs = known === undefined || moved ? nowMs : Date.parse(String(known["lastUpdateTime"]));
  const limitSeconds = numberOf(fieldsOf(deployment["spec"])["progressDeadlineSeconds"], 600);
  const late = !done && limitSeconds !== noDeadlineSeconds && nowMs >= updatedAtMs + limitSeconds * 1_000;
  const name = current?.metadata.name ?? "";
  const words = done
    ? { status: "True" as const, reason: "NewReplicaSetAvailable", message: `ReplicaSet "${name}" has successfully progressed.` }
    : late
      ? { status: "False" as const, reason: "ProgressDeadlineExceeded", message: `ReplicaSet "${name}" has timed out progressing.` }
      : { status: "True" as const, reason: "ReplicaSetUpdated", message: `ReplicaSet "${name}" is progressing.` };
  const enough = available >= wanted - limitsOf(deployment).unavailable;
  const availability = enough
    ? { status: "True" as const, reason: "MinimumReplicasAvailable", message: "Deployment has minimum availability." }
    : { status: "False" as const, reason: "MinimumReplicasUnavailable", message: "Deployment does not have minimum availability." };
  const status: Fields = {
    observedGeneration: deployment.metadata.generation ?? 0,
    ...positive({
      replicas,
      updatedReplicas: updated,
      readyReplicas: ready,
      availableReplicas: available,
      unavailableReplicas: Math.max(0, wanted - available),
    }),
    conditions: [
      { ...conditionAt(deployment, { type: "Available", ...availability }, nowMs), lastUpdateTime: rfc3339(nowMs - (nowMs % 60_000)) },
      { ...conditionAt(deployment, { type: "Progressing", ...words }, nowMs), lastUpdateTime: rfc3339(updatedAtMs) },
      ...failuresOf(current),
    ],
  };
  await setStatus(cluster, deployment, status);
  return done || late || limitSeconds === noDeadlineSeconds ? undefined : { afterMs: Math.max(1, updatedAtMs + limitSeconds * 1_000 - nowMs) };
}

/** Pods that the cluster refuses are told by their set first. */
function failuresOf(set: StoredObject | undefined): readonly Fields[] {
  const failure = set === undefined ? undefined : conditionOf(set, "ReplicaFailure");
  return failure === undefined ? [] : [{ ...failure, lastUpdateTime: failure["lastTransitionTime"] }];
}

function progressOf(deployment: StoredObject): string {
  return `${statusOf(deployment, "replicas")}/${statusOf(deployment, "updatedReplicas")}/${statusOf(deployment, "availableReplicas")}`;
}

/** Counts of zero are left out, as upstream's are. */
function positive(counts: Readonly<Record<string, number>>): Fields {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

function wantedOf(deployment: StoredObject): number {
  return numberOf(fieldsOf(deployment["spec"])["replicas"], 1);
}

function limitsOf(deployment: StoredObject): { readonly surge: number; readonly unavailable: number; readonly recreate: boolean } {
  const strategy = fieldsOf(fieldsOf(deployment["spec"])["strategy"]);
  if (strategy["type"] === "Recreate") return { surge: 0, unavailable: wantedOf(deployment), recreate: true };
  const { maxSurge = "25%", maxUnavailable = "25%" } = fieldsOf(strategy["rollingUpdate"]);
  const wanted = wantedOf(deployment);
  const surge = shareOf(maxSurge, wanted, Math.ceil);
  const unavailable = shareOf(maxUnavailable, wanted, Math.floor);
  // Both at nothing would never end.
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : Math.min(unavailable, wanted), recreate: false };
}

function revisionOf(set: StoredObject): number {
  return Number(set.metadata.annotations?.[revisionAnnotation] ?? 0);
}

function statusOf(object: StoredObject, field: string): number {
  return numberOf(fieldsOf(object["status"])[field], 0);
}

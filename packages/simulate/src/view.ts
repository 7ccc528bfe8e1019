// What there is at rest, without what differs between two runs of the same story: identities, versions, times, and names that were made up.
import type { StoredObject } from "@threeport/resource";
import { builtInKinds } from "@threeport/sim";
import type { ObjectStore } from "@threeport/store";
import type { World } from "./world.ts";

/** By place (`one: Deployment default-dev/web`), in order. */
export type View = ReadonlyMap<string, string>;

/** Says nothing about the desired state, or differs by its nature. */
const leftOut = new Set(["Event", "EndpointSlice", "Node", "ClusterRole", "ClusterRoleBinding", "SelfSubjectAccessReview"]);
const listMax = 100_000;

export async function viewOf(world: World): Promise<View> {
  const view = new Map<string, string>();
  const storeKinds = world.kinds.map(({ resource, kind }) => ({ resource, kind }));
  await collect(view, "control plane", world.store, storeKinds);
  for (const [name, cluster] of world.simulation.clusters) await collect(view, name, cluster, builtInKinds());
  for (const { owner, entry } of world.store.save().inventory) {
    // What is not there and may still come by a lost call is remembered for some minutes.
    if ((JSON.parse(entry.detail) as { absentSince?: number }).absentSince !== undefined) continue;
    put(view, `inventory: ${normal(owner)} ${entry.id}`, entry.state);
  }
  return new Map([...view].sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function collect(
  view: Map<string, string>,
  where: string,
  { reader }: Pick<ObjectStore, "reader">,
  kinds: readonly { readonly resource: string; readonly kind: string }[],
): Promise<void> {
  for (const { resource, kind } of kinds) {
    if (leftOut.has(kind)) continue;
    const { items } = await reader.list({ kind: resource, limit: listMax });
    for (const { body } of items) {
      const object = JSON.parse(body) as StoredObject & { spec?: { replicas?: number } };
      if (kind === "ReplicaSet" && object.spec?.replicas === 0) continue; // history
      put(view, `${where}: ${kind} ${object.metadata.namespace ?? ""}/${nameOf(object)}`, textOf(object));
    }
  }
}

/** Objects in clusters that carry our mark, and that no inventory knows: nobody will ever remove them. */
export async function straysOf(world: World): Promise<string[]> {
  const known = new Set(world.store.save().inventory.map(({ entry }) => entry.uid));
  const strays: string[] = [];
  for (const [name, { reader }] of world.simulation.clusters)
    for (const { resource, kind } of builtInKinds()) {
      const { items } = await reader.list({ kind: resource, limit: listMax });
      for (const { body } of items) {
        const { metadata } = JSON.parse(body) as StoredObject;
        if (metadata.labels?.["threeport.io/owner"] !== undefined && !known.has(metadata.uid))
          strays.push(`${name}: ${kind} ${metadata.namespace ?? ""}/${metadata.name}`);
      }
    }
  return strays;
}

/** Several of one name, as the pods of a ReplicaSet, are counted by what follows theirs. */
function put(view: Map<string, string>, place: string, text: string): void {
  let free = place;
  for (let n = 2; view.has(free); n++) free = `${place} (${n})`;
  view.set(free, text);
}

/** Pods, ReplicaSets and the like are called after their controller. */
function nameOf({ metadata }: StoredObject): string {
  const controller = metadata.ownerReferences?.find((owner) => owner.controller === true);
  return controller === undefined || !metadata.name.startsWith(`${controller.name}-`) ? metadata.name : `${controller.name}-*`;
}

const leftOutOfMetadata = new Set(["uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "managedFields", "generation", "name"]);
/** By what a run happened to do when, or by the object's uid. */
const leftOutFields = new Set([
  "observedGeneration",
  "lastTransitionTime",
  "lastUpdateTime",
  "lastProbeTime",
  "startTime",
  "startedAt",
  "renewTime",
  "acquireTime",
  "clusterIP",
  "clusterIPs",
  "nodePort",
  "nodeName",
  "hostIP",
  "podIP",
  "podIPs",
  "containerID",
  "collisionCount",
  "deployment.kubernetes.io/revision",
  "secretVersion",
  "rendered",
]);

function textOf(object: StoredObject): string {
  const metadata = Object.fromEntries(Object.entries(object.metadata).filter(([key]) => !leftOutOfMetadata.has(key)));
  const told = { ...object, metadata };
  return normal(JSON.stringify(told, (key, value: unknown) => (leftOutFields.has(key) ? undefined : inOrder(value))));
}

/** Conditions by their type and owners by their name, whoever came first; fields by name. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) {
    const keys = value.map((item: unknown) => {
      const { type, blockOwnerDeletion, kind, name } = (item ?? {}) as Readonly<Record<string, unknown>>;
      return typeof type === "string" ? type : blockOwnerDeletion === undefined ? undefined : `${String(kind)}/${String(name)}`;
    });
    if (keys.includes(undefined)) return value;
    return value
      .map((item: unknown, index) => ({ item, key: keys[index] ?? "" }))
      .toSorted((a, b) => (a.key < b.key ? -1 : 1))
      .map(({ item }) => item);
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function normal(text: string): string {
  return text
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "UID")
    .replaceAll(/kube-api-access-[0-9a-z]+/g, "kube-api-access-*")
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, "TIME");
}

/** One line for each place that differs, at most `most`. */
export function differences(wanted: View, found: View, most = 5): string[] {
  const lines: string[] = [];
  for (const place of new Set([...wanted.keys(), ...found.keys()])) {
    const [before, after] = [wanted.get(place), found.get(place)];
    if (before === after) continue;
    if (before === undefined) lines.push(`too much: ${place}: ${after ?? ""}`);
    else if (after === undefined) lines.push(`missing: ${place}`);
    else lines.push(`other: ${place}: ${around(before, after)}`);
  }
  return lines.length > most ? [...lines.slice(0, most), `and ${lines.length - most} more`] : lines;
}

/** Where two texts part. */
function around(before: string, after: string): string {
  let at = 0;
  while (at < before.length && before[at] === after[at]) at++;
  const from = Math.max(0, at - 60);
  return `wanted …${before.slice(from, at + 120)}… found …${after.slice(from, at + 120)}…`;
}

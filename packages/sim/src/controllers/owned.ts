import { createHash } from "node:crypto";
import { rfc3339 } from "@threeport/platform";
import { deepEqual, type KubeObject, type StoredObject } from "@threeport/resource";
import type { SimCluster } from "../cluster.ts";

export type Fields = Readonly<Record<string, unknown>>;

export function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

export function numberOf(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}

/** Objects of a kind whose controller is `owner`. */
export async function ownedBy(cluster: SimCluster, kind: { readonly apiVersion: string; readonly kind: string }, owner: StoredObject): Promise<StoredObject[]> {
  const all = await cluster.objects.list(kind, { namespace: owner.metadata.namespace ?? "" });
  return all.filter(({ metadata }) => (metadata.ownerReferences ?? []).some(({ uid, controller }) => uid === owner.metadata.uid && controller === true));
}

export function controlledBy(owner: StoredObject): NonNullable<KubeObject["metadata"]["ownerReferences"]> {
  const { apiVersion, kind, metadata } = owner;
  return [{ apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true, blockOwnerDeletion: true }];
}

/** Writes a status that differs from the one that is there. */
export async function setStatus(cluster: SimCluster, object: StoredObject, status: Fields): Promise<void> {
  if (deepEqual(object["status"], status)) return;
  await cluster.objects.patchStatus<StoredObject>({ ...object, status });
}

/** Changes fields of the spec where they differ. */
export async function setSpec(cluster: SimCluster, object: StoredObject, change: Fields): Promise<void> {
  const spec = { ...fieldsOf(object["spec"]), ...change };
  if (!deepEqual(object["spec"], spec)) await cluster.objects.commit<StoredObject>(object, { ...object, spec });
}

export interface Condition {
  readonly type: string;
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
}

/** A condition with the times that it had, where its status has not changed. */
export function conditionAt(object: StoredObject, condition: Condition, nowMs: number): Fields {
  const known = ((fieldsOf(object["status"])["conditions"] as Fields[] | undefined) ?? []).find(({ type }) => type === condition.type);
  const since = known !== undefined && known["status"] === condition.status ? known["lastTransitionTime"] : rfc3339(nowMs);
  return { ...condition, lastTransitionTime: since };
}

export function conditionOf(object: KubeObject, type: string): Fields | undefined {
  return ((fieldsOf(object["status"])["conditions"] as Fields[] | undefined) ?? []).find((each) => each["type"] === type);
}

export function isReady(pod: KubeObject): boolean {
  return conditionOf(pod, "Ready")?.["status"] === "True";
}

/** Since when a pod is ready, milliseconds since 1970. */
export function readySince(pod: KubeObject): number {
  return Date.parse(String(conditionOf(pod, "Ready")?.["lastTransitionTime"] ?? ""));
}

export function isActive(pod: StoredObject): boolean {
  const phase = fieldsOf(pod["status"])["phase"];
  return pod.metadata.deletionTimestamp === undefined && phase !== "Failed" && phase !== "Succeeded";
}

/** Tells templates apart, as `pod-template-hash` does. */
export function templateHash(template: unknown): string {
  return createHash("sha256").update(JSON.stringify(template)).digest("hex").slice(0, 10);
}

/** A number, or a share of `whole` such as `25%`. */
export function shareOf(value: unknown, whole: number, round: (value: number) => number): number {
  if (typeof value === "number") return value;
  const percent = /^(\d{1,9})%$/.exec(String(value))?.[1];
  return percent === undefined ? 0 : round((Number(percent) * whole) / 100);
}

/** A pod from a template. */
export function podFrom(owner: StoredObject, name: string, labels: Readonly<Record<string, string>> = {}, spec: Fields = {}): KubeObject {
  const template = fieldsOf(fieldsOf(owner["spec"])["template"]);
  const metadata = fieldsOf(template["metadata"]);
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      generateName: `${owner.metadata.name}-`,
      namespace: owner.metadata.namespace ?? "",
      labels: { ...(metadata["labels"] as Record<string, string> | undefined), ...labels },
      ...(metadata["annotations"] === undefined ? {} : { annotations: metadata["annotations"] as Record<string, string> }),
      ownerReferences: controlledBy(owner),
    },
    spec: { ...fieldsOf(template["spec"]), ...spec },
  };
}

export const podKind = { apiVersion: "v1", kind: "Pod" };

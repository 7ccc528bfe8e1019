import { rfc3339 } from "@threeport/platform";
import type { StoredObject } from "@threeport/resource";
import { recommend } from "../autoscaling/recommend.ts";
import { withinLimits } from "../autoscaling/within-limits.ts";
import type { SimCluster } from "../cluster.ts";
import type { Again, Controller } from "../controller.ts";
import { tellEvent } from "./events.ts";
import { conditionAt, conditionOf, fieldsOf, numberOf, setSpec, setStatus, type Condition, type Fields } from "./owned.ts";

/** From one look to the next, and how long a smaller size must have been wanted. */
const lookMs = 15_000;
const stabilizationMs = 300_000;

/** Sizes by the CPU that pods are said to use (see usage.ts). */
export const autoscalerController: Controller = {
  name: "autoscalers",
  watches: [{ resource: "horizontalpodautoscalers.autoscaling" }],
  async reconcile(cluster, { namespace, name, text }): Promise<Again | undefined> {
    const scaler = await cluster.objects.get({ apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", namespace, name });
    if (scaler === undefined || scaler.metadata.deletionTimestamp !== undefined) {
      cluster.autoscaling.delete(text);
      return undefined;
    }
    // Whatever changed meanwhile, its own status first of all: the next look has its time.
    const nowMs = cluster.time.now();
    const { lookedMs = -Infinity, recent = [] } = cluster.autoscaling.get(text) ?? {};
    if (nowMs < lookedMs + lookMs) return { afterMs: lookedMs + lookMs - nowMs };
    cluster.autoscaling.set(text, { lookedMs: nowMs, recent });
    await look(cluster, scaler, text);
    return { afterMs: lookMs };
  },
};

async function look(cluster: SimCluster, scaler: StoredObject, key: string): Promise<void> {
  const spec = fieldsOf(scaler["spec"]);
  const { apiVersion, kind, name } = fieldsOf(spec["scaleTargetRef"]) as { apiVersion?: string; kind?: string; name?: string };
  const target = await targetOf(cluster, scaler, { apiVersion, kind, name });
  if (target === undefined) {
    const why = `${kind === undefined ? "" : `${kind.toLowerCase()}s.${(apiVersion ?? "").split("/")[0]}`} "${name ?? ""}" not found`;
    const message = `the HPA controller was unable to get the target's current scale: ${why}`;
    return tell(cluster, scaler, {
      conditions: [{ type: "AbleToScale", status: "False", reason: "FailedGetScale", message }],
      warning: ["FailedGetScale", why],
    });
  }
  const current = numberOf(fieldsOf(target["spec"])["replicas"], 1);
  const got: Condition = {
    type: "AbleToScale",
    status: "True",
    reason: "SucceededGetScale",
    message: "the HPA controller was able to get the target's current scale",
  };
  const [least, most] = [numberOf(spec["minReplicas"], 1), numberOf(spec["maxReplicas"], 1)];
  if (current === 0) {
    const message = "scaling is disabled since the replica count of the target is zero";
    return tell(cluster, scaler, { current, desired: 0, conditions: [got, { type: "ScalingActive", status: "False", reason: "ScalingDisabled", message }] });
  }
  if (current < least || current > most) return resize(cluster, scaler, { target, current, desired: current < least ? least : most, conditions: [] });
  const found = await recommend(cluster, target, { metrics: (spec["metrics"] as readonly Fields[] | undefined) ?? [], replicas: current });
  if ("failure" in found) {
    const message = `the HPA was unable to compute the replica count: ${found.failure}`;
    return tell(cluster, scaler, {
      current,
      conditions: [got, { type: "ScalingActive", status: "False", reason: "FailedGetResourceMetric", message }],
      warning: ["FailedGetResourceMetric", found.failure],
    });
  }
  const steady = stabilized(cluster, key, found.replicas);
  const limited = withinLimits(steady, { current, least, most });
  const conditions: Condition[] = [
    steady === found.replicas
      ? { type: "AbleToScale", status: "True", reason: "ReadyForNewScale", message: "recommended size matches current size" }
      : {
          type: "AbleToScale",
          status: "True",
          reason: "ScaleDownStabilized",
          message: "recent recommendations were higher than current one, applying the highest recent recommendation",
        },
    {
      type: "ScalingActive",
      status: "True",
      reason: "ValidMetricFound",
      message: `the HPA was able to successfully calculate a replica count from ${found.metric}`,
    },
    { type: "ScalingLimited", status: limited.replicas === steady ? "False" : "True", reason: limited.reason, message: limited.message },
  ];
  const told = { current, desired: limited.replicas, conditions, metrics: [found.current] };
  if (limited.replicas === current) return tell(cluster, scaler, told);
  return resize(cluster, scaler, { ...told, target });
}

interface Told {
  readonly current?: number;
  readonly desired?: number;
  readonly conditions: readonly Condition[];
  readonly metrics?: readonly Fields[];
  readonly scaled?: boolean;
  readonly warning?: readonly [reason: string, message: string];
}

async function resize(
  cluster: SimCluster,
  scaler: StoredObject,
  { target, ...told }: Told & { readonly target: StoredObject; readonly desired: number },
): Promise<void> {
  await setSpec(cluster, target, { replicas: told.desired });
  const message = `the HPA controller was able to update the target scale to ${told.desired}`;
  const able: Condition = { type: "AbleToScale", status: "True", reason: "SucceededRescale", message };
  await tell(cluster, scaler, { ...told, scaled: true, conditions: [able, ...told.conditions.filter(({ type }) => type !== able.type)] });
}

async function tell(cluster: SimCluster, scaler: StoredObject, { current, desired, conditions, metrics, scaled, warning }: Told): Promise<void> {
  const known = fieldsOf(scaler["status"]);
  const kept = ["AbleToScale", "ScalingActive", "ScalingLimited"].flatMap((type) => {
    const said = conditions.find((condition) => condition.type === type);
    const before = conditionOf(scaler, type);
    return said === undefined ? (before === undefined ? [] : [before]) : [conditionAt(scaler, said, cluster.time.now())];
  });
  const news = warning !== undefined && kept.some(({ type, message }) => message !== conditionOf(scaler, String(type))?.["message"]);
  await setStatus(cluster, scaler, {
    ...known,
    ...(current === undefined ? {} : { currentReplicas: current }),
    desiredReplicas: desired ?? numberOf(known["desiredReplicas"], 0),
    ...(metrics === undefined ? {} : { currentMetrics: metrics }),
    ...(scaled === true ? { lastScaleTime: rfc3339(cluster.time.now()) } : {}),
    conditions: kept,
  });
  if (news) await tellEvent(cluster, scaler, { type: "Warning", reason: warning[0], message: warning[1], component: "horizontal-pod-autoscaler" });
}

/** The largest size that was wanted lately: on the way down nothing is hurried. */
function stabilized(cluster: SimCluster, key: string, replicas: number): number {
  const nowMs = cluster.time.now();
  const recent = (cluster.autoscaling.get(key)?.recent ?? []).filter(({ atMs }) => atMs > nowMs - stabilizationMs);
  cluster.autoscaling.set(key, { lookedMs: nowMs, recent: [...recent, { atMs: nowMs, replicas }] });
  return Math.max(replicas, ...recent.map((each) => each.replicas));
}

async function targetOf(
  cluster: SimCluster,
  scaler: StoredObject,
  { apiVersion, kind, name }: { readonly apiVersion: string | undefined; readonly kind: string | undefined; readonly name: string | undefined },
): Promise<StoredObject | undefined> {
  if (kind === undefined || name === undefined || !["Deployment", "StatefulSet", "ReplicaSet"].includes(kind)) return undefined;
  return cluster.objects.get({ apiVersion: apiVersion ?? "apps/v1", kind, namespace: scaler.metadata.namespace ?? "", name });
}

import { conditionsOf, readConditions, when, type SeenCondition } from "../conditions.ts";
import { Cursor, WrongShape } from "../cursor.ts";
import { degraded, healthy, progressing, routine, type Finding } from "../finding.ts";
import type { Scene } from "../scene.ts";
import { quote } from "../text.ts";

/** How long metrics may be missing after a start, in ms: the metrics server scrapes every 15 s and wants two samples of a pod that is past its start. */
const METRICS_GRACE_MS = 120_000;
/** autoscaling/v1 has no conditions of its own: they travel in an annotation. */
const V1_CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions";

const metricReasons: ReadonlySet<string> = new Set([
  "FailedGetResourceMetric",
  "FailedGetContainerResourceMetric",
  "FailedGetObjectMetric",
  "FailedGetPodsMetric",
  "FailedGetExternalMetric",
  "FailedComputeMetricsReplicas",
]);

/** A HorizontalPodAutoscaler; metrics that are missing just after a start are normal. */
export function horizontalPodAutoscaler(scene: Scene): Finding {
  const { object, time } = scene;
  const conditions = object.text("apiVersion") === "autoscaling/v1" ? fromAnnotation(object) : conditionsOf(object);
  const able = conditions.get("AbleToScale");
  if (able?.status === "False" && (able.reason === "FailedGetScale" || able.reason === "FailedUpdateScale"))
    return degraded(able.reason, `It cannot scale its target: ${quote(able.message)}. Check scaleTargetRef.`, able.pointer);
  const active = conditions.get("ScalingActive");
  if (active?.status === "False" && active.reason === "InvalidSelector")
    return degraded(active.reason, `It cannot find its target's pods: ${quote(active.message)}.`, active.pointer);
  if (active?.status === "False" && metricReasons.has(active.reason)) {
    const since = active.changedAt ?? object.moment("metadata", "creationTimestamp");
    const fresh = since !== undefined && !time.reached(since + METRICS_GRACE_MS);
    const message = `It has no metrics to scale by: ${quote(active.message)}. `;
    return fresh
      ? progressing(active.reason, `${message}That is normal for a minute or two after a start.`, active.pointer)
      : degraded(active.reason, `${message}Check the metrics server, and that its target's containers set requests.`, active.pointer);
  }
  if (active?.status === "False" && active.reason === "ScalingDisabled")
    return healthy("ScalingDisabled", "It does nothing while its target is scaled to zero.", active.pointer);
  const good = when(conditions, "AbleToScale", "True") ?? when(conditions, "ScalingLimited", "True");
  return good === undefined
    ? routine("Starting", "It has not looked at its target yet.", "/status/conditions")
    : healthy(good.reason || "AbleToScale", "It can scale its target.", good.pointer);
}

function fromAnnotation(object: Cursor): ReadonlyMap<string, SeenCondition> {
  const place = object.at("metadata", "annotations", V1_CONDITIONS);
  const written = place.text();
  if (written === undefined) return new Map();
  try {
    return readConditions(new Cursor(JSON.parse(written), place.pointer), undefined);
  } catch (error) {
    if (error instanceof WrongShape) throw error;
    throw new WrongShape(place.pointer, "JSON", written);
  }
}

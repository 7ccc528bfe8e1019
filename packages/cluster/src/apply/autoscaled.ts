// `replicas` belongs to the autoscaler that targets an object, wherever that autoscaler comes from (design.md C2).
import { isErrorCode, parseApiVersion, PlatformError, type KubeObject, type StoredObject } from "@threeport/resource";
import type { Cluster } from "../connection/cluster.ts";
import { fieldManager } from "../marks.ts";

export interface AutoscaledInput {
  readonly cluster: Cluster;
  readonly object: KubeObject;
  readonly controlPlaneId: string;
  /** The user to act as; the runtime's own identity without it. */
  readonly user: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * The object as it is to be applied again: without `replicas` when an autoscaler in the cluster targets it. To leave out a field that only we
 * manage would reset it, so such a one is handed to another manager first, at the value it has.
 */
export async function withoutScaledReplicas(input: AutoscaledInput): Promise<KubeObject> {
  const { object } = input;
  const spec = object["spec"] as { replicas?: unknown } | undefined;
  if (spec?.replicas === undefined || !(await hasAutoscaler(input))) return object;
  await handOver(input);
  const { replicas: _, ...rest } = spec;
  return { ...object, spec: rest };
}

async function hasAutoscaler({ cluster, object, signal }: AutoscaledInput): Promise<boolean> {
  const { namespace, name } = object.metadata;
  try {
    const found = await cluster.call((client) =>
      client.list({ apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", ...(namespace === undefined ? {} : { namespace }) }, { signal }),
    );
    return found.items.some((autoscaler) => {
      const target = (autoscaler["spec"] as { scaleTargetRef?: { apiVersion?: string; kind?: string; name?: string } } | undefined)?.scaleTargetRef;
      return (
        target?.kind === object.kind && target.name === name && parseApiVersion(target.apiVersion ?? "").group === parseApiVersion(object.apiVersion).group
      );
    });
  } catch (error) {
    // Not served, or not ours to see: then none is known.
    if (isErrorCode(error, "TP_KIND_UNKNOWN") || isErrorCode(error, "TP_FORBIDDEN") || isErrorCode(error, "TP_NOT_FOUND")) return false;
    throw error;
  }
}

async function handOver({ cluster, object, controlPlaneId, user, signal }: AutoscaledInput): Promise<void> {
  const { apiVersion, kind, metadata } = object;
  const { name, namespace } = metadata;
  const place = { apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) };
  const manager = fieldManager(controlPlaneId);
  try {
    const live = await cluster.call((client) => client.get<StoredObject>(place, { signal }));
    if (!managesReplicas(live, manager)) return;
    const replicas = (live["spec"] as { replicas?: number }).replicas;
    const only = { apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) }, spec: { replicas } };
    const headers = user === undefined ? {} : { headers: { "impersonate-user": user } };
    await cluster.call((client) => client.apply(only, { fieldManager: `${manager}-replicas`, signal, ...headers }));
  } catch (error) {
    // Gone: it is made again. Or the autoscaler was faster, and the field is its own now.
    if (isErrorCode(error, "TP_NOT_FOUND") || (error instanceof PlatformError && error.entry.http === 409)) return;
    throw error;
  }
}

function managesReplicas(object: StoredObject, manager: string): boolean {
  const entries = (object.metadata as { managedFields?: { manager?: string; operation?: string; fieldsV1?: Record<string, object> }[] }).managedFields ?? [];
  return entries.some((entry) => entry.manager === manager && entry.operation === "Apply" && "f:replicas" in (entry.fieldsV1?.["f:spec"] ?? {}));
}

import type { Cluster, Clusters, RuntimeAccess } from "@threeport/cluster";
import type { ReconcileContext } from "@threeport/engine";
import { PlatformError, type Objects, type StoredObject } from "@threeport/resource";
import { runtimeKind, type KubernetesRuntimeInstance } from "./runtime-kind.ts";

/**
 * The connection to a runtime, for writing. Throws what the caller's object should say while it cannot be used; whoever
 * refers to the runtime is woken when its readiness changes.
 */
export function clusterFor(clusters: Clusters): (runtime: string, context: Pick<ReconcileContext, "objects">) => Promise<Cluster | "gone"> {
  return async (name, context) => {
    const runtime = await readRuntime(context.objects, name);
    if (runtime === undefined) return "gone";
    if (runtime.status?.owned === false)
      throw new PlatformError("TP_RUNTIME_NOT_OURS", {
        message: `runtime ${name} belongs to another control plane; take it over with tptctl runtime claim ${name}`,
        detail: { conditionReason: "RuntimeNotOurs" },
      });
    const kubeconfig = await kubeconfigOf(context.objects, runtime);
    const ready = runtime.status?.conditions?.find((condition) => condition.type === "Ready");
    // A cluster that its runtime cannot reach is not asked by each of its sets again; they are woken when it is back.
    if (kubeconfig === undefined || runtime.status?.owned !== true || ready?.status !== "True") {
      const told = ready?.message;
      throw new PlatformError("TP_RUNTIME_UNREACHABLE", {
        message: `runtime ${name} is not ready${told === undefined ? " yet" : `: ${told}`}`,
        detail: { conditionReason: "RuntimeNotReady" },
      });
    }
    return clusters.get(name, accessTo(runtime, kubeconfig));
  };
}

/** How a runtime is reached. Everybody asks with the same, since another answer opens another connection. */
export function accessTo(runtime: KubernetesRuntimeInstance, kubeconfig: string): RuntimeAccess {
  return { kubeconfig, uid: runtime.metadata.uid ?? "", impersonates: runtime.spec.impersonation !== "Off" };
}

async function readRuntime(objects: Objects, name: string): Promise<KubernetesRuntimeInstance | undefined> {
  return objects.get<KubernetesRuntimeInstance>({ apiVersion: runtimeKind.apiVersion, kind: runtimeKind.kind, name });
}

/** The kubeconfig in use; undefined while there is none. */
export async function kubeconfigOf(objects: Objects, runtime: KubernetesRuntimeInstance): Promise<string | undefined> {
  const reference = runtime.status?.kubeconfig?.secretRef;
  if (reference === undefined) return undefined;
  const secret = await objects.get<StoredObject>({ apiVersion: "v1", kind: "Secret", namespace: reference.namespace, name: reference.name });
  const encoded = (secret?.["data"] as Record<string, string> | undefined)?.[reference.key];
  return encoded === undefined ? undefined : Buffer.from(encoded, "base64").toString("utf8");
}

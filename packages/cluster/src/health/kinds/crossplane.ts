import { conditionsOf, when } from "../conditions.ts";
import { degraded, healthy, progressing, routine, suspended, type Finding } from "../finding.ts";
import type { Scene } from "../scene.ts";
import { quote } from "../text.ts";

/** Kinds of Crossplane that have no status of their own: they exist or not. */
const withoutStatus: ReadonlySet<string> = new Set([
  "ProviderConfig",
  "ProviderConfigUsage",
  "ClusterProviderConfig",
  "ClusterProviderConfigUsage",
  "Composition",
  "CompositionRevision",
  "DeploymentRuntimeConfig",
  "ControllerConfig",
  "StoreConfig",
  "EnvironmentConfig",
  "ImageConfig",
]);

/** Objects of Crossplane and its providers: Synced says that the cloud was asked, Ready that it gave. */
export function crossplane({ object, id }: Scene): Finding {
  const conditions = conditionsOf(object);
  if (conditions.size === 0 && withoutStatus.has(id.kind)) return healthy("Exists", "It exists.", "");
  const inactive = when(conditions, "Established", "False");
  if (inactive?.reason === "InactiveManagedResource" && object.text("spec", "state") !== "Active")
    return healthy(inactive.reason, "It is inactive, as its spec asks.", inactive.pointer);
  const paused = when(conditions, "Synced", "False");
  if (paused?.reason === "ReconcilePaused")
    return suspended(paused.reason, "It is paused (annotation crossplane.io/paused): its provider leaves it alone.", paused.pointer);
  for (const type of ["LastAsyncOperation", "Synced"]) {
    const bad = when(conditions, type, "False");
    if (bad !== undefined && !bad.stale)
      return degraded(bad.reason || `Not${type}`, `Its last change was not carried out: ${quote(bad.message || bad.reason)}.`, bad.pointer);
  }
  for (const type of ["Ready", "Healthy", "RevisionHealthy", "ValidPipeline", "Offered", "Established"]) {
    const condition = conditions.get(type);
    if (condition === undefined) continue;
    if (condition.status === "True" && !condition.stale) return healthy(condition.reason || type, "It is ready.", condition.pointer);
    return progressing(condition.reason || `Not${type}`, `It is not ready yet: ${quote(condition.message || condition.reason || type)}.`, condition.pointer);
  }
  return routine("NoStatusYet", "Its controller has not written anything about it yet.", "/status/conditions");
}

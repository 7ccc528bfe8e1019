import type { KubeClient } from "@threeport/client";
import { PlatformError } from "@threeport/resource";

/** What a runtime says whose kubeconfig lacks the one right that confined workloads need. */
export const impersonationLacking =
  "but its kubeconfig may not impersonate service accounts, so the objects of workloads will be refused: grant the verb impersonate on serviceaccounts, or set spec.impersonation to Off";

/** Whether we may act as any ServiceAccount of the cluster (design.md P3). A cluster that does not answer such questions is tried. */
export async function mayImpersonate(client: Pick<KubeClient, "create">, signal: AbortSignal): Promise<boolean> {
  const kind = { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview" };
  try {
    const review = await client.create<{ status?: { allowed?: boolean } }>(
      kind,
      { ...kind, metadata: {}, spec: { resourceAttributes: { verb: "impersonate", group: "", resource: "serviceaccounts" } } },
      { signal },
    );
    return review.status?.allowed !== false;
  } catch (error) {
    if (error instanceof PlatformError && error.entry.retry === "never") return true;
    throw error;
  }
}

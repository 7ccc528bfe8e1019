import { PlatformError, type StoredObject } from "@threeport/resource";
import type { RuntimeProvider } from "./provider.ts";

/** A cluster that exists already: its kubeconfig stands in a Secret. */
export const kubeconfigProvider: RuntimeProvider = {
  async ensure(runtime, context) {
    const reference = runtime.spec.kubeconfig?.secretRef;
    if (reference === undefined)
      throw new PlatformError("TP_INVALID", { message: "spec.kubeconfig.secretRef is missing", detail: { conditionReason: "KubeconfigMissing" } });
    const secret = await context.objects.get<StoredObject>({ apiVersion: "v1", kind: "Secret", namespace: reference.namespace, name: reference.name });
    const encoded = (secret?.["data"] as Record<string, string> | undefined)?.[reference.key];
    if (encoded === undefined) {
      const what =
        secret === undefined
          ? `there is no Secret ${reference.name} in namespace ${reference.namespace}`
          : `the Secret ${reference.namespace}/${reference.name} has no key ${reference.key}`;
      throw new PlatformError("TP_NOT_FOUND", {
        message: `${what}; create it with the kubeconfig, or use tptctl runtime add`,
        detail: { conditionReason: "KubeconfigMissing" },
      });
    }
    return { kubeconfig: Buffer.from(encoded, "base64").toString("utf8") };
  },
  async remove() {
    // Not made by us: nothing of it is removed.
  },
};

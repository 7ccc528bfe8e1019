import type { Controller } from "../controller.ts";
import { fieldsOf, setSpec, setStatus } from "./owned.ts";

/** Claims are bound at once: every StorageClass has room, and one that names none gets the default. */
export const claimController: Controller = {
  name: "claims",
  watches: [{ resource: "persistentvolumeclaims" }],
  async reconcile(cluster, { namespace, name }) {
    const target = { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace, name };
    const claim = await cluster.objects.get(target);
    if (claim === undefined || claim.metadata.deletionTimestamp !== undefined || fieldsOf(claim["status"])["phase"] === "Bound") return undefined;
    const spec = fieldsOf(claim["spec"]);
    await setSpec(cluster, claim, { volumeName: spec["volumeName"] ?? `pvc-${claim.metadata.uid}`, storageClassName: spec["storageClassName"] ?? "standard" });
    const now = (await cluster.objects.get(target)) ?? claim;
    await setStatus(cluster, now, { phase: "Bound", accessModes: spec["accessModes"] ?? [], capacity: fieldsOf(spec["resources"])["requests"] ?? {} });
    return undefined;
  },
};

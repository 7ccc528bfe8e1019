import { unlessWrong, WrongShape } from "../cursor.ts";
import { degraded, healthy, progressing, routine, suspended, type Finding } from "../finding.ts";
import { childrenOf, type Scene } from "../scene.ts";
import { claimsOf } from "../pod/claims.ts";
import { quote } from "../text.ts";

/** The reason of a claim that is not bound because no pod needs it yet. It blocks nothing. */
export const WAIT_FOR_FIRST_CONSUMER = "WaitForFirstConsumer";

/** Written on a claim by the volume controller when it has asked a provisioner for a volume (both names are in use). */
const provisionerAnnotations = ["volume.kubernetes.io/storage-provisioner", "volume.beta.kubernetes.io/storage-provisioner"] as const;
/** Written by the scheduler on a claim whose pod has found a node. */
const SELECTED_NODE = "volume.kubernetes.io/selected-node";

/** A PersistentVolumeClaim. Pending without a consumer is how storage classes with late binding work. */
export function persistentVolumeClaim(scene: Scene): Finding {
  const { object } = scene;
  const phase = object.text("status", "phase") ?? "Pending";
  const pointer = "/status/phase";
  if (phase === "Bound") return healthy("Bound", "It is bound to a volume.", pointer);
  if (phase === "Lost")
    return degraded(
      "Lost",
      `Its volume ${quote(object.text("spec", "volumeName") ?? "")} is gone, and the data on it with it. Restore from a backup, or delete the claim.`,
      pointer,
    );
  if (phase !== "Pending") throw new WrongShape(pointer, "a claim phase", phase);
  const storageClass = object.text("spec", "storageClassName");
  if (storageClass === undefined)
    return progressing(
      "NoStorageClass",
      "It names no StorageClass and the cluster has no default one. Name one, or make one the default.",
      "/spec/storageClassName",
    );
  const provisioner = provisionerAnnotations.find((annotation) => object.text("metadata", "annotations", annotation) !== undefined);
  if (provisioner !== undefined || object.text("metadata", "annotations", SELECTED_NODE) !== undefined) {
    return routine(
      "Provisioning",
      `A volume is being made${provisioner === undefined ? "" : ` by ${quote(object.text("metadata", "annotations", provisioner) ?? "")}`}. If it does not come, look at the provisioner of StorageClass ${quote(storageClass)}.`,
      pointer,
    );
  }
  if (storageClass === "" || object.text("spec", "volumeName") !== undefined)
    return progressing("NoVolume", "It waits for a volume that fits and is free. Create a PersistentVolume, or name a StorageClass that makes them.", pointer);
  const binding = bindingMode(scene, storageClass);
  if (binding === "Immediate")
    return routine("Provisioning", `It waits for a volume of StorageClass ${quote(storageClass)}. If none comes, look at the class's provisioner.`, pointer);
  if (hasConsumer(scene)) return routine("Binding", "A pod needs it and waits for a node; then it is bound.", pointer);
  const doubt =
    binding === undefined
      ? ` If StorageClass ${quote(storageClass)} does not wait for a first consumer, check that the class exists and its provisioner runs.`
      : "";
  return suspended(WAIT_FOR_FIRST_CONSUMER, `It is bound when the first pod uses it.${doubt}`, pointer);
}

/** Known when the caller brought the StorageClass along. */
function bindingMode(scene: Scene, storageClass: string): string | undefined {
  const found = childrenOf(scene, "storage.k8s.io", "StorageClass").find(({ id }) => id.name === storageClass);
  return unlessWrong(() => found?.object.text("volumeBindingMode"));
}

function hasConsumer(scene: Scene): boolean {
  return childrenOf(scene, "", "Pod").some(({ object }) => claimsOf(object).includes(scene.id.name));
}

/** A PersistentVolume: only a failed one is wrong; a released one waits for an administrator by design. */
export function persistentVolume({ object }: Scene): Finding {
  const phase = object.text("status", "phase") ?? "Pending";
  const pointer = "/status/phase";
  if (phase === "Failed")
    return degraded(
      "ReclaimFailed",
      `Its storage could not be cleaned up${object.text("status", "message") === undefined ? "" : `: ${quote(object.text("status", "message") ?? "")}`}. Look at its provisioner.`,
      pointer,
    );
  if (phase === "Pending") return routine("Pending", "It is not available yet.", pointer);
  return healthy(
    phase === "Released" ? phase : "Exists",
    phase === "Released" ? "Its claim is gone; it keeps its data until somebody reclaims it." : "It is usable.",
    pointer,
  );
}

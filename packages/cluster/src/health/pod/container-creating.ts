import { when, type SeenCondition } from "../conditions.ts";
import { progressing, routine, type Finding } from "../finding.ts";
import type { Scene } from "../scene.ts";
import { at, enumerate, quote } from "../text.ts";
import { titleOf, type Container } from "./container.ts";

/** Creating containers takes seconds; past this, in ms, something is worth naming. */
const CREATING_SLOW_MS = 60_000;

/**
 * `ContainerCreating`: the kubelet mounts volumes, makes the sandbox with its network, then pulls images. The condition
 * `PodReadyToStartContainers` tells which side of the sandbox it is on.
 */
export function creatingProblem(container: Container, scene: Scene, conditions: ReadonlyMap<string, SeenCondition>, evidence: string): Finding {
  const { object, time } = scene;
  const startedAt = object.moment("status", "startTime") ?? conditions.get("PodScheduled")?.changedAt;
  const who = titleOf(container);
  if (startedAt === undefined || !time.reached(startedAt + CREATING_SLOW_MS)) return routine("Starting", `${who} is being created.`, evidence);
  const since = `since ${at(startedAt)}`;
  const sandbox = conditions.get("PodReadyToStartContainers");
  if (when(conditions, "PodReadyToStartContainers", "True") !== undefined) {
    return progressing(
      "ImagePullSlow",
      `${who} is being created ${since}: its volumes and network are there, so most likely image "${container.image}" is still being pulled. If it is large, wait; else check the node's connection to the registry.`,
      evidence,
    );
  }
  const volumes = volumesOf(scene);
  const mount = volumes.length === 0 ? "" : ` It mounts ${enumerate(volumes)}: check that each exists and can be attached to this node.`;
  const node = object.text("spec", "nodeName");
  return progressing(
    "VolumeOrNetworkSlow",
    `${who} waits ${since} for its volumes or the pod's network.${mount} Then check the network plugin${node === undefined ? "" : ` on node ${node}`}.`,
    sandbox?.pointer ?? evidence,
  );
}

/** Volumes that need something outside the pod, as people know them: `ConfigMap app`, `Secret tls`, `PersistentVolumeClaim data`. */
function volumesOf({ object }: Scene): string[] {
  const names: string[] = [];
  for (const volume of object.list("spec", "volumes")) {
    const configMap = volume.text("configMap", "name");
    const secret = volume.text("secret", "secretName");
    const claim = volume.text("persistentVolumeClaim", "claimName");
    const driver = volume.text("csi", "driver");
    if (configMap !== undefined) names.push(`ConfigMap ${quote(configMap)}`);
    if (secret !== undefined) names.push(`Secret ${quote(secret)}`);
    if (claim !== undefined) names.push(`PersistentVolumeClaim ${quote(claim)}`);
    if (driver !== undefined) names.push(`a volume of CSI driver ${quote(driver)}`);
    if (volume.at("nfs").exists) names.push(`NFS server ${quote(volume.text("nfs", "server") ?? "")}`);
    if (volume.at("hostPath").exists) names.push(`the node's path ${quote(volume.text("hostPath", "path") ?? "")}`);
  }
  return names;
}

import type { Claim, Volume } from "./kinds.ts";

// Volumes of claims whose class names our provisioner: each is a folder of the machine.
//   V1  A folder belongs to one volume: a claim waits until the volume of an earlier claim of its name has gone with its folder.
//   V2  A folder is removed only for a volume that is ours, that no claim has any more, and whose policy says Delete; then the volume goes.
//   V3  The folder is named after the claim, so a cluster that is made anew finds the data of its claims again.

export const provisioner = "threeport.io/local";
/** Keeps a volume until its folder has gone. */
export const volumeFinalizer = "threeport.io/local-volume";

/** The volume controller asks an outside provisioner by this annotation, once a pod that uses the claim has its node. */
const provisionerAnnotation = "volume.kubernetes.io/storage-provisioner";
const provisionedByAnnotation = "pv.kubernetes.io/provisioned-by";
/** A node's folder cannot be on two nodes. */
const accessModes = ["ReadWriteOnce", "ReadWriteOncePod"];

export interface VolumePlan {
  readonly make: readonly { readonly claim: Claim; readonly folder: string }[];
  /** `folder` is undefined where the data stays. */
  readonly remove: readonly { readonly volume: Volume; readonly folder: string | undefined }[];
  /** With what is asked for and cannot be had, in words. */
  readonly refuse: readonly { readonly claim: Claim; readonly why: string }[];
}

export interface VolumesInput {
  readonly claims: readonly Claim[];
  /** Read after the claims: then the volume of an earlier claim of the same name is among them (V1). */
  readonly volumes: readonly Volume[];
  /** Where the kubelet sees the folders. */
  readonly root: string;
}

/** What has to be made and removed. Pure. Folders are relative to where volumes are kept. */
export function planVolumes({ claims, volumes, root }: VolumesInput): VolumePlan {
  const ours = volumes.filter(({ metadata }) => metadata.annotations?.[provisionedByAnnotation] === provisioner);
  const named = new Set(ours.map(({ metadata }) => metadata.name));
  const users = new Map(ours.map((volume) => [folderOf(volume, root), volume]));
  const make: { claim: Claim; folder: string }[] = [];
  const refuse: { claim: Claim; why: string }[] = [];
  for (const claim of claims) {
    if (!waitsForUs(claim) || named.has(volumeName(claim))) continue;
    const why = refusal(claim);
    if (why !== undefined) {
      refuse.push({ claim, why });
      continue;
    }
    const folder = `${claim.metadata.namespace ?? ""}/${claim.metadata.name}`;
    const user = users.get(folder);
    if (user === undefined) make.push({ claim, folder });
    else if (user.spec.persistentVolumeReclaimPolicy !== "Delete") make.push({ claim, folder: `${folder}@${claim.metadata.uid}` }); // its data stays
  }
  const remove = ours.filter(isDone).map((volume) => ({
    volume,
    folder: volume.spec.persistentVolumeReclaimPolicy === "Delete" ? folderOf(volume, root) : undefined,
  }));
  return { make, remove, refuse };
}

export function volumeName(claim: Claim): string {
  return `pvc-${claim.metadata.uid}`;
}

/** The volume of a claim. `local` rather than `hostPath`: the kubelet then gives the folder to the pod's `fsGroup`. */
export function volumeFor(claim: Claim, input: { readonly path: string; readonly nodeName: string; readonly reclaimPolicy: string }): object {
  const { metadata, spec } = claim;
  const onThisNode = { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [input.nodeName] }] };
  return {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: volumeName(claim), annotations: { [provisionedByAnnotation]: provisioner }, finalizers: [volumeFinalizer] },
    spec: {
      capacity: { storage: spec.resources.requests.storage },
      accessModes: spec.accessModes ?? [],
      volumeMode: "Filesystem",
      persistentVolumeReclaimPolicy: input.reclaimPolicy,
      storageClassName: spec.storageClassName ?? "",
      local: { path: input.path },
      nodeAffinity: { required: { nodeSelectorTerms: [onThisNode] } },
      claimRef: { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace: metadata.namespace, name: metadata.name, uid: metadata.uid },
    },
  };
}

function waitsForUs({ metadata, spec }: Claim): boolean {
  return metadata.deletionTimestamp === undefined && !spec.volumeName && metadata.annotations?.[provisionerAnnotation] === provisioner;
}

function refusal({ spec }: Claim): string | undefined {
  const unknown = (spec.accessModes ?? []).filter((mode) => !accessModes.includes(mode));
  if (unknown.length > 0) return `access mode ${unknown.join(", ")} is not to be had from a folder of one node; ask for ReadWriteOnce`;
  if (spec.volumeMode === "Block") return "volumeMode Block is not to be had from a folder; leave it out";
  if (spec.selector !== undefined) return "a claim with a selector takes volumes that exist; leave spec.selector out to have one made";
  if (spec.dataSource !== undefined || spec.dataSourceRef !== undefined)
    return "a folder is not made from snapshots or other volumes; leave spec.dataSource out";
  return undefined;
}

/** No claim has it any more, or somebody deletes it and no claim holds it. */
function isDone({ metadata, spec, status }: Volume): boolean {
  const finalizers = (metadata.finalizers ?? []).includes(volumeFinalizer);
  if (metadata.deletionTimestamp !== undefined) return finalizers && status?.phase !== "Bound";
  return spec.persistentVolumeReclaimPolicy === "Delete" && status?.phase === "Released";
}

/** Undefined for a path outside of `root`: that is no folder of ours. */
function folderOf({ spec }: Volume, root: string): string | undefined {
  const path = spec.local?.path ?? "";
  const folder = path.startsWith(`${root}/`) ? path.slice(root.length + 1) : "";
  return /^[a-z0-9-]+\/[a-z0-9.@-]+$/.test(folder) && !folder.endsWith("/..") && !folder.endsWith("/.") ? folder : undefined;
}

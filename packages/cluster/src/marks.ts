import type { KubeObject } from "@threeport/resource";

/** Whose an object in a cluster is (design.md C1). Labels, so that it can be watched by; a label value holds no `/`, so the two ids are joined by a dot. */
export const ownerLabel = "threeport.io/owner";
/** All objects of one control plane: what its watches select by. */
export const controlPlaneLabel = "threeport.io/control-plane";
/** `<namespace>/<name>` of the set, to find the way back. */
export const setAnnotation = "threeport.io/resource-set";
/** `orphan`: the object stays when its set goes. */
export const deletionPolicyAnnotation = "threeport.io/deletion-policy";
/** Comma list of field paths that somebody else manages, for example `spec.replicas`. */
export const ignoreFieldsAnnotation = "threeport.io/ignore-fields";

/** Says that the objects may go which the set has lost at once; its value is what the set asks for. */
export const confirmPruneAnnotation = "threeport.io/confirm-prune";

/** A whole number: objects of a higher wave are applied when all of the lower ones are healthy (C3). 0 unless said. */
export const waveAnnotation = "threeport.io/wave";

/** On a namespace that workloads share: the environment that it belongs to. */
export const environmentLabel = "threeport.io/environment";

export interface SetIdentity {
  readonly controlPlaneId: string;
  readonly uid: string;
  /** `<namespace>/<name>`: also the set's key in the work queue. */
  readonly key: string;
}

export function fieldManager(controlPlaneId: string): string {
  return `threeport-${controlPlaneId}`;
}

export function ownerValue(set: SetIdentity): string {
  return `${set.controlPlaneId}.${set.uid}`;
}

/** The object with our marks; labels of the user's own stay. */
export function marked(object: KubeObject, set: SetIdentity): KubeObject {
  return {
    ...object,
    metadata: {
      ...object.metadata,
      labels: { ...object.metadata.labels, [ownerLabel]: ownerValue(set), [controlPlaneLabel]: set.controlPlaneId },
      annotations: { ...object.metadata.annotations, [setAnnotation]: set.key },
    },
  };
}

export function ownerOf(object: KubeObject): string | undefined {
  return object.metadata.labels?.[ownerLabel];
}

/**
 * Whether an object was made for this set, or for an earlier one of its name in this control plane: what a deleted set left behind on purpose, and
 * what was made after the backup that the control plane was restored from.
 */
export function belongsTo(object: KubeObject, set: SetIdentity): boolean {
  const owner = ownerOf(object);
  return owner === ownerValue(set) || (owner?.startsWith(`${set.controlPlaneId}.`) === true && setKeyOf(object) === set.key);
}

export function setKeyOf(object: KubeObject): string | undefined {
  return object.metadata.annotations?.[setAnnotation];
}

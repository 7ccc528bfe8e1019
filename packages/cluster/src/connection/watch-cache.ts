import type { KubeObject, StoredObject } from "@threeport/resource";
import { idText, idOf } from "../identity.ts";

/** What is known of a cluster's objects from watches: ours, and what they own. Nothing here is truth; it only tells what to look at. */
export interface WatchCache {
  byId(id: string): StoredObject | undefined;
  byUid(uid: string): StoredObject | undefined;
  /** All objects below `uid` by owner references, at any depth. */
  descendants(uid: string): StoredObject[];
  put(object: StoredObject): void;
  all(): Iterable<StoredObject>;
  remove(object: KubeObject): void;
}

/** Owner chains are short (Deployment → ReplicaSet → Pod); this only bounds what a hostile cluster could build. */
const depthMax = 6;

export function createWatchCache(): WatchCache {
  const ids = new Map<string, StoredObject>();
  const uids = new Map<string, StoredObject>();
  const children = new Map<string, Set<string>>();
  const unlink = (object: StoredObject): void => {
    for (const owner of object.metadata.ownerReferences ?? []) {
      const set = children.get(owner.uid);
      set?.delete(object.metadata.uid);
      if (set?.size === 0) children.delete(owner.uid);
    }
  };
  const remove = (object: KubeObject): void => {
    const id = idText(idOf(object));
    const known = ids.get(id);
    if (known === undefined || known.metadata.uid !== object.metadata.uid) return;
    unlink(known);
    ids.delete(id);
    uids.delete(known.metadata.uid);
  };
  return {
    byId: (id) => ids.get(id),
    byUid: (uid) => uids.get(uid),
    all: () => ids.values(),
    descendants(uid) {
      const found: StoredObject[] = [];
      let level = [uid];
      for (let depth = 0; depth < depthMax && level.length > 0; depth++) {
        level = level.flatMap((parent) => [...(children.get(parent) ?? [])]);
        for (const child of level) {
          const object = uids.get(child);
          if (object !== undefined) found.push(object);
        }
      }
      return found;
    },
    put(object) {
      delete (object.metadata as { managedFields?: unknown }).managedFields; // never read, and the largest part of many objects
      const id = idText(idOf(object));
      const known = ids.get(id);
      if (known !== undefined) {
        unlink(known);
        uids.delete(known.metadata.uid);
      }
      ids.set(id, object);
      uids.set(object.metadata.uid, object);
      for (const owner of object.metadata.ownerReferences ?? []) {
        const set = children.get(owner.uid) ?? new Set();
        children.set(owner.uid, set.add(object.metadata.uid));
      }
    },
    remove,
  };
}

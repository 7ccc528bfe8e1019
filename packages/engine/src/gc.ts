import type { Kind, KubeObject, OwnerReference, StoredObject, Target } from "@threeport/resource";
import { formatKey, parseKey, type ObjectKey, type References } from "@threeport/store";
import { withoutFinalizer } from "./finalizers.ts";
import { settled, waiting, type ObjectContext, type ObjectReconciler } from "./reconciler.ts";

export interface GcOptions {
  /** The engine's queue for whole keys of objects. */
  readonly queue: string;
  readonly references: Pick<References, "referrers" | "dependents">;
  /** By the store's name, and by what an owner reference says. */
  readonly kindByResource: (resource: string) => Kind | undefined;
  readonly kindByBody: (apiVersion: string, kind: string) => Kind | undefined;
}

const dependentsBatch = 200;
/** Users asked to go in one look; the next look takes the next ones. */
const usersBatch = 1_000;
/** How soon an owner in foreground deletion looks at its dependents again when no wake-up came. */
const foregroundRecheckMs = 2_000;

/**
 * Owner-reference garbage collection, as Kubernetes has it (design.md §5.7): an object goes when all its owners are
 * gone; `foregroundDeletion` makes the owner wait for those who block it; `orphan` cuts the ties first.
 */
export function gcReconciler(options: GcOptions): ObjectReconciler {
  return {
    queue: options.queue,
    async reconcile(key, context) {
      const self = parseKey(key.text);
      const object = await read(options, context, self);
      if (object === undefined) return settled;
      const finalizers = object.metadata.finalizers ?? [];
      if (object.metadata.deletionTimestamp !== undefined && finalizers.includes("orphan")) {
        await orphanAll(options, context, self, object);
        await withoutFinalizer(context.objects, object, "orphan");
      } else if (object.metadata.deletionTimestamp !== undefined && finalizers.includes("foregroundDeletion")) {
        const blocking = (await deleteDependents(options, context, self, object)) + (await deleteUsers(options, context, self));
        if (blocking > 0) return waiting(`${blocking} objects to go first`, foregroundRecheckMs);
        await withoutFinalizer(context.objects, object, "foregroundDeletion");
      } else if (object.metadata.deletionTimestamp === undefined) {
        await collect(options, context, object);
      }
      return settled;
    },
  };
}

/** Deletes an object that had owners and has none left. */
async function collect(options: GcOptions, context: ObjectContext, object: StoredObject): Promise<void> {
  const owners = object.metadata.ownerReferences ?? [];
  if (owners.length === 0) return;
  const states = await Promise.all(owners.map((owner) => ownerState(options, context, object, owner)));
  if (states.includes("there")) return;
  // An owner that waits for this object in the foreground wants it gone with the same policy.
  const foreground = states.includes("waiting");
  // Only as it was judged: somebody may just have become its owner.
  await context.objects.delete(targetOf(object), {
    uid: object.metadata.uid,
    resourceVersion: object.metadata.resourceVersion,
    propagationPolicy: foreground ? "Foreground" : "Background",
  });
}

async function ownerState(options: GcOptions, context: ObjectContext, object: KubeObject, owner: OwnerReference): Promise<"there" | "waiting" | "gone"> {
  const kind = options.kindByBody(owner.apiVersion, owner.kind);
  if (kind === undefined) return "there"; // a kind that this server does not know proves nothing about its objects
  if (kind.namespaced && object.metadata.namespace === undefined) return "there"; // such an owner cannot be named; upstream collects it neither
  const found = await context.objects.get<StoredObject>({
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.name,
    ...(kind.namespaced ? { namespace: object.metadata.namespace ?? "" } : {}),
  });
  if (found?.metadata.uid !== owner.uid) return "gone"; // also when the name was used again: K5
  return found.metadata.deletionTimestamp !== undefined && (found.metadata.finalizers ?? []).includes("foregroundDeletion") ? "waiting" : "there";
}

/** Asks all dependents to go; returns how many of them still block the owner. */
async function deleteDependents(options: GcOptions, context: ObjectContext, self: ObjectKey, owner: StoredObject): Promise<number> {
  let blocking = 0;
  await eachDependent(options, context, self, async (dependent) => {
    const reference = ownerReferenceTo(dependent, owner);
    if (reference === undefined) return;
    if (await hasOtherOwner(options, context, dependent, owner)) return untie(context, dependent, owner);
    if (reference.blockOwnerDeletion === true) blocking++;
    if (dependent.metadata.deletionTimestamp === undefined)
      await context.objects.delete(targetOf(dependent), {
        uid: dependent.metadata.uid,
        resourceVersion: dependent.metadata.resourceVersion,
        propagationPolicy: "Foreground",
      });
  });
  return blocking;
}

/**
 * Of a kind that is not to be deleted in use, a foreground deletion takes the users along (design.md §5.7): environments
 * with their deployments, runtimes with all that is on them. Returns how many are still there.
 */
async function deleteUsers(options: GcOptions, context: ObjectContext, self: ObjectKey): Promise<number> {
  if (options.kindByResource(self.kind)?.refuseDeleteWhileReferenced !== true) return 0;
  const keys = new Map((await options.references.referrers(self, usersBatch)).map((user) => [formatKey(user.source), user.source]));
  for (const key of keys.values()) {
    context.signal.throwIfAborted();
    const user = await read(options, context, key);
    if (user !== undefined && user.metadata.deletionTimestamp === undefined)
      await context.objects.delete(targetOf(user), { uid: user.metadata.uid, propagationPolicy: "Foreground" });
  }
  return keys.size;
}

/** What has an owner that stays is not this one's to take along: as in Kubernetes, only the tie is cut. */
async function hasOtherOwner(options: GcOptions, context: ObjectContext, dependent: StoredObject, owner: StoredObject): Promise<boolean> {
  const others = (dependent.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== owner.metadata.uid);
  const states = await Promise.all(others.map((other) => ownerState(options, context, dependent, other)));
  return states.includes("there");
}

async function orphanAll(options: GcOptions, context: ObjectContext, self: ObjectKey, owner: StoredObject): Promise<void> {
  await eachDependent(options, context, self, async (dependent) => {
    if (ownerReferenceTo(dependent, owner) !== undefined) await untie(context, dependent, owner);
  });
}

async function untie(context: ObjectContext, dependent: StoredObject, owner: StoredObject): Promise<void> {
  const rest = (dependent.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== owner.metadata.uid);
  const { ownerReferences: _, ...metadata } = dependent.metadata;
  await context.objects.commit<StoredObject>(dependent, { ...dependent, metadata: rest.length === 0 ? metadata : { ...metadata, ownerReferences: rest } });
}

async function eachDependent(options: GcOptions, context: ObjectContext, self: ObjectKey, visit: (dependent: StoredObject) => Promise<void>): Promise<void> {
  let after = "";
  for (;;) {
    const keys = await options.references.dependents(self, after, dependentsBatch);
    for (const key of keys) {
      context.signal.throwIfAborted();
      const dependent = await read(options, context, key);
      if (dependent !== undefined) await visit(dependent);
    }
    const last = keys.at(-1);
    if (last === undefined || keys.length < dependentsBatch) return;
    after = formatKey(last);
  }
}

function ownerReferenceTo(dependent: StoredObject, owner: StoredObject): OwnerReference | undefined {
  return (dependent.metadata.ownerReferences ?? []).find((reference) => reference.uid === owner.metadata.uid);
}

async function read(options: GcOptions, context: ObjectContext, key: ObjectKey): Promise<StoredObject | undefined> {
  const kind = options.kindByResource(key.kind);
  if (kind === undefined) return undefined;
  return context.objects.get({ apiVersion: kind.apiVersion, kind: kind.kind, name: key.name, ...(key.namespace === "" ? {} : { namespace: key.namespace }) });
}

function targetOf(object: StoredObject): Target {
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    name: object.metadata.name,
    ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
  };
}

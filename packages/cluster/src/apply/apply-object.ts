// Applying one object (design.md C1, C2): the first apply reads, then applies without force, so what somebody else owns
// is refused; later ones carry the recorded uid and force, on our fields only.
import { isErrorCode, PlatformError, type KubeObject, type StoredObject } from "@threeport/resource";
import type { Cluster } from "../connection/cluster.ts";
import { idWords, idOf } from "../identity.ts";
import { belongsTo, environmentLabel, fieldManager, ownerOf, setKeyOf, type SetIdentity } from "../marks.ts";

export interface ApplyInput {
  readonly cluster: Cluster;
  readonly object: KubeObject;
  readonly identity: SetIdentity;
  /** From the inventory; "" when it was never applied, or the answer was lost. */
  readonly knownUid: string;
  readonly adopt: boolean;
  /** The user to act as; the runtime's own identity without it. */
  readonly user: string | undefined;
  /** Called before an object comes into being that the inventory does not know yet, `adoption` when it is one that nobody owns: written ahead (§5.5). */
  readonly beforeMaking: (adoption: boolean) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Returns the object as the cluster has it now. Throws what refused it. */
export async function applyToCluster(input: ApplyInput): Promise<StoredObject> {
  const { cluster, object, identity, signal } = input;
  const options = {
    fieldManager: fieldManager(identity.controlPlaneId),
    signal,
    ...(input.user === undefined ? {} : { headers: { "impersonate-user": input.user } }),
  };
  if (input.knownUid !== "") {
    try {
      const again = { ...object, metadata: { ...object.metadata, uid: input.knownUid } };
      const applied = await cluster.call((client) => client.apply<StoredObject>(again, { ...options, force: true }));
      return applied.object;
    } catch (error) {
      // Gone or replaced by another of that name: it is a first apply again.
      if (!isErrorCode(error, "TP_VERSION_CONFLICT") && !isErrorCode(error, "TP_NOT_FOUND") && !isAnother(error)) throw error;
      if (isNamespaceMissing(error)) throw error;
    }
  }
  const found = await read(input);
  const ours = found !== undefined && belongsTo(found, identity);
  if (found !== undefined && !ours) refuseForeign(found, input);
  const adoption = found !== undefined && !ours;
  // Without a recorded uid the entry is pending already.
  if (adoption || input.knownUid !== "") await input.beforeMaking(adoption);
  const applied = await cluster.call((client) => client.apply<StoredObject>(object, { ...options, force: ours || input.adopt }));
  return applied.object;
}

async function read(input: ApplyInput): Promise<StoredObject | undefined> {
  const { apiVersion, kind, metadata } = input.object;
  try {
    return await input.cluster.call((client) =>
      client.get<StoredObject>(
        { apiVersion, kind, name: metadata.name, ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }) },
        { signal: input.signal },
      ),
    );
  } catch (error) {
    if (isErrorCode(error, "TP_NOT_FOUND")) return undefined;
    throw error;
  }
}

/** Throws unless the object may be taken over. */
function refuseForeign(found: StoredObject, input: ApplyInput): void {
  const owner = ownerOf(found);
  const words = idWords(idOf(input.object));
  if (owner !== undefined) {
    const other = owner.startsWith(`${input.identity.controlPlaneId}.`)
      ? `the ResourceSet ${setKeyOf(found) ?? owner}`
      : `another control plane (${owner.split(".")[0] ?? owner})`;
    throw new PlatformError("TP_OWNED_BY_ANOTHER", {
      message: `${words} belongs to ${other}; remove it there first, or give this one another name or namespace`,
    });
  }
  if (!input.adopt) {
    throw new PlatformError("TP_OWNED_BY_ANOTHER", {
      message: `${words} is already in the cluster and was not made by this control plane; ${remedy(input.object)}`,
    });
  }
}

function remedy(object: KubeObject): string {
  const project = object.kind === "Namespace" && object.metadata.labels?.[environmentLabel] !== undefined;
  return project
    ? `name another targetNamespace, or let operations add ${object.metadata.name} to spec.allow.namespaces of Environment ${object.metadata.labels?.[environmentLabel] ?? ""}`
    : "delete it, rename yours, or set adopt: IfUnowned to take it over";
}

/** A 404 on apply speaks of the namespace, not of the object. */
function isNamespaceMissing(error: unknown): boolean {
  return error instanceof PlatformError && error.code === "TP_NOT_FOUND" && error.detail["kind"] === "namespaces";
}

/** The object of that name has another uid: kube-apiserver (1.36) takes the recorded one for a change of an immutable field. */
function isAnother(error: unknown): boolean {
  return error instanceof PlatformError && error.code === "TP_INVALID" && error.causes.some((cause) => cause.field === "metadata.uid");
}

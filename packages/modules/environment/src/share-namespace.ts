// The namespace in a cluster that what a project has in an environment shares: one ResourceSet, owned by all that have objects in it.
import { allowsNamespace, deployerObjects, environmentLabel, resourceSetKind, type ResourceSet } from "@threeport/cluster";
import type { ReconcileContext, Verdict } from "@threeport/engine";
import { isErrorCode, PlatformError, type KubeObject, type OwnerReference } from "@threeport/resource";
import { pullSecret, type Credential } from "./credentials.ts";
import type { Environment } from "./environment-kind.ts";

export interface Place {
  readonly environment: Environment;
  readonly runtime: string;
  readonly targetNamespace: string;
  /** Credentials of the environment's registries. */
  readonly credentials: readonly Credential[];
}

/** Whoever has objects in the namespace. */
export type Sharer = KubeObject;

/** Name of the set that holds a target namespace on one runtime; all instances in it own it together, and it goes with the last of them. */
export function namespaceSetName(place: Pick<Place, "runtime" | "targetNamespace">): string {
  return `namespace-${place.targetNamespace}.${place.runtime}`;
}

/** Makes the namespace, or joins those who have it already. */
export async function shareNamespace(sharer: Sharer, place: Place, context: ReconcileContext): Promise<ResourceSet | "terminating" | "not allowed"> {
  const name = namespaceSetName(place);
  const namespace = sharer.metadata.namespace ?? "";
  const owner = ownerReference(sharer, false);
  const found = await context.objects.get<ResourceSet>({ apiVersion: resourceSetKind.apiVersion, kind: resourceSetKind.kind, namespace, name });
  if (found?.metadata.deletionTimestamp !== undefined) return "terminating";
  const allowed = allowsNamespace(place.environment.spec.allow, place.targetNamespace);
  // P3: another environment of the project may have taken over a namespace that was there before; that does not make it this one's.
  if (found?.spec.adopt === "IfUnowned" && !allowed && environmentOf(found) !== place.environment.metadata.name) return "not allowed";
  if (found === undefined) {
    const made = context.objects.create<ResourceSet>({
      apiVersion: resourceSetKind.apiVersion,
      kind: resourceSetKind.kind,
      metadata: { name, namespace, ownerReferences: [owner] },
      spec: { runtime: place.runtime, ...contentOf(namespace, place) },
    });
    return made.catch((error: unknown) => {
      // Another instance of this environment was faster: read again, and join it.
      if (isErrorCode(error, "TP_ALREADY_EXISTS")) throw new PlatformError("TP_VERSION_CONFLICT", { cause: error });
      throw error;
    });
  }
  const owners = found.metadata.ownerReferences ?? [];
  const draft: ResourceSet = {
    ...found,
    metadata: { ...found.metadata, ownerReferences: owners.some((known) => known.uid === owner.uid) ? owners : [...owners, owner] },
    // Its environment alone decides about a namespace: two that share one would change it to and fro.
    spec: environmentOf(found) === place.environment.metadata.name ? { ...found.spec, ...contentOf(namespace, place) } : found.spec,
  };
  return (await context.objects.commit<ResourceSet>(found, draft)) ?? found;
}

/** The last one takes the namespace along at once; the collector would, a moment after its owner is gone, and until then it would keep the runtime. */
export async function leaveNamespace(
  sharer: Sharer,
  place: { readonly runtime: string | undefined; readonly targetNamespace: string | undefined },
  context: ReconcileContext,
): Promise<void> {
  const { runtime, targetNamespace } = place;
  if (runtime === undefined || targetNamespace === undefined) return;
  const target = {
    apiVersion: resourceSetKind.apiVersion,
    kind: resourceSetKind.kind,
    namespace: sharer.metadata.namespace ?? "",
    name: namespaceSetName({ runtime, targetNamespace }),
  };
  const set = await context.objects.get<ResourceSet>(target);
  const owners = set?.metadata.ownerReferences ?? [];
  if (set?.metadata.deletionTimestamp !== undefined || owners.length !== 1 || owners[0]?.uid !== sharer.metadata.uid) return;
  // Under the version that was read: somebody who joins now keeps it.
  await context.objects.delete(target, { resourceVersion: set?.metadata.resourceVersion ?? "" });
}

/** The namespace, who deploys there, and what pods pull images with. A namespace that was there before is taken only where the environment allows it (P3), and keeps its Pod Security level. */
function contentOf(project: string, { environment, targetNamespace, credentials }: Place): Pick<ResourceSet["spec"], "adopt" | "objects"> {
  const { allow } = environment.spec;
  const adopts = allowsNamespace(allow, targetNamespace);
  const secret = pullSecret(credentials);
  const pull = secret === undefined ? undefined : { ...secret, metadata: { ...secret.metadata, namespace: targetNamespace } };
  const labels = {
    "threeport.io/project": project,
    [environmentLabel]: environment.metadata.name,
    ...(adopts ? {} : { "pod-security.kubernetes.io/enforce": allow?.podSecurity ?? "baseline" }),
  };
  return {
    adopt: adopts ? "IfUnowned" : "Never",
    objects: [
      { apiVersion: "v1", kind: "Namespace", metadata: { name: targetNamespace, labels } },
      ...deployerObjects(targetNamespace),
      ...(pull === undefined ? [] : [pull]),
    ] as Record<string, unknown>[],
  };
}

/** The environment that a shared namespace belongs to. */
function environmentOf(set: ResourceSet): string | undefined {
  const namespace = (set.spec.objects as unknown as KubeObject[]).find((object) => object.kind === "Namespace");
  return namespace?.metadata.labels?.[environmentLabel];
}

export function namespaceNotAllowed(namespace: string, environment: Environment): Verdict {
  return {
    state: "stalled",
    reason: "NamespaceNotAllowed",
    message: `namespace ${namespace} was in the cluster before, and Environment ${environment.metadata.name} does not allow it; name another targetNamespace, or add it to the environment's spec.allow.namespaces`,
  };
}

export function ownerReference(owner: KubeObject, controller: boolean): OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid ?? "",
    ...(controller ? { controller: true } : {}),
    blockOwnerDeletion: true,
  };
}

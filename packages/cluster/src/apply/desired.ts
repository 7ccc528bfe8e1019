import { parsePath, PlatformError, type KubeObject } from "@threeport/resource";
import type { Discovery } from "@threeport/client";
import { idOf, idText } from "../identity.ts";
import type { ResourceSet } from "../kinds/resource-set.ts";
import { deletionPolicyAnnotation, ignoreFieldsAnnotation, marked, waveAnnotation, type SetIdentity } from "../marks.ts";

/** One object as it is to be in the cluster. */
export interface Desired {
  readonly id: string;
  readonly object: KubeObject;
  /** Undefined when neither the cluster nor the set knows the kind. */
  readonly namespaced: boolean | undefined;
  readonly orphan: boolean;
  readonly wave: number;
}

/**
 * The set's objects, placed and marked. `discovery` tells which kinds live in namespaces; a kind that the cluster does
 * not know yet (its CRD is in the same set) is placed in the target namespace only if it names one.
 */
export function desiredObjects(set: ResourceSet, identity: SetIdentity, discovery: Discovery): Desired[] {
  const objects = set.spec.objects as unknown as KubeObject[];
  const scopes = crdScopes(objects);
  const scaled = scaledByAutoscaler(objects);
  return objects.map((source) => {
    const object = structuredClone(source);
    delete object["status"];
    const namespaced = discovery.byKind(object.apiVersion, object.kind)?.namespaced ?? scopes.get(`${groupOf(object)}/${object.kind}`);
    if (namespaced ?? object.metadata.namespace !== undefined) object.metadata.namespace ??= set.spec.targetNamespace ?? "default";
    else delete object.metadata.namespace;
    const ignored = (object.metadata.annotations?.[ignoreFieldsAnnotation] ?? "")
      .split(",")
      .map((path) => path.trim())
      .filter((path) => path !== "");
    if (scaled.has(`${object.kind}/${object.metadata.name}`)) ignored.push("spec.replicas");
    for (const path of ignored) removePath(object, path);
    const placed = marked(object, identity);
    return {
      id: idText(idOf(placed)),
      object: placed,
      namespaced,
      orphan: object.metadata.annotations?.[deletionPolicyAnnotation] === "orphan",
      wave: waveOf(object),
    };
  });
}

function waveOf(object: KubeObject): number {
  const text = object.metadata.annotations?.[waveAnnotation];
  if (text === undefined) return 0;
  if (!/^-?\d{1,6}$/.test(text))
    throw new PlatformError("TP_INVALID", {
      message: `${waveAnnotation} of ${object.kind} ${object.metadata.name} must be a whole number, not "${text.slice(0, 50)}"`,
    });
  return Number(text);
}

/** Whether the set names kinds that are neither served, by what is known, nor brought by the set itself. */
export function hasUnknownKinds(set: ResourceSet, discovery: Discovery): boolean {
  const objects = set.spec.objects as unknown as KubeObject[];
  const scopes = crdScopes(objects);
  return objects.some((object) => discovery.byKind(object.apiVersion, object.kind) === undefined && !scopes.has(`${groupOf(object)}/${object.kind}`));
}

function groupOf(object: KubeObject): string {
  return object.apiVersion.includes("/") ? (object.apiVersion.split("/")[0] ?? "") : "";
}

/** Scope of kinds whose definitions are in the set itself. */
function crdScopes(objects: readonly KubeObject[]): Map<string, boolean> {
  const scopes = new Map<string, boolean>();
  for (const object of objects) {
    if (object.kind !== "CustomResourceDefinition") continue;
    const spec = object["spec"] as { group?: string; scope?: string; names?: { kind?: string } } | undefined;
    scopes.set(`${spec?.group ?? ""}/${spec?.names?.kind ?? ""}`, spec?.scope === "Namespaced");
  }
  return scopes;
}

/** `replicas` belongs to the autoscaler that targets an object (C2). */
function scaledByAutoscaler(objects: readonly KubeObject[]): Set<string> {
  return new Set(
    objects
      .filter((object) => object.kind === "HorizontalPodAutoscaler")
      .map((object) => (object["spec"] as { scaleTargetRef?: { kind?: string; name?: string } } | undefined)?.scaleTargetRef)
      .map((target) => `${target?.kind ?? ""}/${target?.name ?? ""}`),
  );
}

function removePath(object: KubeObject, path: string): void {
  let segments: (string | number)[];
  try {
    segments = parsePath(path);
  } catch (error) {
    throw new PlatformError("TP_INVALID", {
      message: `${ignoreFieldsAnnotation} of ${object.kind} ${object.metadata.name}: "${path}" is no field path; write for example spec.replicas`,
      cause: error,
    });
  }
  let parent: unknown = object;
  for (const segment of segments.slice(0, -1))
    parent = typeof parent === "object" && parent !== null ? (parent as Record<string | number, unknown>)[segment] : undefined;
  const last = segments.at(-1);
  if (typeof parent === "object" && parent !== null && last !== undefined) delete (parent as Record<string | number, unknown>)[last];
}

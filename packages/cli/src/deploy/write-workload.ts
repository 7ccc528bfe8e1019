import type { KubeClient } from "@threeport/client";
import { deepEqual, isErrorCode, PlatformError, type JsonObject } from "@threeport/resource";
import { namespace as namespaceKind, workloadDefinition, workloadInstance, type WorkloadDefinition, type WorkloadInstance } from "../kinds.ts";

export interface Wanted {
  readonly project: string;
  readonly definition: string;
  readonly instance: string;
  readonly environment: string;
  readonly objects: readonly JsonObject[];
}

export type Change = "created" | "configured" | "unchanged";

/** The project is there afterwards. Returns whether it was made. */
export async function ensureProject(client: KubeClient, name: string, signal: AbortSignal): Promise<boolean> {
  const target = { ...namespaceKind, name };
  if ((await getIfThere(client, target, signal)) !== undefined) return false;
  return createUnlessThere(client, target, { ...namespaceKind, metadata: { name } }, signal);
}

/** Brings the definition to these documents; writes nothing when it has them. */
export async function writeDefinition(
  client: KubeClient,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<{ readonly change: Change; readonly generation: number }> {
  const target = { ...workloadDefinition, namespace: wanted.project, name: wanted.definition };
  const source = { manifests: { objects: wanted.objects } };
  const generationOf = (object: WorkloadDefinition): number => object.metadata.generation ?? 0;
  const existing = await getIfThere<WorkloadDefinition>(client, target, signal);
  if (existing === undefined) {
    const made = await client.create<WorkloadDefinition>(
      target,
      { ...workloadDefinition, metadata: { name: wanted.definition, namespace: wanted.project }, spec: { source } },
      { signal },
    );
    return { change: "created", generation: generationOf(made) };
  }
  refuseIfLeaving(existing, `workload ${wanted.definition}`, `workloaddefinition/${wanted.definition}`);
  if (deepEqual(existing.spec.source, source)) return { change: "unchanged", generation: generationOf(existing) };
  // Version and source are replaced together: two deploys at once must not mix.
  const metadata = { resourceVersion: existing.metadata.resourceVersion };
  const patched = await client.patch<WorkloadDefinition>(
    target,
    [
      { op: "test", path: "/metadata/uid", value: existing.metadata.uid },
      { op: "add", path: "/metadata/resourceVersion", value: metadata.resourceVersion },
      { op: "add", path: "/spec/source", value: source },
    ],
    { type: "json", signal },
  );
  return { change: generationOf(patched) === generationOf(existing) ? "unchanged" : "configured", generation: generationOf(patched) };
}

/** The deployment of the definition in the environment. What it is of and where cannot change; a release that it is pinned to stays. */
export async function writeInstance(
  client: KubeClient,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<{ readonly change: Change; readonly pinnedTo: string | undefined }> {
  const target = { ...workloadInstance, namespace: wanted.project, name: wanted.instance };
  const existing = await getIfThere<WorkloadInstance>(client, target, signal);
  if (existing === undefined) {
    await client.create(
      target,
      {
        ...workloadInstance,
        metadata: { name: wanted.instance, namespace: wanted.project },
        spec: { definition: wanted.definition, environment: wanted.environment },
      },
      { signal },
    );
    return { change: "created", pinnedTo: undefined };
  }
  refuseIfLeaving(existing, `deployment ${wanted.instance}`, `workloadinstance/${wanted.instance}`);
  const { definition, environment, release } = existing.spec;
  if (definition !== wanted.definition || environment !== wanted.environment) {
    throw new PlatformError("TP_ALREADY_EXISTS", {
      message: `there is a deployment ${wanted.instance} of workload ${definition} in environment ${environment}`,
      detail: { hint: "give this workload another name with --name" },
    });
  }
  return { change: "unchanged", pinnedTo: release === undefined || release === "latest" ? undefined : release };
}

function refuseIfLeaving(object: WorkloadDefinition | WorkloadInstance, label: string, name: string): void {
  if (object.metadata.deletionTimestamp === undefined) return;
  throw new PlatformError("TP_IN_USE", {
    message: `an earlier ${label} is still being deleted`,
    detail: { hint: `wait for it: tptctl wait ${name} -n ${object.metadata.namespace ?? ""} --for=delete` },
  });
}

async function getIfThere<T>(
  client: KubeClient,
  target: { readonly apiVersion: string; readonly kind: string; readonly namespace?: string; readonly name: string },
  signal: AbortSignal,
): Promise<T | undefined> {
  return client.get<T>(target, { signal }).catch((error: unknown) => {
    if (isErrorCode(error, "TP_NOT_FOUND")) return undefined;
    throw error;
  });
}

async function createUnlessThere(
  client: KubeClient,
  target: { readonly apiVersion: string; readonly kind: string; readonly name: string },
  object: object,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await client.create(target, object, { signal });
    return true;
  } catch (error) {
    if (isErrorCode(error, "TP_ALREADY_EXISTS")) return false;
    throw error;
  }
}

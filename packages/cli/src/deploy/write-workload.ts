import type { KubeClient } from "@threeport/client";
import { deepEqual, isErrorCode, PlatformError, type JsonObject } from "@threeport/resource";
import { getIfThere } from "../objects/get-if-there.ts";
import { namespace as namespaceKind, workloadDefinition, workloadInstance, type WorkloadDefinition, type WorkloadInstance } from "../kinds.ts";

export interface Wanted {
  readonly project: string;
  readonly definition: string;
  readonly instance: string;
  readonly environment: string;
  /** `spec.source` of the definition. */
  readonly source: JsonObject;
  /** What is different in this environment; undefined leaves what is there. */
  readonly values: JsonObject | undefined;
  readonly replicas: number | undefined;
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
  const { source } = wanted;
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
  // The source is replaced as a whole, so two deploys at once never mix; a status written meanwhile is no reason to refuse.
  const patched = await client.patch<WorkloadDefinition>(
    target,
    [
      { op: "test", path: "/metadata/uid", value: existing.metadata.uid },
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
): Promise<{ readonly change: Change; readonly pinnedTo: string | undefined; readonly instance: WorkloadInstance }> {
  const target = { ...workloadInstance, namespace: wanted.project, name: wanted.instance };
  const existing = await getIfThere<WorkloadInstance>(client, target, signal);
  if (existing === undefined) {
    const instance = await client.create<WorkloadInstance>(
      target,
      {
        ...workloadInstance,
        metadata: { name: wanted.instance, namespace: wanted.project },
        spec: { definition: wanted.definition, environment: wanted.environment, ...ownOf(wanted) },
      },
      { signal },
    );
    return { change: "created", pinnedTo: undefined, instance };
  }
  refuseIfLeaving(existing, `deployment ${wanted.instance}`, `workloadinstance/${wanted.instance}`);
  const { definition, environment, release } = existing.spec;
  if (definition !== wanted.definition || environment !== wanted.environment) {
    throw new PlatformError("TP_ALREADY_EXISTS", {
      message: `there is a deployment ${wanted.instance} of workload ${definition} in environment ${environment}`,
      detail: { hint: "give this workload another name with --name" },
    });
  }
  const pinnedTo = release === undefined || release === "latest" ? undefined : release;
  const own = Object.entries(ownOf(wanted)).filter(([field, value]) => !deepEqual(existing.spec[field as "values" | "replicas"], value));
  if (own.length === 0) return { change: "unchanged", pinnedTo, instance: existing };
  // As a whole: a merge would keep what the values said before.
  const patch = own.map(([field, value]) => ({ op: "add", path: `/spec/${field}`, value }));
  const instance = await client.patch<WorkloadInstance>(target, [{ op: "test", path: "/metadata/uid", value: existing.metadata.uid }, ...patch], {
    type: "json",
    signal,
  });
  return { change: "configured", pinnedTo, instance };
}

function ownOf({ values, replicas }: Wanted): Pick<WorkloadInstance["spec"], "values" | "replicas"> {
  return { ...(values === undefined ? {} : { values }), ...(replicas === undefined ? {} : { replicas }) };
}

function refuseIfLeaving(object: WorkloadDefinition | WorkloadInstance, label: string, name: string): void {
  if (object.metadata.deletionTimestamp === undefined) return;
  throw new PlatformError("TP_IN_USE", {
    message: `an earlier ${label} is still being deleted`,
    detail: { hint: `wait for it: tptctl wait ${name} -n ${object.metadata.namespace ?? ""} --for=delete` },
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

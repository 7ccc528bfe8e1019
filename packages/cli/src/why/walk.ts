import { resourcePath, type KubeClient } from "@threeport/client";
import { isErrorCode } from "@threeport/resource";
import { conditionOf, environment, release, runtimeInstance, workloadDefinition, workloadInstance, type Observed, type WorkloadInstance } from "../kinds.ts";
import { instances } from "../tree/fetch-tree.ts";
import { isWell, stepOf, type CauseStep } from "./cause-step.ts";

export interface Chain {
  readonly steps: readonly CauseStep[];
  /** The deployment that the chain led through, whose logs and events tell more. */
  readonly instance: { readonly namespace: string; readonly name: string } | undefined;
}

/** A chain never comes back to where it was, so this only bounds what a broken server could do. */
const stepsMax = 20;

/** From an object of ours to what caused its state: along what it names, and from a deployment down into its cluster. */
export async function walk(client: KubeClient, from: Observed, signal: AbortSignal): Promise<Chain> {
  const steps: CauseStep[] = [];
  let object = from;
  while (steps.length < stepsMax) {
    if (object.kind === workloadInstance.kind) {
      const { name, namespace = "" } = object.metadata;
      const body = (await client.request(resourcePath(instances, { namespace, name, subresource: "why" }), { signal })).body as { chain: CauseStep[] };
      // What is going says so itself; the rest is known where the objects are.
      const [own, ...rest] = body.chain;
      const first = object.metadata.deletionTimestamp === undefined ? own : stepOf(object);
      return { steps: [...steps, ...(first === undefined ? [] : [first]), ...rest], instance: { namespace, name } };
    }
    const step = stepOf(object);
    steps.push(step);
    if (isWell(step) && object.kind !== release.kind) break;
    const next = await nextOf(client, object, signal);
    // A release has no state of its own, but what came of it has.
    if (next === undefined || (isWell(step) && isWell(stepOf(next)))) break;
    object = next;
  }
  return { steps, instance: undefined };
}

/** The object that the state of this one follows from. */
async function nextOf(client: KubeClient, object: Observed, signal: AbortSignal): Promise<Observed | undefined> {
  const { name, namespace = "", ownerReferences = [] } = object.metadata;
  const get = (target: { readonly apiVersion: string; readonly kind: string; readonly namespace?: string; readonly name: string }) =>
    client.get<Observed>(target, { signal }).catch((error: unknown) => {
      if (isErrorCode(error, "TP_NOT_FOUND") || isErrorCode(error, "TP_FORBIDDEN")) return undefined;
      throw error;
    });
  const spec = (object.spec ?? {}) as Record<string, unknown>;
  switch (object.kind) {
    case environment.kind:
      return typeof spec["runtime"] === "string" && conditionOf(object, "Ready")?.reason === "RuntimeNotReady"
        ? get({ ...runtimeInstance, name: spec["runtime"] })
        : undefined;
    case workloadDefinition.kind: {
      const { items } = await client.list<WorkloadInstance>({ ...workloadInstance, namespace }, { signal });
      const users = items.filter((instance) => instance.spec.definition === name).map((instance) => ({ instance, step: stepOf(instance) }));
      return (users.find(({ step }) => step.state === "Degraded") ?? users.find(({ step }) => !isWell(step)))?.instance;
    }
    case release.kind:
      return typeof spec["definition"] === "string" ? get({ ...workloadDefinition, namespace, name: spec["definition"] }) : undefined;
    default: {
      const owner = ownerReferences.find(({ kind }) => kind === workloadInstance.kind);
      return owner === undefined ? undefined : get({ ...workloadInstance, namespace, name: owner.name });
    }
  }
}

// A clone: it takes once what another environment says, then what its project has deployed there. What was taken is written down: the spec with the
// generation in one write, the deployments when all of them are made. So nothing is taken a second time, and later changes of the other one move nothing.
import { waiting, type Outcome, type ReconcileContext, type Verdict } from "@threeport/engine";
import { rfc3339 } from "@threeport/platform";
import { environmentKind, type Environment } from "./environment-kind.ts";

/** Makes what a project has deployed in one environment again in another. Safe to call again. Names of what is there afterwards, or what is in the way. */
export type CopyDeployments = (
  copy: { readonly project: string; readonly from: string; readonly to: string },
  context: ReconcileContext,
) => Promise<{ readonly deployments: readonly string[] } | { readonly verdict: Verdict }>;

/** An environment that came one step on, or what it waits for. */
export type Step = { readonly environment: Environment } | { readonly verdict: Verdict };

/** The clone with what the other environment says, or what to tell until it is known. */
export async function takeSpec(clone: Environment, context: ReconcileContext): Promise<Step> {
  const { cloneOf } = clone.spec;
  if (cloneOf === undefined || cloneOf.generation !== undefined) return { environment: clone };
  const { apiVersion, kind } = environmentKind;
  const source = await context.objects.get<Environment>({ apiVersion, kind, name: cloneOf.environment });
  if (source === undefined || source.metadata.deletionTimestamp !== undefined)
    return stalled("CloneSourceGone", `environment ${cloneOf.environment} went before it was cloned; delete this one, and clone another`);
  const spec = specOf(clone, source);
  if (spec.runtime === "" && spec.runtimeSelector === undefined)
    return { verdict: { state: "reconciling", reason: "CloneSourcePending", message: `environment ${cloneOf.environment} has no runtime yet` } };
  return { environment: (await context.objects.commit<Environment>(clone, { ...clone, spec })) ?? clone };
}

/** Pure. What a clone says itself comes before what the other one says, but for what the other one allows and limits. */
export function specOf({ spec }: Environment, source: Environment): Environment["spec"] {
  const { runtime, runtimeSelector, cloneOf, allow: _, quota: __, dependencies: ___, ...own } = spec;
  const from = source.spec;
  const named = runtime !== "" || runtimeSelector !== undefined;
  // Rights in one cluster are none in another.
  const allow = named && runtime !== from.runtime ? undefined : from.allow;
  const variables = { ...from.variables, ...own.variables };
  const registries = own.registries ?? from.registries;
  const defaults = own.defaults ?? from.defaults;
  return {
    ...own,
    runtime: named ? runtime : from.runtime,
    ...(runtimeSelector === undefined ? {} : { runtimeSelector }),
    ...(cloneOf === undefined ? {} : { cloneOf: { ...cloneOf, generation: source.metadata.generation ?? 0 } }),
    baseDomain: own.baseDomain === "" ? from.baseDomain : own.baseDomain,
    https: own.https === "Required" ? own.https : from.https,
    ...(allow === undefined ? {} : { allow }),
    ...(from.quota === undefined ? {} : { quota: from.quota }),
    ...(from.dependencies === undefined ? {} : { dependencies: from.dependencies }),
    ...(Object.keys(variables).length === 0 ? {} : { variables }),
    ...(registries === undefined ? {} : { registries }),
    ...(defaults === undefined ? {} : { defaults }),
  };
}

export type Taken = NonNullable<Environment["status"]>["clone"];

/** What was taken, once all of it is there. */
export async function takeDeployments(
  { metadata, spec, status }: Environment,
  copy: CopyDeployments,
  context: ReconcileContext,
): Promise<{ readonly taken?: Taken; readonly verdict?: Verdict }> {
  const { cloneOf, project } = spec;
  if (status?.clone !== undefined) return { taken: status.clone };
  if (cloneOf === undefined || project === undefined) return {};
  const copied = await copy({ project, from: cloneOf.environment, to: metadata.name }, context);
  if ("verdict" in copied) return copied;
  return { taken: { environment: cloneOf.environment, at: rfc3339(context.clock.now()), deployments: [...copied.deployments] } };
}

function stalled(reason: string, message: string): { readonly verdict: Verdict } {
  return { verdict: { state: "stalled", reason, message } };
}

/** What is waited for refers to nobody, so nobody is woken by it. */
const unheardRecheckMs = 5_000;

export function lookAgainSoon(message: string): Outcome {
  return waiting(message, unheardRecheckMs);
}

// An environment whose time is over ends itself, in reverse order: deployments, then what they depended on, then the environment. Each run reads what is
// still there and goes one step on, so it does not matter where the last one ended; an extension in between stops it where it stands.
import { waiting, type Outcome, type ReconcileContext, type Verdict } from "@threeport/engine";
import type { KubeObject } from "@threeport/resource";
import { dependencyKind, deploymentKind, namesOf, profileKind, standingIn, type Dependency, type Profile } from "./contents.ts";
import { environmentKind, type Environment } from "./environment-kind.ts";

/** The reason while its contents go. */
export const expiredReason = "Expired";
const retainedReason = "DependencyRetained";

/** Nobody tells when something of it has gone. */
const stepRecheckMs = 1_000;
/** A person must act first. */
const retainedRecheckMs = 30_000;

/** True once its time is over: nothing new is taken. */
export function isEnding(environment: Environment): boolean {
  const reason = environment.status?.conditions?.find(({ type }) => type === "Ready")?.reason;
  return environment.metadata.deletionTimestamp !== undefined || reason === expiredReason || reason === retainedReason;
}

/** What is asked to go now, and what is told meanwhile. */
export interface Ending {
  readonly verdict: Verdict;
  readonly outcome: Outcome;
  /** To be called when the verdict is written: it asks something to go. */
  readonly act: (told: Environment) => Promise<void>;
}

/** The next step to the end. Reads; what it would do is in `act`. */
export async function nextEnding(environment: Environment, context: ReconcileContext): Promise<Ending> {
  const { name } = environment.metadata;
  const over = `its time is over (spec.ttl ${environment.spec.ttl ?? ""})`;
  const deployments = await standingIn<KubeObject>(environment, deploymentKind, context.objects);
  if (deployments.length > 0) {
    const message = `${over}: ${deployments.length === 1 ? "deployment" : "deployments"} ${namesOf(deployments)} ${deployments.length === 1 ? "goes" : "go"} first`;
    return { ...going(message), act: () => removeAll(deployments, context) };
  }
  const dependencies = await standingIn<Dependency>(environment, dependencyKind, context.objects);
  const retained = await retainedOf(dependencies, context);
  const [first] = retained;
  if (first !== undefined) {
    const { namespace = "" } = first.metadata;
    const message = `${over}, and profiles keep ${namesOf(retained)}: if what they hold may be lost, tptctl delete dependency/${first.metadata.name} -n ${namespace}; else tptctl env extend ${name} --ttl 7d`;
    return {
      verdict: { state: "stalled", reason: retainedReason, message },
      outcome: waiting(message, retainedRecheckMs),
      act: () => Promise.resolve(),
    };
  }
  const left = dependencies.length === 0 ? "the environment goes" : `dependencies ${namesOf(dependencies)} go, and the environment with them`;
  return {
    ...going(`${over}: ${left}`),
    act: (told) =>
      // Under the version that was told: who extended it meanwhile keeps it.
      context.objects.delete(
        { apiVersion: environmentKind.apiVersion, kind: environmentKind.kind, name },
        { uid: told.metadata.uid ?? "", resourceVersion: told.metadata.resourceVersion ?? "", propagationPolicy: "Foreground" },
      ),
  };
}

/** What to tell of an environment that is being deleted: what is left of it, in the order in which it goes. */
export async function leftOf(environment: Environment, context: ReconcileContext): Promise<string | undefined> {
  for (const [what, kind] of [
    ["deployments", deploymentKind],
    ["dependencies", dependencyKind],
  ] as const) {
    const left = await standingIn<KubeObject>(environment, kind, context.objects);
    if (left.length > 0) return `waits for ${what} ${namesOf(left)} to go`;
  }
  return undefined;
}

function going(message: string): Omit<Ending, "act"> {
  return { verdict: { state: "reconciling", reason: expiredReason, message }, outcome: waiting(message, stepRecheckMs) };
}

async function removeAll(deployments: readonly KubeObject[], context: ReconcileContext): Promise<void> {
  for (const { metadata } of deployments) {
    if (metadata.deletionTimestamp !== undefined) continue;
    context.signal.throwIfAborted();
    const target = { ...deploymentKind, namespace: metadata.namespace ?? "", name: metadata.name };
    await context.objects.delete(target, { uid: metadata.uid ?? "", propagationPolicy: "Foreground" });
  }
}

/** What operations want to keep. While its profile is not there, nobody knows whether what a dependency holds may go. */
async function retainedOf(dependencies: readonly Dependency[], context: ReconcileContext): Promise<readonly Dependency[]> {
  const bound = dependencies.filter(({ spec, metadata }) => spec.profile !== undefined && metadata.deletionTimestamp === undefined);
  if (bound.length === 0) return [];
  const profiles = new Map((await context.objects.list<Profile & KubeObject>(profileKind)).map((profile) => [profile.metadata.name, profile]));
  return bound.filter(({ spec }) => {
    const profile = profiles.get(spec.profile ?? "");
    return profile === undefined || profile.spec.deletion?.policy === "Retain";
  });
}

// An Environment: Ready when workloads can be deployed. Its outputs tell which credentials are in use, so that a changed Secret reaches what uses it.
import {
  conditionsOf,
  findCondition,
  isReadyNow,
  recheck,
  settled,
  waiting,
  type Outcome,
  type ReconcileContext,
  type Reconciler,
  type Verdict,
} from "@threeport/engine";
import { rfc3339 } from "@threeport/platform";
import type { KubeObject } from "@threeport/resource";
import { bindRuntime } from "./choose-runtime.ts";
import { lookAgainSoon, takeDeployments, takeSpec, type CopyDeployments, type Taken } from "./clone-environment.ts";
import { runtimeKind } from "./contents.ts";
import { readCredentials, type Credential } from "./credentials.ts";
import { expiredReason, leftOf, nextEnding } from "./end-environment.ts";
import { environmentKind, type Environment } from "./environment-kind.ts";
import { lifetimeOf } from "./ttl.ts";

const recheckMs = 3_600_000;
const waitRecheckMs = 60_000;
const leavingRecheckMs = 1_000;

export interface EnvironmentOptions {
  readonly copyDeployments: CopyDeployments;
}

export function environmentReconciler(options: EnvironmentOptions): Reconciler {
  return {
    queue: environmentKind.resource,
    target: { apiVersion: environmentKind.apiVersion, kind: environmentKind.kind },
    async reconcile(key, context) {
      const found = await context.objects.get<Environment>({ apiVersion: environmentKind.apiVersion, kind: environmentKind.kind, name: key.name });
      if (found === undefined) return settled;
      if (found.metadata.deletionTimestamp !== undefined) return tellLeft(found, context);
      const life = lifetimeOf(found, context.clock.now());
      if (life !== undefined && life.endsMs <= context.clock.now()) return end(found, context);
      const made = await make(found, options, context);
      await report(made.environment, made, context);
      return untilExpiry(made.outcome, life?.endsMs, context);
    },
  };
}

interface Made {
  readonly environment: Environment;
  readonly verdict: Verdict;
  readonly outcome: Outcome;
  readonly credentials?: readonly Credential[];
  readonly taken?: Taken;
}

/** What it names is there: its clone's source, its runtime, its credentials, its deployments. */
async function make(found: Environment, { copyDeployments }: EnvironmentOptions, context: ReconcileContext): Promise<Made> {
  const spoken = await takeSpec(found, context);
  if ("verdict" in spoken) return { ...spoken, environment: found, outcome: lookAgainSoon(spoken.verdict.message) };
  const bound = await bindRuntime(spoken.environment, context);
  if ("verdict" in bound) return { ...bound, ...spoken, outcome: lookAgainSoon(bound.verdict.message) };
  const placed = bound.environment;
  const credentials = await readCredentials(placed, context);
  if (typeof credentials === "string") return lacking(placed, { state: "stalled", reason: "RegistryCredentialsMissing", message: credentials });
  const { taken, verdict } = await takeDeployments(placed, copyDeployments, context);
  if (verdict !== undefined) return { environment: placed, credentials, verdict, outcome: lookAgainSoon(verdict.message) };
  const judged = await judgeRuntime(placed, context);
  const outcome = judged.state === "ready" ? recheck(recheckMs) : waiting(judged.message, waitRecheckMs);
  return { environment: placed, credentials, verdict: judged, outcome, ...(taken === undefined ? {} : { taken }) };
}

function lacking(environment: Environment, verdict: Verdict): Made {
  return { environment, verdict, outcome: waiting(verdict.message, waitRecheckMs), credentials: [] };
}

async function judgeRuntime(environment: Environment, context: ReconcileContext): Promise<Verdict> {
  const name = environment.spec.runtime;
  const runtime = await context.objects.get<KubeObject>({ ...runtimeKind, name });
  if (runtime === undefined)
    return { state: "stalled", reason: "RuntimeNotFound", message: `there is no runtime ${name}; tptctl runtime list shows what there is` };
  if (isReadyNow(runtime)) return { state: "ready", reason: "RuntimeReady", message: `workloads run on runtime ${name}` };
  const told = findCondition(runtime, "Ready");
  const stalled = findCondition(runtime, "Stalled")?.status === "True";
  return {
    state: stalled ? "stalled" : "reconciling",
    reason: "RuntimeNotReady",
    message: `runtime ${name} is not ready${told === undefined || told.message === "" ? "" : `: ${told.message}`}`,
  };
}

/** Writes the verdict. What was taken of another environment stays written, whatever happens to this one. */
async function report(
  environment: Environment,
  told: { readonly verdict: Verdict; readonly credentials?: readonly Credential[]; readonly taken?: Taken },
  context: ReconcileContext,
): Promise<Environment> {
  const life = lifetimeOf(environment, context.clock.now());
  const taken = told.taken ?? environment.status?.clone;
  const registries = told.credentials?.map(({ server, secretVersion }) => ({ server, secretVersion })) ?? environment.status?.outputs?.registries ?? [];
  return context.objects.patchStatus<Environment>({
    ...environment,
    status: {
      observedGeneration: environment.metadata.generation ?? 0,
      conditions: conditionsOf(environment, told.verdict, context.clock),
      ...(life === undefined ? {} : { expiresAt: rfc3339(life.endsMs), lifetime: life.lifetime }),
      ...(taken === undefined ? {} : { clone: taken }),
      ...(registries.length === 0 ? {} : { outputs: { registries } }),
    },
  });
}

/** It is looked at when it ends, however well it is. */
function untilExpiry(outcome: Outcome, endsMs: number | undefined, { clock }: ReconcileContext): Outcome {
  if (endsMs === undefined) return outcome;
  const leftMs = Math.max(0, endsMs - clock.now());
  return outcome.kind === "waiting"
    ? { ...outcome, recheckAfterMs: Math.min(outcome.recheckAfterMs, leftMs) }
    : recheck(Math.min(outcome.recheckAfterMs ?? Infinity, leftMs));
}

/** First it is told, so that nothing new comes in; then the next of its contents is asked to go. */
async function end(environment: Environment, context: ReconcileContext): Promise<Outcome> {
  const { verdict, outcome, act } = await nextEnding(environment, context);
  const before = findCondition(environment, "Ready")?.reason;
  const told = await report(environment, { verdict }, context);
  if (before !== verdict.reason)
    await context.event(environment, { type: verdict.reason === expiredReason ? "Normal" : "Warning", reason: verdict.reason, message: verdict.message });
  await act(told);
  return outcome;
}

async function tellLeft(environment: Environment, context: ReconcileContext): Promise<Outcome> {
  const left = await leftOf(environment, context);
  if (left === undefined) return settled;
  await report(environment, { verdict: { state: "reconciling", reason: "Deleting", message: left } }, context);
  return waiting(left, leavingRecheckMs);
}

// A Dependency: what a profile makes of a need. Bound once to its profile and runtime (§5.6); ends with its last user, as the profile says.
import type { ResourceSet } from "@threeport/cluster";
import {
  conditionsOf,
  findCondition,
  recheck,
  settled,
  waiting,
  withoutFinalizer,
  type Outcome,
  type ReconcileContext,
  type Reconciler,
  type Verdict,
} from "@threeport/engine";
import { environmentKind, leaveNamespace, openNamespace, readCredentials, removeOwnSet, type Environment } from "@threeport/module-environment";
import type { Helm } from "@threeport/module-helm";
import { rfc3339 } from "@threeport/platform";
import { dependencyClaimKind, type DependencyClaim } from "./kinds/claim.ts";
import { dependencyFinalizer, dependencyKind, type Dependency } from "./kinds/dependency.ts";
import { dependencyProfileKind, type DependencyProfile } from "./kinds/profile.ts";
import { matchPlaceOf, matchProfile, type Candidate } from "./match.ts";
import { rematch } from "./rematch.ts";
import { deploymentAnnotation, profileInUse, waitingUpdate, type Taken, type Update } from "./taken-profile.ts";
import { provision, setNameOf } from "./provision.ts";

const recheckMs = 3_600_000;
const waitRecheckMs = 30_000;
const removalRecheckMs = 1_000;
const justWrittenMs = 200;
/** What would help refers to nobody, so nobody is woken by it: a profile that is written, a Secret of operations. */
const unheard: ReadonlySet<string> = new Set(["NoProfile", "SecretMissing"]);
const unheardRecheckMs = 5_000;

const targetOf = (kind: { apiVersion: string; kind: string }, name: string, namespace?: string) => ({
  apiVersion: kind.apiVersion,
  kind: kind.kind,
  name,
  ...(namespace === undefined ? {} : { namespace }),
});

export interface DependencyOptions {
  readonly helm: Pick<Helm, "render">;
  /** A digest of content that may be secret: keyed, so that it tells nothing. */
  readonly digest: (content: string) => string;
}

export function dependencyReconciler(options: DependencyOptions): Reconciler {
  return {
    queue: dependencyKind.resource,
    target: { apiVersion: dependencyKind.apiVersion, kind: dependencyKind.kind },
    async reconcile(key, context) {
      const target = targetOf(dependencyKind, key.name, key.namespace);
      const found = await context.objects.get<Dependency>(target);
      if (found === undefined) return settled;
      if (found.metadata.deletionTimestamp !== undefined) return tearDown(found, context);
      const claims = await context.objects.list<DependencyClaim>(dependencyClaimKind, { refersTo: target });
      const users = claims.filter(({ metadata }) => metadata.deletionTimestamp === undefined).map(({ metadata }) => metadata.name);
      const environment = await context.objects.get<Environment>(targetOf(environmentKind, found.spec.environment));
      const profile =
        found.spec.profile === undefined ? undefined : await context.objects.get<DependencyProfile>(targetOf(dependencyProfileKind, found.spec.profile));
      const unused = users.length > 0 ? undefined : unusedFor(found, { profile, environment }, context);
      if (unused === "over") {
        // Under the version that was read: somebody who claims it now keeps it.
        await context.objects.delete(target, { resourceVersion: found.metadata.resourceVersion ?? "" });
        // Its own writes wake it not.
        return waiting("its removal", justWrittenMs);
      }
      const told = await judge(found, { environment, profile, deployments: deploymentsOf(claims), ...options }, context);
      return report(told.dependency ?? found, context, { ...told, users, unused });
    },
  };
}

function deploymentsOf(claims: readonly DependencyClaim[]): Record<string, string> {
  return Object.fromEntries(
    claims.flatMap(({ metadata }) => {
      const deployment = metadata.annotations?.[deploymentAnnotation];
      return deployment === undefined ? [] : [[metadata.name, deployment]];
    }),
  );
}

interface Unused {
  readonly since: string;
  /** Until it is deleted; undefined: it stays. */
  readonly leftMs: number | undefined;
}

function unusedFor(
  { spec, status }: Dependency,
  place: { readonly profile: DependencyProfile | undefined; readonly environment: Environment | undefined },
  { clock }: ReconcileContext,
): Unused | "over" {
  const { policy = "Delete", gracePeriodSeconds = 0 } = place.profile?.spec.deletion ?? {};
  const since = status?.unusedSince ?? rfc3339(clock.now());
  // While its profile is not there nobody knows whether what it holds may go.
  if (policy === "Retain" || (spec.profile !== undefined && place.profile === undefined)) return { since, leftMs: undefined };
  // An environment that goes takes all along.
  const goes = place.environment === undefined || place.environment.metadata.deletionTimestamp !== undefined;
  const leftMs = Date.parse(since) + gracePeriodSeconds * 1_000 - clock.now();
  return goes || leftMs <= 0 ? "over" : { since, leftMs };
}

export interface Judged {
  readonly verdict: Verdict;
  readonly profile?: DependencyProfile;
  /** As it was written meanwhile. */
  readonly dependency?: Dependency;
  readonly candidates?: readonly Candidate[];
  readonly taken?: Taken;
  /** A newer generation of its profile that waits. */
  readonly update?: Update;
  readonly outputs?: NonNullable<Dependency["status"]>["outputs"];
  readonly required?: readonly string[];
  readonly set?: ResourceSet;
  /** The Secret that its outputs are. */
  readonly sourceSecret?: string;
}

async function judge(
  found: Dependency,
  place: {
    readonly environment: Environment | undefined;
    readonly profile: DependencyProfile | undefined;
    /** Of its users, by their claims. */
    readonly deployments: Readonly<Record<string, string>>;
  } & DependencyOptions,
  context: ReconcileContext,
): Promise<Judged> {
  const { environment, digest, helm, deployments } = place;
  const stalled = (reason: string, message: string): Judged => ({ verdict: { state: "stalled", reason, message } });
  if (environment === undefined) return stalled("EnvironmentNotFound", `there is no Environment ${found.spec.environment}`);
  const moved = await rematch(found, environment, context);
  if ("verdict" in moved) return moved;
  const { dependency, profile: present = place.profile } = moved;
  if (dependency.spec.profile !== undefined && present === undefined)
    return stalled(
      "ProfileNotFound",
      `its DependencyProfile ${dependency.spec.profile} is not there any more; make it again. What was made by it stays, and cannot be looked after meanwhile`,
    );
  const bound = await bind(dependency, { environment, known: present }, context);
  if ("verdict" in bound) return bound;
  const { candidates } = bound;
  const { profile, taken, update } = await profileInUse(bound.dependency, { profile: bound.profile, deployments }, context);
  const { runtime = environment.spec.runtime, targetNamespace } = bound.dependency.spec;
  const credentials = await readCredentials(environment, context);
  const before = {
    profile,
    dependency: bound.dependency,
    taken,
    ...(candidates === undefined ? {} : { candidates }),
    ...(update === undefined ? {} : { update }),
  };
  if (typeof credentials === "string") return { ...before, ...stalled("RegistryCredentialsMissing", credentials) };
  if (profile.spec.provisioner.manifests !== undefined || profile.spec.provisioner.helm !== undefined) {
    const lacking = await openNamespace(bound.dependency, { environment, runtime, targetNamespace, credentials }, context);
    if (lacking !== undefined) return { ...before, verdict: lacking };
  }
  const provided = await provision(bound.dependency, { environment, profile, runtime, digest, helm, pullSecret: credentials.length > 0 }, context);
  const { verdict } = provided;
  const told =
    update === undefined || verdict.state !== "ready" ? verdict : { ...verdict, message: `${verdict.message}; ${waitingUpdate(dependency, update)}` };
  return { ...before, ...provided, verdict: told };
}

/** §5.6: profile and runtime are chosen once, and stand in the spec; a better profile that comes later moves nothing. */
async function bind(
  dependency: Dependency,
  { environment, known }: { readonly environment: Environment; readonly known: DependencyProfile | undefined },
  context: ReconcileContext,
): Promise<{ readonly dependency: Dependency; readonly profile: DependencyProfile; readonly candidates?: readonly Candidate[] } | Judged> {
  const { spec } = dependency;
  const held = dependency.metadata.finalizers?.includes(dependencyFinalizer) === true;
  if (held && known !== undefined) return { dependency, profile: known };
  const runtime = spec.runtime ?? environment.spec.runtime;
  const place = await matchPlaceOf({ environment, runtime }, context.objects);
  const { chosen, candidates } = matchProfile(await context.objects.list<DependencyProfile>(dependencyProfileKind), spec, place);
  if (chosen === undefined) return { verdict: { state: "stalled", reason: "NoProfile", message: noProfile(dependency, candidates) }, candidates };
  // First why, then the binding: an end in between chooses again, and one after it would never tell.
  const told = await context.objects.patchStatus<Dependency>({
    ...dependency,
    status: { ...(dependency.status ?? { conditions: [] }), candidates: [...candidates] },
  });
  const draft: Dependency = {
    ...told,
    metadata: {
      ...told.metadata,
      finalizers: [...(told.metadata.finalizers ?? []).filter((each) => each !== dependencyFinalizer), dependencyFinalizer],
    },
    spec: { ...spec, profile: chosen.metadata.name, runtime },
  };
  return { dependency: (await context.objects.commit(told, draft)) ?? told, profile: chosen };
}

function noProfile({ spec }: Dependency, candidates: readonly Candidate[]): string {
  const what = `type ${spec.type}${spec.class === "default" ? "" : ` and class ${spec.class}`}`;
  if (candidates.length === 0) return `there is no DependencyProfile of ${what}; tptctl get profiles lists what there is, and operations can write one`;
  return `no DependencyProfile of ${what} fits environment ${spec.environment}: ${candidates.map(({ profile, reason }) => `${profile} ${reason}`).join("; ")}`;
}

async function report(
  dependency: Dependency,
  context: ReconcileContext,
  told: Judged & { readonly users: readonly string[]; readonly unused: Unused | undefined },
): Promise<Outcome> {
  const last = dependency.status;
  const candidates = told.candidates ?? last?.candidates;
  const taken = told.taken ?? last?.taken;
  const outputs = told.outputs ?? last?.outputs;
  const required = told.required ?? last?.required ?? [];
  const services = last?.services;
  const sourceSecret = told.sourceSecret ?? last?.sourceSecret;
  const resourceSet = told.set?.metadata.name ?? last?.resourceSet;
  await context.objects.patchStatus<Dependency>({
    ...dependency,
    status: {
      observedGeneration: dependency.metadata.generation ?? 0,
      conditions: conditionsOf(dependency, told.verdict, context.clock),
      ...(candidates === undefined ? {} : { candidates: [...candidates] }),
      ...(told.users.length === 0 ? {} : { users: [...told.users] }),
      ...(taken === undefined ? {} : { taken }),
      ...(told.update === undefined ? {} : { update: told.update }),
      ...(told.unused === undefined ? {} : { unusedSince: told.unused.since }),
      ...(outputs === undefined ? {} : { outputs }),
      ...(sourceSecret === undefined ? {} : { sourceSecret }),
      ...(resourceSet === undefined ? {} : { resourceSet }),
      ...(required.length === 0 ? {} : { required: [...required] }),
      ...(services === undefined ? {} : { services }),
    },
  });
  const before = findCondition(dependency, "Ready")?.reason;
  if (told.verdict.state !== "reconciling" && before !== told.verdict.reason)
    await context.event(dependency, {
      type: told.verdict.state === "ready" ? "Normal" : "Warning",
      reason: told.verdict.reason,
      message: told.verdict.message,
    });
  const heard = told.sourceSecret !== undefined || !unheard.has(told.verdict.reason);
  const afterMs = told.verdict.state === "ready" ? recheckMs : heard ? waitRecheckMs : unheardRecheckMs;
  // The Secrets of a profile may stand in any namespace, where nothing of a project can refer to them: they are looked at.
  const readsSecrets = Object.values(told.profile?.spec.outputs ?? {}).some(({ secretRef }) => secretRef !== undefined);
  const nextMs = Math.min(readsSecrets ? Math.min(afterMs, waitRecheckMs) : afterMs, told.unused?.leftMs ?? Infinity);
  return told.verdict.state === "ready" ? recheck(nextMs) : waiting(told.verdict.message, nextMs);
}

/** Its objects first; what it required is let go by its own end, which takes its claims along. */
async function tearDown(dependency: Dependency, context: ReconcileContext): Promise<Outcome> {
  if (dependency.metadata.finalizers?.includes(dependencyFinalizer) !== true) return settled;
  const { name, namespace = "" } = dependency.metadata;
  const going = await removeOwnSet(dependency, { namespace, name: setNameOf(name) }, context.objects);
  if (going !== undefined) {
    await context.objects.patchStatus<Dependency>({
      ...dependency,
      status: { ...dependency.status, conditions: conditionsOf(dependency, going, context.clock) },
    });
    return waiting(going.message, removalRecheckMs);
  }
  await leaveNamespace(dependency, { runtime: dependency.spec.runtime, targetNamespace: dependency.spec.targetNamespace }, context);
  await withoutFinalizer(context.objects, dependency, dependencyFinalizer);
  return settled;
}

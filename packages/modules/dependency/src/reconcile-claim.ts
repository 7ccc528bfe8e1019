// A DependencyClaim: finds or makes the Dependency that meets it, and says what that says.
import { conditionsOf, findCondition, isReadyNow, recheck, settled, waiting, type ReconcileContext, type Reconciler, type Verdict } from "@threeport/engine";
import { deepEqual, isErrorCode, PlatformError, type KubeObject } from "@threeport/resource";
import { dependencyClaimKind, type DependencyClaim } from "./kinds/claim.ts";
import { dependencyKind, type Dependency } from "./kinds/dependency.ts";
import { dependencyNameOf } from "./names.ts";
import { deploymentAnnotation, takenByDeployment } from "./taken-profile.ts";
import { secretNameOf } from "./project-secret.ts";

const recheckMs = 3_600_000;
const waitRecheckMs = 30_000;
/** While what it would use is being removed. */
const leavingRecheckMs = 1_000;

export function claimReconciler(): Reconciler {
  return {
    queue: dependencyClaimKind.resource,
    target: { apiVersion: dependencyClaimKind.apiVersion, kind: dependencyClaimKind.kind },
    async reconcile(key, context) {
      const found = await context.objects.get<DependencyClaim>({
        apiVersion: dependencyClaimKind.apiVersion,
        kind: dependencyClaimKind.kind,
        namespace: key.namespace,
        name: key.name,
      });
      if (found === undefined || found.metadata.deletionTimestamp !== undefined) return settled;
      const name = found.spec.dependency ?? dependencyNameOf(found.spec);
      const target = { apiVersion: dependencyKind.apiVersion, kind: dependencyKind.kind, namespace: key.namespace, name };
      const there = await context.objects.get<Dependency>(target);
      if (there?.metadata.deletionTimestamp !== undefined) {
        const message = `the earlier ${found.spec.type} ${found.spec.id} is still being removed; it is made again after that`;
        await report(found, { state: "reconciling", reason: "DependencyTerminating", message }, {}, context);
        return waiting(message, leavingRecheckMs);
      }
      // Bound before it is made: one without users ends itself.
      const claim = found.spec.dependency === undefined ? await bind(found, name, context) : found;
      const dependency = there ?? (await make(claim, name, context));
      const { conflict, shared = dependency } = await shareParams(claim, await passDeployment(claim, dependency, context), context);
      const verdict = conflict === undefined ? verdictOf(shared) : conflictVerdict(claim, conflict);
      await report(claim, verdict, { dependency: verdict.state === "ready" || isEarly(shared, conflict) ? shared : undefined, conflict }, context);
      return verdict.state === "ready" ? recheck(recheckMs) : waiting(verdict.message, waitRecheckMs);
    },
  };
}

/** What it gives can be read before it is ready; once its params are those of the claim. */
function isEarly({ status }: Dependency, conflict: DependencyClaim | undefined): boolean {
  return conflict === undefined && status?.outputs?.withWorkload === true;
}

async function bind(claim: DependencyClaim, name: string, context: ReconcileContext): Promise<DependencyClaim> {
  return (await context.objects.commit<DependencyClaim>(claim, { ...claim, spec: { ...claim.spec, dependency: name } })) ?? claim;
}

async function make(claim: DependencyClaim, name: string, context: ReconcileContext): Promise<Dependency> {
  const { environment, type, class: sort, id, targetNamespace, params, sourceWorkload } = claim.spec;
  const made = context.objects.create<Dependency>({
    apiVersion: dependencyKind.apiVersion,
    kind: dependencyKind.kind,
    metadata: { name, namespace: claim.metadata.namespace ?? "" },
    spec: {
      environment,
      type,
      class: sort,
      id,
      targetNamespace,
      ...(params === undefined ? {} : { params, paramsFrom: claim.metadata.name }),
      ...(sourceWorkload === undefined ? {} : { sourceWorkload }),
    },
  } as KubeObject);
  return made.catch((error: unknown) => {
    // Another claim was faster: read again, and join it.
    if (isErrorCode(error, "TP_ALREADY_EXISTS")) throw new PlatformError("TP_VERSION_CONFLICT", { cause: error });
    throw error;
  });
}

/** Another claim that asks for something else; or the dependency as it was changed for this one. */
interface Shared {
  readonly conflict?: DependencyClaim;
  readonly shared?: Dependency;
}

/** Params are given in one place, or alike everywhere; a use without any joins. */
async function shareParams(claim: DependencyClaim, dependency: Dependency, context: ReconcileContext): Promise<Shared> {
  if (dependency.status?.sourceSecret !== undefined) return shareSecret(claim, dependency, context);
  const { params } = claim.spec;
  const { paramsFrom } = dependency.spec;
  const own = claim.metadata.name;
  if (params === undefined || deepEqual(params, dependency.spec.params ?? {})) return shareWorkload(claim, dependency, context);
  const other =
    paramsFrom === undefined || paramsFrom === own ? undefined : await context.objects.get<DependencyClaim>({ ...claimTarget(claim), name: paramsFrom });
  const gives = other?.spec.params !== undefined && other.spec.dependency === dependency.metadata.name && other.metadata.deletionTimestamp === undefined;
  return gives ? { conflict: other } : take(claim, dependency, context);
}

/** Its author may read the Secret that it names, and perhaps not the one that others name: nobody joins by leaving the name out. */
async function shareSecret(claim: DependencyClaim, dependency: Dependency, context: ReconcileContext): Promise<Shared> {
  const wanted = secretNameOf(dependency.spec);
  if (secretNameOf(claim.spec) === wanted) return {};
  const { apiVersion, kind, metadata } = dependency;
  const users = await context.objects.list<DependencyClaim>(dependencyClaimKind, {
    refersTo: { apiVersion, kind, namespace: metadata.namespace ?? "", name: metadata.name },
  });
  const other = users.find(
    (each) => each.metadata.name !== claim.metadata.name && each.metadata.deletionTimestamp === undefined && secretNameOf(each.spec) === wanted,
  );
  return other === undefined ? take(claim, dependency, context) : { conflict: other };
}

async function take(claim: DependencyClaim, dependency: Dependency, context: ReconcileContext): Promise<Shared> {
  const { params: _, paramsFrom: __, ...spec } = dependency.spec;
  const { params, sourceWorkload } = claim.spec;
  const given = params === undefined ? {} : { params, paramsFrom: claim.metadata.name };
  const wanted = { ...dependency, spec: { ...spec, ...given, ...(sourceWorkload === undefined ? {} : { sourceWorkload }) } };
  return { shared: (await context.objects.commit<Dependency>(dependency, wanted)) ?? wanted };
}

/** A deployment of a user takes what waits of the profile (`updatePolicy: OnDeploy`). */
async function passDeployment({ metadata }: DependencyClaim, dependency: Dependency, { objects }: ReconcileContext): Promise<Dependency> {
  const updateTo = takenByDeployment(dependency, { name: metadata.name, deployment: metadata.annotations?.[deploymentAnnotation] });
  if (updateTo === undefined) return dependency;
  const wanted = { ...dependency, spec: { ...dependency.spec, updateTo } };
  return (await objects.commit<Dependency>(dependency, wanted)) ?? wanted;
}

/** Who gives the params, or was the first where nobody gives any, is the workload that it is for; what that one changes of itself is passed on. */
async function shareWorkload({ spec, metadata }: DependencyClaim, dependency: Dependency, { objects }: ReconcileContext): Promise<Shared> {
  const { sourceWorkload: now } = spec;
  const { paramsFrom, sourceWorkload: before } = dependency.spec;
  const isSource = paramsFrom === undefined ? before === undefined || before.name === now?.name : paramsFrom === metadata.name;
  if (!isSource || now === undefined || deepEqual(now, before)) return {};
  const wanted = { ...dependency, spec: { ...dependency.spec, sourceWorkload: now } };
  return { shared: (await objects.commit<Dependency>(dependency, wanted)) ?? wanted };
}

function conflictVerdict(claim: DependencyClaim, other: DependencyClaim): Verdict {
  const { type, id } = claim.spec;
  return {
    state: "stalled",
    reason: "ParamsConflict",
    message: `${userOf(other)} gives ${type} ${id} other params than ${userOf(claim)}: give them in one of both, give the same in both, or another id`,
  };
}

function claimTarget(claim: DependencyClaim) {
  return { apiVersion: claim.apiVersion, kind: claim.kind, namespace: claim.metadata.namespace ?? "" };
}

function userOf({ spec }: DependencyClaim): string {
  return `${spec.workload === undefined ? "dependency" : "workload"} ${spec.workload ?? spec.requiredBy ?? ""} (${spec.resource})`;
}

function verdictOf(dependency: Dependency): Verdict {
  const told = findCondition(dependency, "Ready");
  if (isReadyNow(dependency)) return { state: "ready", reason: "Provided", message: told?.message ?? "" };
  const current = told !== undefined && (told.observedGeneration ?? 0) === (dependency.metadata.generation ?? 0);
  if (!current) return { state: "reconciling", reason: "Provisioning", message: `${dependency.spec.type} ${dependency.spec.id} is being provided` };
  return { state: findCondition(dependency, "Stalled")?.status === "True" ? "stalled" : "reconciling", reason: told.reason, message: told.message };
}

async function report(
  claim: DependencyClaim,
  verdict: Verdict,
  { dependency, conflict }: { readonly dependency?: Dependency | undefined; readonly conflict?: DependencyClaim | undefined },
  context: ReconcileContext,
): Promise<void> {
  const outputs = dependency?.status?.outputs ?? claim.status?.outputs;
  await context.objects.patchStatus<DependencyClaim>({
    ...claim,
    status: {
      observedGeneration: claim.metadata.generation ?? 0,
      conditions: conditionsOf(claim, verdict, context.clock),
      ...(outputs === undefined ? {} : { outputs }),
      ...(conflict === undefined ? {} : { conflictsWith: conflict.metadata.name }),
    },
  });
}

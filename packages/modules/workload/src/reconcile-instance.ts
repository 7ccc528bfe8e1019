// A WorkloadInstance: one release in one environment becomes one ResourceSet, whose health is the instance's health (design.md §7).
import { confirmPruneAnnotation, resourceSetKind, type ResourceSet } from "@threeport/cluster";
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
  withoutFinalizer,
} from "@threeport/engine";
import type { KubeObject } from "@threeport/resource";
import {
  environmentKind,
  releaseKind,
  workloadDefinitionKind,
  workloadInstanceKind,
  type Environment,
  type Release,
  type WorkloadDefinition,
  type WorkloadInstance,
} from "./kinds/index.ts";
import { releaseContent } from "./reconcile-definition.ts";
import { renderManifests, replicasOf, scalableIn, targetNamespaceOf } from "./render.ts";
import { readCredentials } from "./registries.ts";
import { leaveNamespace, namespaceNotAllowed, ownerReference, shareNamespace } from "./share-namespace.ts";

export const instanceFinalizer = "threeport.io/instance";
/** On the ResourceSet: which release its objects are. Gates compare it, so that the old release's health never counts for the new one. */
const releaseAnnotation = "threeport.io/release";

/** Somebody wants it so: no deadline runs while it holds. */
const pausedReason = "Paused";

const recheckMs = 3_600_000;
const waitRecheckMs = 30_000;
const removalRecheckMs = 1_000;

export function instanceReconciler(): Reconciler {
  return {
    queue: workloadInstanceKind.resource,
    target: { apiVersion: workloadInstanceKind.apiVersion, kind: workloadInstanceKind.kind },
    async reconcile(key, context) {
      const found = await context.objects.get<WorkloadInstance>({
        apiVersion: workloadInstanceKind.apiVersion,
        kind: workloadInstanceKind.kind,
        namespace: key.namespace,
        name: key.name,
      });
      if (found === undefined) return settled;
      if (found.metadata.deletionTimestamp !== undefined) return tearDown(found, context);
      const resolved = await resolve(found, context);
      if ("missing" in resolved) return report(found, context, { verdict: resolved.missing });
      const { environment, release } = resolved;
      const instance = await bind(found, environment, context);
      const runtime = instance.spec.runtime ?? environment.spec.runtime;
      const targetNamespace = instance.spec.targetNamespace ?? targetNamespaceOf(key.namespace, instance.spec.environment);
      const credentials = await readCredentials(environment, context);
      if (typeof credentials === "string")
        return report(instance, context, {
          release,
          targetNamespace,
          verdict: { state: "stalled", reason: "RegistryCredentialsMissing", message: credentials },
        });
      if (instance.spec.paused === true) return hold(instance, { release, targetNamespace }, context);
      const namespaceSet = await shareNamespace(instance, { environment, runtime, targetNamespace, credentials }, context);
      if (namespaceSet === "terminating") {
        await report(instance, context, {
          release,
          targetNamespace,
          verdict: {
            state: "reconciling",
            reason: "NamespaceTerminating",
            message: `namespace ${targetNamespace} is still being removed; it is made again after that`,
          },
        });
        return waiting("the namespace to go", removalRecheckMs);
      }
      if (namespaceSet === "not allowed")
        return report(instance, context, { release, targetNamespace, verdict: namespaceNotAllowed(targetNamespace, environment) });
      if (!isReadyNow(namespaceSet))
        return report(instance, context, { release, targetNamespace, verdict: follow(namespaceSet, `namespace ${targetNamespace}`) });
      const objects = renderManifests({
        objects: await releaseContent(release, context),
        definition: instance.spec.definition,
        instance: instance.metadata.name,
        replicas: instance.spec.replicas,
        pullSecret: credentials.length > 0,
        restartedAt: instance.spec.restartedAt,
      });
      const scalable = scalableIn(objects);
      if (instance.spec.replicas !== undefined && scalable === undefined)
        return report(instance, context, { release, targetNamespace, verdict: notScalable(instance) });
      const replicas = scalable === undefined ? undefined : replicasOf(scalable);
      const taken = await takenBy(instance, context);
      if (taken !== undefined) return report(instance, context, { release, targetNamespace, verdict: taken });
      const set = await context.objects.apply<ResourceSet>(setOf(instance, { environment, release, runtime, targetNamespace, objects }));
      return report(instance, context, { release, targetNamespace, set, replicas, verdict: follow(set, `release ${release.metadata.name}`) });
    },
  };
}

/** What the instance names, or what to tell while something is not there. Its references wake it when that changes. */
async function resolve(instance: WorkloadInstance, context: ReconcileContext): Promise<{ environment: Environment; release: Release } | { missing: Verdict }> {
  const namespace = instance.metadata.namespace ?? "";
  const [environment, definition] = await Promise.all([
    context.objects.get<Environment>({ apiVersion: environmentKind.apiVersion, kind: environmentKind.kind, name: instance.spec.environment }),
    context.objects.get<WorkloadDefinition>({
      apiVersion: workloadDefinitionKind.apiVersion,
      kind: workloadDefinitionKind.kind,
      namespace,
      name: instance.spec.definition,
    }),
  ]);
  const stalled = (reason: string, message: string) => ({ missing: { state: "stalled", reason, message } as const });
  if (environment === undefined)
    return stalled("EnvironmentNotFound", `there is no Environment ${instance.spec.environment}; create it, or look at kubectl get environments`);
  if (definition === undefined)
    return stalled(
      "DefinitionNotFound",
      `there is no WorkloadDefinition ${instance.spec.definition} in namespace ${namespace}; create it, or correct spec.definition`,
    );
  const pinned = instance.spec.release !== "latest";
  if (!pinned && (definition.status?.latestRelease === undefined || definition.status.observedGeneration !== definition.metadata.generation)) {
    return {
      missing: {
        state: "reconciling",
        reason: "ReleasePending",
        message: `the release of generation ${definition.metadata.generation ?? 0} of ${instance.spec.definition} is being made`,
      },
    };
  }
  const name = pinned ? instance.spec.release : (definition.status?.latestRelease ?? "");
  const release = await context.objects.get<Release>({ apiVersion: releaseKind.apiVersion, kind: releaseKind.kind, namespace, name });
  if (release === undefined || release.spec.definition !== instance.spec.definition)
    return stalled("ReleaseNotFound", `there is no Release ${name} of ${instance.spec.definition}; look at kubectl get releases -n ${namespace}`);
  return { environment, release };
}

/** §5.6: the runtime is chosen once and stands in the spec; a later change of the environment moves nothing. */
async function bind(instance: WorkloadInstance, environment: Environment, context: ReconcileContext): Promise<WorkloadInstance> {
  const finalizers = instance.metadata.finalizers ?? [];
  const held = finalizers.includes(instanceFinalizer);
  if (held && instance.spec.runtime !== undefined) return instance;
  const draft: WorkloadInstance = {
    ...instance,
    metadata: { ...instance.metadata, finalizers: held ? finalizers : [...finalizers, instanceFinalizer] },
    spec: { ...instance.spec, runtime: instance.spec.runtime ?? environment.spec.runtime },
  };
  return (await context.objects.commit(instance, draft)) ?? instance;
}

/** Running the old number while the spec asks for another would be a lie: nothing is applied until one of both is changed. */
function notScalable(instance: WorkloadInstance): Verdict {
  return {
    state: "stalled",
    reason: "NotScalable",
    message: `spec.replicas needs a workload with exactly one Deployment, StatefulSet, ReplicaSet or ReplicationController; remove spec.replicas, or set the numbers in WorkloadDefinition ${instance.spec.definition}`,
  };
}

/** What runs goes on, and is judged as ever; what waits is told. */
async function hold(instance: WorkloadInstance, wanted: { release: Release; targetNamespace: string }, context: ReconcileContext): Promise<Outcome> {
  const set = await ownSet(instance, context);
  const running = set?.metadata.annotations?.[releaseAnnotation];
  const waits = wanted.release.metadata.name;
  const resume = `tptctl resume ${instance.metadata.name} goes on`;
  if (set === undefined || running === undefined)
    return report(instance, context, {
      verdict: { state: "reconciling", reason: pausedReason, message: `paused before anything was deployed; release ${waits} waits; ${resume}` },
    });
  const release = { metadata: { name: running } };
  if (running !== waits)
    return report(instance, context, {
      ...wanted,
      release,
      set,
      verdict: { state: "reconciling", reason: pausedReason, message: `paused at release ${running}; release ${waits} waits; ${resume}` },
    });
  const verdict = follow(set, `release ${running}`);
  return report(instance, context, { ...wanted, release, set, verdict: { ...verdict, message: `${verdict.message} (paused; ${resume})` } });
}

async function ownSet(instance: WorkloadInstance, context: ReconcileContext): Promise<ResourceSet | undefined> {
  const { name, namespace } = instance.metadata;
  const set = await context.objects.get<ResourceSet>({ apiVersion: resourceSetKind.apiVersion, kind: resourceSetKind.kind, namespace: namespace ?? "", name });
  return (set?.metadata.ownerReferences ?? []).some((owner) => owner.uid === instance.metadata.uid) ? set : undefined;
}

/** A set of the instance's name that somebody else made is left alone: overwriting it would remove what it holds. */
async function takenBy(instance: WorkloadInstance, context: ReconcileContext): Promise<Verdict | undefined> {
  const { name, namespace } = instance.metadata;
  const set = await context.objects.get<ResourceSet>({ apiVersion: resourceSetKind.apiVersion, kind: resourceSetKind.kind, namespace: namespace ?? "", name });
  if (set === undefined || (set.metadata.ownerReferences ?? []).some((owner) => owner.uid === instance.metadata.uid)) return undefined;
  return {
    state: "stalled",
    reason: "SetNameTaken",
    message: `there is a ResourceSet ${name} that does not belong to this instance; delete it, or give the instance another name`,
  };
}

function setOf(
  instance: WorkloadInstance,
  input: { environment: Environment; release: Release; runtime: string; targetNamespace: string; objects: readonly KubeObject[] },
): KubeObject {
  const { allow } = input.environment.spec;
  const confirmed = instance.metadata.annotations?.[confirmPruneAnnotation];
  return {
    apiVersion: resourceSetKind.apiVersion,
    kind: resourceSetKind.kind,
    metadata: {
      name: instance.metadata.name,
      namespace: instance.metadata.namespace ?? "",
      annotations: { [releaseAnnotation]: input.release.metadata.name, ...(confirmed === undefined ? {} : { [confirmPruneAnnotation]: confirmed }) },
      ownerReferences: [ownerReference(instance, true)],
    },
    spec: {
      runtime: input.runtime,
      targetNamespace: input.targetNamespace,
      confine: { environment: input.environment.metadata.name, ...(allow === undefined ? {} : { allow }) },
      objects: input.objects,
      prune: true,
      adopt: "Never",
      progressDeadlineSeconds: instance.spec.progressDeadlineSeconds,
    },
  };
}

/** The verdict of a set as the instance's own: only what it says of its present generation counts. */
function follow(set: ResourceSet, what: string): Verdict {
  const ready = findCondition(set, "Ready");
  if (ready === undefined || (ready.observedGeneration ?? 0) !== (set.metadata.generation ?? 0))
    return { state: "reconciling", reason: "Applying", message: `${what} is being applied` };
  if (ready.status === "True") return { state: "ready", reason: "Healthy", message: `${what}: ${ready.message}` };
  return { state: findCondition(set, "Stalled")?.status === "True" ? "stalled" : "reconciling", reason: ready.reason, message: ready.message };
}

/**
 * Q7: what is still under way past the deadline counts as stalled, and stays so until it is ready or something new is
 * asked for. The set judges its own objects by the same deadline; this one covers everything before and around it.
 */
function withDeadline(instance: WorkloadInstance, verdict: Verdict, release: string | undefined, nowMs: number): Verdict {
  if (verdict.state !== "reconciling" || verdict.reason === pausedReason) return verdict;
  const same = instance.status?.observedGeneration === instance.metadata.generation && instance.status?.release === release;
  const stalled = findCondition(instance, "Stalled");
  const under = findCondition(instance, "Reconciling");
  const deadlineMs = instance.spec.progressDeadlineSeconds * 1000;
  const overdue =
    same &&
    ((stalled?.status === "True" && stalled.reason === "ProgressDeadlineExceeded") ||
      (under?.status === "True" && nowMs - Date.parse(under.lastTransitionTime) > deadlineMs));
  return overdue
    ? { state: "stalled", reason: "ProgressDeadlineExceeded", message: `not ready after ${instance.spec.progressDeadlineSeconds} s: ${verdict.message}` }
    : verdict;
}

async function report(
  instance: WorkloadInstance,
  context: ReconcileContext,
  given: {
    verdict: Verdict;
    release?: { readonly metadata: { readonly name: string } };
    targetNamespace?: string;
    set?: ResourceSet;
    replicas?: number | undefined;
  },
): Promise<Outcome> {
  // While something that the instance names is missing, what was applied before is still there, and still used.
  const last = instance.status ?? {};
  const release = given.release?.metadata.name ?? last.release;
  const targetNamespace = given.targetNamespace ?? last.targetNamespace;
  const resourceSet = given.set?.metadata.name ?? last.resourceSet;
  const replicas = given.set === undefined ? last.replicas : given.replicas;
  const input = { ...given, verdict: withDeadline(instance, given.verdict, release, context.clock.now()) };
  const counts = input.set?.status?.counts;
  const worst = input.set?.status?.worst;
  const before = { reason: findCondition(instance, "Ready")?.reason, state: stateOf(instance) };
  await context.objects.patchStatus<WorkloadInstance>({
    ...instance,
    status: {
      observedGeneration: instance.metadata.generation ?? 0,
      conditions: conditionsOf(instance, input.verdict, context.clock),
      ...(release === undefined ? {} : { release }),
      ...(targetNamespace === undefined ? {} : { targetNamespace }),
      ...(resourceSet === undefined ? {} : { resourceSet }),
      ...(replicas === undefined ? {} : { replicas }),
      ...(counts === undefined ? {} : { objects: `${counts.healthy}/${counts.total}` }),
      ...(worst === undefined || worst.length === 0 || input.verdict.state === "ready" ? {} : { worst }),
    },
  });
  if (input.verdict.state !== "reconciling" && (before.reason !== input.verdict.reason || before.state !== input.verdict.state)) {
    await context.event(instance, {
      type: input.verdict.state === "ready" ? "Normal" : "Warning",
      reason: input.verdict.reason,
      message: input.verdict.message,
    });
  }
  return input.verdict.state === "ready" ? recheck(recheckMs) : waiting(input.verdict.message, waitRecheckMs);
}

function stateOf(instance: WorkloadInstance): Verdict["state"] {
  if (findCondition(instance, "Ready")?.status === "True") return "ready";
  return findCondition(instance, "Stalled")?.status === "True" ? "stalled" : "reconciling";
}

/** The set goes first; its finalizer holds it until the cluster has let go of the objects. The shared namespace follows with its last owner. */
async function tearDown(instance: WorkloadInstance, context: ReconcileContext): Promise<Outcome> {
  if (!(instance.metadata.finalizers ?? []).includes(instanceFinalizer)) return settled;
  const namespace = instance.metadata.namespace ?? "";
  const set = await context.objects.get<ResourceSet>({
    apiVersion: resourceSetKind.apiVersion,
    kind: resourceSetKind.kind,
    namespace,
    name: instance.metadata.name,
  });
  if (set !== undefined && (set.metadata.ownerReferences ?? []).some((owner) => owner.uid === instance.metadata.uid)) {
    await context.objects.delete(
      { apiVersion: resourceSetKind.apiVersion, kind: resourceSetKind.kind, namespace, name: instance.metadata.name },
      { uid: set.metadata.uid ?? "" },
    );
    const message =
      findCondition(set, "Ready")?.reason === "Deleting" ? (findCondition(set, "Ready")?.message ?? "") : "its objects are being removed from the cluster";
    await context.objects.patchStatus<WorkloadInstance>({
      ...instance,
      status: { ...instance.status, conditions: conditionsOf(instance, { state: "reconciling", reason: "Deleting", message }, context.clock) },
    });
    return waiting(message, removalRecheckMs);
  }
  await leaveNamespace(instance, context);
  await withoutFinalizer(context.objects, instance, instanceFinalizer);
  return settled;
}

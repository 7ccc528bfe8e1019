// A WorkloadInstance: one release in one environment becomes one ResourceSet, whose health is the instance's health (design.md §7).
import {
  environmentKind,
  type Environment,
  targetNamespaceOf,
  readCredentials,
  ownerReference,
  openNamespace,
  followSet,
  foreignProject,
  namespaceTerminating,
} from "@threeport/module-environment";
import { confirmPruneAnnotation, resourceSetKind, type ResourceSet } from "@threeport/cluster";
import { findCondition, settled, waiting, type Outcome, type ReconcileContext, type Reconciler, type Verdict } from "@threeport/engine";
import type { Helm } from "@threeport/module-helm";
import type { KubeObject } from "@threeport/resource";
import { releaseKind, workloadDefinitionKind, workloadInstanceKind, type Release, type WorkloadDefinition, type WorkloadInstance } from "./kinds/index.ts";
import { keepClaims } from "./claims.ts";
import { desiredObjects } from "./desired-objects.ts";
import { releaseSource } from "./source.ts";
import { pausedReason, report } from "./report-instance.ts";
import { requestsOf } from "./quota/requests.ts";
import { takeDependencies } from "./quota/take-dependencies.ts";
import { takeRoom } from "./quota/take-room.ts";
import { instanceFinalizer, removalRecheckMs, tearDown } from "./tear-down-instance.ts";

/** On the ResourceSet: which release its objects are. Gates compare it, so that the old release's health never counts for the new one. */
const releaseAnnotation = "threeport.io/release";

export interface InstanceOptions {
  readonly helm: Pick<Helm, "render">;
  /** A digest of content that may be secret: keyed, so that it tells nothing. */
  readonly digest: (content: string) => string;
}

export function instanceReconciler(options: InstanceOptions): Reconciler {
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
      const closed = notOpen(found, environment);
      if (closed !== undefined) return report(found, context, { verdict: closed });
      let instance = await bind(found, environment, context);
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
      const lacking = await openNamespace(instance, { environment, runtime, targetNamespace, credentials }, context);
      if (lacking !== undefined) {
        const outcome = await report(instance, context, { release, targetNamespace, verdict: lacking });
        return lacking.reason === namespaceTerminating ? waiting("the namespace to go", removalRecheckMs) : outcome;
      }
      const place = { instance, environment, targetNamespace, ...options, signal: context.signal, pullSecret: credentials.length > 0 };
      const { result, uses, claimed, lacking: late } = await desiredObjects(await releaseSource(release, context), place, context);
      const asked = await takeDependencies(instance, { environment, needs: claimed?.needs ?? [] }, context);
      ({ instance } = asked);
      if (asked.verdict !== undefined) return report(instance, context, { release, targetNamespace, uses, verdict: asked.verdict });
      const claims = claimed === undefined ? undefined : await keepClaims(instance, claimed, { targetNamespace, release: release.metadata.name }, context);
      if ("verdict" in result) return report(instance, context, { release, targetNamespace, uses, claims, verdict: result.verdict });
      const { objects, replicas } = result;
      const taken = await takenBy(instance, context);
      if (taken !== undefined) return report(instance, context, { release, targetNamespace, verdict: taken });
      const pods = requestsOf(objects);
      const room = await takeRoom(instance, { environment, pods }, context);
      if (room.verdict !== undefined) return report(room.instance, context, { release, targetNamespace, uses, claims, verdict: room.verdict });
      const set = await context.objects.apply<ResourceSet>(setOf(instance, { environment, release, runtime, targetNamespace, objects }));
      return report(room.instance, context, {
        release,
        targetNamespace,
        set,
        replicas,
        uses,
        claims,
        requests: pods.requests,
        verdict: withLate(followSet(set, `release ${release.metadata.name}`), late),
      });
    },
  };
}

/** A workload whose route is not there yet runs, and is not ready. */
function withLate(verdict: Verdict, late: Verdict | undefined): Verdict {
  return late !== undefined && verdict.state === "ready" ? late : verdict;
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
    return { missing: releasePending(definition) };
  }
  const name = pinned ? instance.spec.release : (definition.status?.latestRelease ?? "");
  const release = await context.objects.get<Release>({ apiVersion: releaseKind.apiVersion, kind: releaseKind.kind, namespace, name });
  if (release === undefined || release.spec.definition !== instance.spec.definition)
    return stalled("ReleaseNotFound", `there is no Release ${name} of ${instance.spec.definition}; look at kubectl get releases -n ${namespace}`);
  return { environment, release };
}

/** What stands in the way of the release, as far as its definition says: a chart that cannot be had. */
function releasePending(definition: WorkloadDefinition): Verdict {
  const { generation = 0, name } = definition.metadata;
  const told = findCondition(definition, "Ready");
  const failed = told?.status === "False" && told.observedGeneration === generation && definition.status?.observedGeneration !== generation;
  const stalled = failed && findCondition(definition, "Stalled")?.status === "True";
  return {
    state: stalled ? "stalled" : "reconciling",
    reason: failed ? told.reason : "ReleasePending",
    message: `the release of generation ${generation} of ${name} is being made${failed ? `: ${told.message}` : ""}`,
  };
}

/** Why nothing of the instance's project runs in the environment, or not yet. */
function notOpen({ metadata, spec }: WorkloadInstance, environment: Environment): Verdict | undefined {
  const foreign = foreignProject(environment, metadata.namespace ?? "");
  if (foreign !== undefined) return { state: "stalled", reason: "NotOfProject", message: foreign };
  if (environment.spec.runtime !== "" || spec.runtime !== undefined) return undefined;
  const told = findCondition(environment, "Ready")?.message ?? "it is chosen now";
  return { state: "reconciling", reason: "RuntimePending", message: `environment ${environment.metadata.name} has no runtime yet: ${told}` };
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

/** What runs goes on, and is judged as ever; what waits is told. */
async function hold(instance: WorkloadInstance, wanted: { release: Release; targetNamespace: string }, context: ReconcileContext): Promise<Outcome> {
  const { set, own } = await readSet(instance, context);
  const running = own ? set?.metadata.annotations?.[releaseAnnotation] : undefined;
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
  const verdict = followSet(set, `release ${running}`);
  return report(instance, context, { ...wanted, release, set, verdict: { ...verdict, message: `${verdict.message} (paused; ${resume})` } });
}

/** The set of the instance's name, and whether the instance made it. */
async function readSet(instance: WorkloadInstance, context: ReconcileContext): Promise<{ readonly set: ResourceSet | undefined; readonly own: boolean }> {
  const { name, namespace = "", uid } = instance.metadata;
  const set = await context.objects.get<ResourceSet>({ apiVersion: resourceSetKind.apiVersion, kind: resourceSetKind.kind, namespace, name });
  return { set, own: (set?.metadata.ownerReferences ?? []).some((owner) => owner.uid === uid) };
}

/** A set of the instance's name that somebody else made is left alone: overwriting it would remove what it holds. */
async function takenBy(instance: WorkloadInstance, context: ReconcileContext): Promise<Verdict | undefined> {
  const { set, own } = await readSet(instance, context);
  if (set === undefined || own) return undefined;
  return {
    state: "stalled",
    reason: "SetNameTaken",
    message: `there is a ResourceSet ${set.metadata.name} that does not belong to this instance; delete it, or give the instance another name`,
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

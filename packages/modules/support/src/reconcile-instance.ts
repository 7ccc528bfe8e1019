// A SupportServiceInstance: found in its cluster or installed there, shared by all who refer to it, removed a while after the last of them (design.md §6).
import type { Cluster, ResourceSet } from "@threeport/cluster";
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
import { followSet, removeOwnSet } from "@threeport/module-environment";
import { systemNamespace } from "@threeport/module-runtime";
import { rfc3339 } from "@threeport/platform";
import type { StoredObject } from "@threeport/resource";
import { supportServiceDefinitionKind, type SupportServiceDefinition } from "./kinds/definition.ts";
import { supportServiceInstanceKind, type SupportServiceInstance } from "./kinds/instance.ts";
import { bindInstance } from "./bind-instance.ts";
import { installService, type InstallTools } from "./install-service.ts";
import { foundOutputs, installedOutputs } from "./outputs.ts";
import type { ServiceUser } from "./render-definition.ts";
import { setNameOf, supportFinalizer } from "./support-set.ts";

export interface SupportOptions extends InstallTools {
  readonly clusterFor: (runtime: string, context: Pick<ReconcileContext, "objects">) => Promise<Cluster | "gone">;
}

const recheckMs = 3_600_000;
const waitRecheckMs = 30_000;
const removalRecheckMs = 1_000;
const justWrittenMs = 200;
/** Nobody is woken by a definition that is written. */
const unheardRecheckMs = 5_000;

const targetOf = (kind: { apiVersion: string; kind: string }, name: string, namespace?: string) => ({
  apiVersion: kind.apiVersion,
  kind: kind.kind,
  name,
  ...(namespace === undefined ? {} : { namespace }),
});

/** Whoever uses services: known by their kind alone. */
const userKind = { apiVersion: supportServiceInstanceKind.apiVersion, kind: "Dependency" };
type User = StoredObject & { readonly status?: { readonly services?: readonly { readonly instance: string; readonly values?: Record<string, unknown> }[] } };

export function supportReconciler(options: SupportOptions): Reconciler {
  return {
    queue: supportServiceInstanceKind.resource,
    target: { apiVersion: supportServiceInstanceKind.apiVersion, kind: supportServiceInstanceKind.kind },
    async reconcile(key, context) {
      const target = targetOf(supportServiceInstanceKind, key.name);
      const found = await context.objects.get<SupportServiceInstance>(target);
      if (found === undefined) return settled;
      if (found.metadata.deletionTimestamp !== undefined) return tearDown(found, context);
      const users = await usersOf(found, context);
      const definition =
        found.spec.definition === undefined
          ? undefined
          : await context.objects.get<SupportServiceDefinition>(targetOf(supportServiceDefinitionKind, found.spec.definition));
      const unused = users.length > 0 || found.spec.keep === true ? undefined : await unusedFor(found, definition, context);
      if (unused === "over") {
        // Under the version that was read, and refused while something refers to it: who needs it now keeps it.
        await context.objects.delete(target, { resourceVersion: found.metadata.resourceVersion ?? "" });
        return waiting("its removal", justWrittenMs);
      }
      const told = await judge(found, { definition, users }, options, context);
      return report(told.instance ?? found, { ...told, users, unused }, context);
    },
  };
}

async function usersOf(instance: SupportServiceInstance, { objects }: ReconcileContext): Promise<ServiceUser[]> {
  const { name } = instance.metadata;
  const found = await objects.list<User>(userKind, { refersTo: targetOf(supportServiceInstanceKind, name) });
  return found.flatMap(({ metadata, status }) =>
    (status?.services ?? [])
      .filter((use) => use.instance === name)
      .map(({ values = {} }) => ({ project: metadata.namespace ?? "", name: metadata.name, values })),
  );
}

interface Unused {
  readonly since: string;
  readonly leftMs: number;
}

async function unusedFor(
  { spec, status }: SupportServiceInstance,
  definition: SupportServiceDefinition | undefined,
  { clock, objects }: ReconcileContext,
): Promise<Unused | "over"> {
  const since = status?.unusedSince ?? rfc3339(clock.now());
  const runtime = await objects.get(targetOf({ ...supportServiceInstanceKind, kind: "KubernetesRuntimeInstance" }, spec.runtime));
  const goes = runtime === undefined || runtime.metadata.deletionTimestamp !== undefined;
  const leftMs = Date.parse(since) + (definition?.spec.gracePeriodSeconds ?? 0) * 1_000 - clock.now();
  return goes || leftMs <= 0 ? "over" : { since, leftMs };
}

interface Judged {
  readonly verdict: Verdict;
  /** As it was written meanwhile. */
  readonly instance?: SupportServiceInstance;
  readonly definition?: SupportServiceDefinition;
  readonly outputs?: Readonly<Record<string, unknown>>;
  readonly set?: ResourceSet;
  readonly rendered?: string;
}

const stalled = (reason: string, message: string): { readonly verdict: Verdict } => ({ verdict: { state: "stalled", reason, message } });

async function judge(
  found: SupportServiceInstance,
  known: { readonly definition: SupportServiceDefinition | undefined; readonly users: readonly ServiceUser[] },
  options: SupportOptions,
  context: ReconcileContext,
): Promise<Judged> {
  const { runtime } = found.spec;
  if (found.spec.definition !== undefined && known.definition === undefined)
    return stalled(
      "DefinitionNotFound",
      `its SupportServiceDefinition ${found.spec.definition} is not there any more; make it again. What was installed by it stays`,
    );
  const cluster = await options.clusterFor(runtime, context);
  if (cluster === "gone") return stalled("RuntimeNotFound", `there is no runtime ${runtime}`);
  const bound = await bindInstance(found, { known: known.definition, cluster }, context);
  if ("verdict" in bound) return bound;
  const { instance, definition } = bound;
  if (instance.spec.origin === "Found") return { ...(await foundOutputs(instance, definition, cluster, context)), instance, definition };
  const installed = await installService(instance, { definition, users: known.users, cluster }, options, context);
  if ("problems" in installed) return { instance, definition, ...stalled("DefinitionFailed", installed.problems.slice(0, 3).join("; ")) };
  const { set, rendered, scope } = installed;
  const verdict = followSet(set, `${definition.spec.service} (${definition.metadata.name} ${definition.spec.version})`);
  const made = { instance, definition, set, rendered };
  if (verdict.state !== "ready") return { ...made, verdict };
  return { ...made, ...(await installedOutputs(definition, { scope, cluster }, context)) };
}

async function report(
  instance: SupportServiceInstance,
  told: Judged & { readonly users: readonly ServiceUser[]; readonly unused: Unused | undefined },
  context: ReconcileContext,
): Promise<Outcome> {
  const { status: last } = instance;
  const outputs = told.outputs ?? last?.outputs;
  const rendered = told.rendered ?? last?.rendered;
  const resourceSet = told.set?.metadata.name ?? last?.resourceSet;
  const version = instance.spec.origin === "Installed" ? (told.definition?.spec.version ?? last?.version) : undefined;
  await context.objects.patchStatus<SupportServiceInstance>({
    ...instance,
    status: {
      observedGeneration: instance.metadata.generation ?? 0,
      conditions: conditionsOf(instance, told.verdict, context.clock),
      ...(version === undefined ? {} : { version }),
      ...(told.users.length === 0 ? {} : { users: told.users.map(({ project, name }) => `${project}/${name}`) }),
      ...(told.unused === undefined ? {} : { unusedSince: told.unused.since }),
      ...(outputs === undefined ? {} : { outputs: { ...outputs } }),
      ...(resourceSet === undefined ? {} : { resourceSet }),
      ...(rendered === undefined ? {} : { rendered }),
    },
  });
  const before = findCondition(instance, "Ready")?.reason;
  if (told.verdict.state !== "reconciling" && before !== told.verdict.reason)
    await context.event(instance, { type: told.verdict.state === "ready" ? "Normal" : "Warning", reason: told.verdict.reason, message: told.verdict.message });
  const afterMs = told.verdict.state === "ready" ? recheckMs : told.verdict.reason === "NoDefinition" ? unheardRecheckMs : waitRecheckMs;
  const nextMs = Math.min(afterMs, told.unused?.leftMs ?? Infinity);
  return told.verdict.state === "ready" ? recheck(nextMs) : waiting(told.verdict.message, nextMs);
}

/** What we installed goes; what was there before is only forgotten. */
async function tearDown(instance: SupportServiceInstance, context: ReconcileContext): Promise<Outcome> {
  if (instance.metadata.finalizers?.includes(supportFinalizer) !== true) return settled;
  const going = await removeOwnSet(instance, { namespace: systemNamespace, name: setNameOf(instance.metadata.name) }, context.objects);
  if (going !== undefined) {
    await context.objects.patchStatus<SupportServiceInstance>({
      ...instance,
      status: { ...instance.status, conditions: conditionsOf(instance, going, context.clock) },
    });
    return waiting(going.message, removalRecheckMs);
  }
  await withoutFinalizer(context.objects, instance, supportFinalizer);
  return settled;
}

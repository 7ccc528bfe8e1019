// A runtime: brings its cluster up where we make it, keeps contact, and says who owns it.
import { parseKubeconfig } from "@threeport/client";
import { resourceSetKind, type Clusters, type ResourceSet } from "@threeport/cluster";
import {
  conditionsOf,
  isOverdue,
  recheck,
  settled,
  waiting,
  type Outcome,
  type ReconcileContext,
  type Reconciler,
  type Verdict,
  withFinalizer,
  withoutFinalizer,
} from "@threeport/engine";
import { PlatformError, toPlatformError } from "@threeport/resource";
import { accessTo, kubeconfigOf } from "./cluster-for.ts";
import { kubeconfigSecretType } from "./kubeconfig-secrets.ts";
import { clusterUidOf } from "./cluster-uid.ts";
import { impersonationLacking, mayImpersonate } from "./may-impersonate.ts";
import { claimAnnotation, ensureOwnership, releaseOwnership } from "./ownership.ts";
import type { Ailment, RuntimeProvider } from "./provider.ts";
import { runtimeKind, type KubernetesRuntimeInstance } from "./runtime-kind.ts";

export interface RuntimeOptions {
  readonly controlPlaneId: string;
  readonly clusters: Clusters;
  readonly providers: Readonly<Record<KubernetesRuntimeInstance["spec"]["provider"], RuntimeProvider>>;
}

export const runtimeFinalizer = "threeport.io/runtime";
/** Where kubeconfigs of clusters that we make are kept. */
export const systemNamespace = "threeport-system";

/** A local cluster may first have its programs downloaded or built, which takes minutes. */
const deadlineMs = 45 * 60_000;
/** How often a cluster that answers is asked again, one that we look after ourselves, and one that cannot be used. */
const contactMs = { healthy: 30_000, own: 10_000, failing: 5_000 };
/** How long a cluster may be out of reach before it counts as stalled. */
const contactDeadlineMs = 10 * 60_000;
const releaseMs = 5_000;
const usersRecheckMs = 1_000;
const setsShown = 3;
/** How long a cluster of our own may take to say that it is well. */
const answerMs = 5_000;

export function runtimeReconciler(options: RuntimeOptions): Reconciler {
  return {
    queue: runtimeKind.resource,
    target: { apiVersion: runtimeKind.apiVersion, kind: runtimeKind.kind },
    deadlineMs,
    async reconcile(key, context) {
      const runtime = await context.objects.get<KubernetesRuntimeInstance>({ apiVersion: runtimeKind.apiVersion, kind: runtimeKind.kind, name: key.name });
      if (runtime === undefined) {
        await options.clusters.drop(key.name);
        return settled;
      }
      if (runtime.metadata.deletionTimestamp !== undefined) return remove(options, runtime, context);
      return ensure(options, await withFinalizer(context.objects, runtime, runtimeFinalizer), context);
    },
  };
}

async function ensure(options: RuntimeOptions, given: KubernetesRuntimeInstance, context: ReconcileContext): Promise<Outcome> {
  const report = progressReporter(given, context);
  const found = await answering(options, given, context, report.progress);
  const kubeconfig = found?.kubeconfig ?? (await options.providers[given.spec.provider].ensure(given, context, report.progress)).kubeconfig;
  const runtime = await report.end();
  const connection = parseKubeconfig(kubeconfig);
  const secretRef = runtime.spec.kubeconfig?.secretRef ?? (await storeKubeconfig(runtime, kubeconfig, context));
  const cluster = await options.clusters.get(runtime.metadata.name, accessTo(runtime, kubeconfig));
  const entrance = await options.providers[given.spec.provider].entrance?.(runtime);
  const base = {
    ...runtime.status,
    server: connection.server,
    kubeconfig: { secretRef: { ...secretRef, key: secretRef.key } },
    ...(entrance === undefined ? {} : { outputs: { entrance } }),
  };
  try {
    const version = (await cluster.client.request("/version", { signal: context.signal })).body as { gitVersion?: string };
    const asked = runtime.metadata.annotations?.[claimAnnotation];
    // A request is followed once: else two control planes that were both told to claim would take the cluster from each other for ever.
    const claim = asked === runtime.status?.claim ? undefined : asked;
    const clusterUid = await clusterUidOf(cluster.client, context.signal);
    const known = runtime.status?.clusterUid;
    if (runtime.spec.provider === "kubeconfig" && claim === undefined && known !== undefined && clusterUid !== undefined && clusterUid !== known) {
      await write(runtime, context, base, {
        state: "stalled",
        reason: "ClusterReplaced",
        message: `another cluster answers at ${connection.server} than before; nothing is put into it until you say that it takes the old one's place: tptctl runtime claim ${runtime.metadata.name}`,
      });
      return waiting("somebody to claim the cluster", contactMs.healthy);
    }
    if (found?.ailment !== undefined) {
      await write(runtime, context, base, { state: "reconciling", ...found.ailment });
      return waiting("the cluster to be well", contactMs.failing);
    }
    const ownership = await ensureOwnership(cluster.client, { controlPlaneId: options.controlPlaneId, claim, clock: context.clock, signal: context.signal });
    const lacking = ownership.ours && cluster.impersonates && !(await mayImpersonate(cluster.client, context.signal)) ? `; ${impersonationLacking}` : "";
    const verdict: Verdict = ownership.ours
      ? { state: "ready", reason: "Reachable", message: `Kubernetes ${version.gitVersion ?? ""} answers at ${connection.server}${lacking}` }
      : {
          state: "stalled",
          reason: "OwnedByAnotherControlPlane",
          message: `the cluster belongs to control plane ${ownership.holder} and is read-only here; take it over with tptctl runtime claim ${runtime.metadata.name}`,
        };
    await write(
      runtime,
      context,
      {
        ...base,
        owned: ownership.ours,
        ...(clusterUid === undefined ? {} : { clusterUid }),
        ...(asked === undefined ? {} : { claim: asked }),
        ...(version.gitVersion === undefined ? {} : { version: version.gitVersion }),
      },
      verdict,
    );
    return recheck(runtime.spec.provider === "kubeconfig" ? contactMs.healthy : contactMs.own);
  } catch (thrown) {
    const error = toPlatformError(thrown);
    if (error.code === "TP_LEASE_LOST" || error.entry.retry === "now") throw error;
    await write(runtime, context, base, noContact(runtime, error, context.clock.now()));
    return waiting("the cluster to answer", contactMs.failing);
  }
}

interface Answering {
  readonly kubeconfig: string;
  /** Why it cannot be used all the same. */
  readonly ailment: Ailment | undefined;
}

/** A cluster that we made and that answers: then nothing has to be started, which would cost half a second each time, but what ended in it. */
async function answering(
  options: RuntimeOptions,
  runtime: KubernetesRuntimeInstance,
  context: ReconcileContext,
  progress: (message: string) => void,
): Promise<Answering | undefined> {
  const provider = options.providers[runtime.spec.provider];
  if (provider.mend === undefined) return undefined;
  const kubeconfig = await kubeconfigOf(context.objects, runtime);
  if (kubeconfig === undefined) return undefined;
  const { client } = await options.clusters.get(runtime.metadata.name, accessTo(runtime, kubeconfig));
  try {
    await client.request("/readyz", { signal: context.signal, timeoutMs: answerMs, repeatable: false });
  } catch (error) {
    context.signal.throwIfAborted();
    context.log.debug("a local cluster does not answer and is looked after", { runtime: runtime.metadata.name, error: String(error) });
    progress("the cluster does not answer and is started"); // §5.8: what was Ready is not any more
    return undefined;
  }
  return { kubeconfig, ailment: await provider.mend(runtime, client, { context, progress }) };
}

/** Q7: what a cluster that cannot be used is called. It may be back in a moment; one that has been away for long needs somebody. */
function noContact(runtime: KubernetesRuntimeInstance, error: PlatformError, nowMs: number): Verdict {
  const reason = reasonFor(error);
  const again = `it is asked again every ${contactMs.failing / 1000} s`;
  if (!isOverdue(runtime, contactDeadlineMs, nowMs)) return { state: "reconciling", reason, message: `${error.message}; ${again}` };
  const minutes = contactDeadlineMs / 60_000;
  const remedy =
    runtime.spec.provider === "kubeconfig"
      ? `see that it runs and is reached from here, or renew its address and credentials in its Secret`
      : "see that it runs";
  return { state: "stalled", reason, message: `not usable for over ${minutes} min: ${error.message}; ${remedy}; ${again}` };
}

function reasonFor(error: PlatformError): string {
  if (error.code === "TP_UNAUTHORIZED") return "CredentialsRefused";
  if (error.code === "TP_FORBIDDEN") return "CredentialsMayNot";
  return "Unreachable";
}

async function write(
  runtime: KubernetesRuntimeInstance,
  context: ReconcileContext,
  status: NonNullable<KubernetesRuntimeInstance["status"]>,
  verdict: Verdict,
): Promise<void> {
  await context.objects.patchStatus<KubernetesRuntimeInstance>({
    ...runtime,
    status: { ...status, observedGeneration: runtime.metadata.generation ?? 0, conditions: conditionsOf(runtime, verdict, context.clock) },
  });
}

/** Long work says in the object's status what it is doing; writes are one after another, the newest text wins. */
function progressReporter(
  runtime: KubernetesRuntimeInstance,
  context: ReconcileContext,
): { progress: (message: string) => void; end: () => Promise<KubernetesRuntimeInstance> } {
  let current = runtime;
  let next: string | undefined;
  let writing: Promise<void> | undefined;
  const drain = async (): Promise<void> => {
    while (next !== undefined) {
      const message = next;
      next = undefined;
      const conditions = conditionsOf(current, { state: "reconciling", reason: "Starting", message }, context.clock);
      try {
        current = await context.objects.patchStatus<KubernetesRuntimeInstance>({ ...current, status: { ...current.status, conditions } });
      } catch (error) {
        context.log.debug("progress could not be written", { error: String(error) });
      }
    }
    writing = undefined;
  };
  return {
    progress(message) {
      next = message;
      writing ??= drain();
    },
    async end() {
      await writing;
      return current;
    },
  };
}

/** Where the kubeconfig of a cluster that we made is kept. Names of runtimes are labels, so this one always fits. */
function secretNameOf(runtime: KubernetesRuntimeInstance): string {
  return `runtime-${runtime.metadata.name}`;
}

async function storeKubeconfig(
  runtime: KubernetesRuntimeInstance,
  kubeconfig: string,
  context: ReconcileContext,
): Promise<{ namespace: string; name: string; key: string }> {
  const name = secretNameOf(runtime);
  await context.objects.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: systemNamespace } });
  await context.objects.apply({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: systemNamespace, labels: { "app.kubernetes.io/managed-by": "threeport" } },
    type: kubeconfigSecretType,
    data: { kubeconfig: Buffer.from(kubeconfig, "utf8").toString("base64") },
  });
  return { namespace: systemNamespace, name, key: "kubeconfig" };
}

async function remove(options: RuntimeOptions, runtime: KubernetesRuntimeInstance, context: ReconcileContext): Promise<Outcome> {
  const finalizers = runtime.metadata.finalizers ?? [];
  if (!finalizers.includes(runtimeFinalizer)) return settled;
  // What is on the cluster goes first, while it can still be reached.
  if (finalizers.includes("foregroundDeletion")) return waiting("what uses the runtime to go", usersRecheckMs);
  const sets = await context.objects.list<ResourceSet>(resourceSetKind, {
    refersTo: { apiVersion: runtime.apiVersion, kind: runtime.kind, name: runtime.metadata.name },
  });
  if (sets.length > 0) {
    const message = `${sets.length} ${sets.length === 1 ? "set of objects is" : "sets of objects are"} still being removed from the cluster: ${sets
      .slice(0, setsShown)
      .map(({ metadata: { namespace, name } }) => `${namespace ?? ""}/${name}`)
      .join(", ")}`;
    await context.objects.patchStatus<KubernetesRuntimeInstance>({
      ...runtime,
      // Still as ready as it was: those who clean up need it.
      status: { ...runtime.status, deletion: message },
    });
    return waiting(message, usersRecheckMs);
  }
  if (runtime.spec.provider === "kubeconfig") await giveBack(options, runtime, context);
  await options.clusters.drop(runtime.metadata.name);
  await options.providers[runtime.spec.provider].remove(runtime, context);
  if (runtime.spec.provider !== "kubeconfig")
    await context.objects.delete({ apiVersion: "v1", kind: "Secret", namespace: systemNamespace, name: secretNameOf(runtime) });
  await withoutFinalizer(context.objects, runtime, runtimeFinalizer);
  return settled;
}

/** Best effort: a cluster that is gone or refuses us must not hold the runtime for ever. */
async function giveBack(options: RuntimeOptions, runtime: KubernetesRuntimeInstance, context: ReconcileContext): Promise<void> {
  const overdue = new AbortController();
  using _timer = context.clock.after(releaseMs, () => overdue.abort(new PlatformError("TP_DEADLINE")));
  try {
    const kubeconfig = await kubeconfigOf(context.objects, runtime);
    if (kubeconfig === undefined) return;
    const cluster = await options.clusters.get(runtime.metadata.name, accessTo(runtime, kubeconfig));
    await releaseOwnership(cluster.client, options.controlPlaneId, AbortSignal.any([context.signal, overdue.signal]));
  } catch (error) {
    context.log.debug("the ownership lease could not be removed", { error: String(error) });
  }
}

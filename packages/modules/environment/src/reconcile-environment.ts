// An Environment: Ready when workloads can be deployed. Its outputs tell which credentials are in use, so that a changed Secret reaches what uses it.
import { conditionsOf, findCondition, isReadyNow, recheck, settled, waiting, type ReconcileContext, type Reconciler, type Verdict } from "@threeport/engine";
import type { KubeObject } from "@threeport/resource";
import { environmentKind, type Environment } from "./environment-kind.ts";
import { readCredentials } from "./credentials.ts";

const recheckMs = 3_600_000;
const waitRecheckMs = 60_000;

export function environmentReconciler(): Reconciler {
  return {
    queue: environmentKind.resource,
    target: { apiVersion: environmentKind.apiVersion, kind: environmentKind.kind },
    async reconcile(key, context) {
      const environment = await context.objects.get<Environment>({ apiVersion: environmentKind.apiVersion, kind: environmentKind.kind, name: key.name });
      if (environment === undefined || environment.metadata.deletionTimestamp !== undefined) return settled;
      const credentials = await readCredentials(environment, context);
      const verdict: Verdict =
        typeof credentials === "string"
          ? { state: "stalled", reason: "RegistryCredentialsMissing", message: credentials }
          : await judgeRuntime(environment, context);
      const registries = typeof credentials === "string" ? [] : credentials.map(({ server, secretVersion }) => ({ server, secretVersion }));
      await context.objects.patchStatus<Environment>({
        ...environment,
        status: {
          observedGeneration: environment.metadata.generation ?? 0,
          conditions: conditionsOf(environment, verdict, context.clock),
          ...(registries.length === 0 ? {} : { outputs: { registries } }),
        },
      });
      return verdict.state === "ready" ? recheck(recheckMs) : waiting(verdict.message, waitRecheckMs);
    },
  };
}

async function judgeRuntime(environment: Environment, context: ReconcileContext): Promise<Verdict> {
  const name = environment.spec.runtime;
  const runtime = await context.objects.get<KubeObject>({ apiVersion: environmentKind.apiVersion, kind: "KubernetesRuntimeInstance", name });
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

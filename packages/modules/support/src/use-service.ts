// A service as whoever needs it meets it: through its instance on the runtime.
import { findCondition, isReadyNow, type ReconcileContext, type Verdict } from "@threeport/engine";
import { isErrorCode, PlatformError, type KubeObject } from "@threeport/resource";
import { supportInstanceName, supportServiceInstanceKind, type SupportServiceInstance } from "./kinds/instance.ts";

type Context = Pick<ReconcileContext, "objects">;

const targetOf = (name: string) => ({ apiVersion: supportServiceInstanceKind.apiVersion, kind: supportServiceInstanceKind.kind, name });

/** Whether the instance may be referred to now: one that is being removed may not, and is made again after that. */
export async function serviceIsGoing(service: string, runtime: string, { objects }: Context): Promise<Verdict | undefined> {
  const found = await objects.get<SupportServiceInstance>(targetOf(supportInstanceName(service, runtime)));
  if (found?.metadata.deletionTimestamp === undefined) return undefined;
  return {
    state: "reconciling",
    reason: "SupportServiceTerminating",
    message: `the earlier ${service} of runtime ${runtime} is still being removed; it is installed again after that`,
  };
}

/** Its outputs; or what to tell until it can be used. Called when the caller refers to the instance already, so that it is not removed as unused. */
export async function useService(
  service: string,
  runtime: string,
  { objects }: Context,
): Promise<{ readonly outputs: Readonly<Record<string, unknown>> } | { readonly verdict: Verdict }> {
  const name = supportInstanceName(service, runtime);
  const found = (await objects.get<SupportServiceInstance>(targetOf(name))) ?? (await make(name, { service, runtime }, { objects }));
  if (isReadyNow(found)) return { outputs: found.status?.outputs ?? {} };
  const told = findCondition(found, "Ready");
  return {
    verdict: {
      state: findCondition(found, "Stalled")?.status === "True" ? "stalled" : "reconciling",
      reason: "WaitingForSupportService",
      message: `waits for ${service} of runtime ${runtime}${told === undefined || told.message === "" ? "" : `: ${told.message}`}`,
    },
  };
}

/** Its outputs as they are known, whether it can be used now or not; undefined when it is not there. Writes nothing. */
export async function serviceOutputs(service: string, runtime: string, { objects }: Context): Promise<Readonly<Record<string, unknown>> | undefined> {
  return (await objects.get<SupportServiceInstance>(targetOf(supportInstanceName(service, runtime))))?.status?.outputs;
}

async function make(name: string, spec: SupportServiceInstance["spec"], { objects }: Context): Promise<SupportServiceInstance> {
  const { apiVersion, kind } = supportServiceInstanceKind;
  return objects.create<SupportServiceInstance>({ apiVersion, kind, metadata: { name }, spec } as KubeObject).catch((error: unknown) => {
    // Somebody else was faster: read again, and share it.
    if (isErrorCode(error, "TP_ALREADY_EXISTS")) throw new PlatformError("TP_VERSION_CONFLICT", { cause: error });
    throw error;
  });
}

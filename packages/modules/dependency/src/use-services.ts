// The support services of a runtime that a dependency needs: noted in its status first, which counts it among their users.
import type { ReconcileContext, Verdict } from "@threeport/engine";
import { serviceIsGoing, supportInstanceName, useService } from "@threeport/module-support";
import type { Dependency } from "./kinds/dependency.ts";
import type { DependencyProfile } from "./kinds/profile.ts";
import { serviceValues, type Problems, type ProfileScope } from "./render-profile.ts";

export interface UsedServices {
  /** As it was written meanwhile. */
  readonly dependency: Dependency;
  readonly outputs: ProfileScope["services"];
  readonly waiting?: Verdict;
}

export async function useServices(
  dependency: Dependency,
  { profile, scope, runtime, secrets }: { profile: DependencyProfile; scope: ProfileScope; runtime: string; secrets: Readonly<Record<string, string>> },
  context: ReconcileContext,
): Promise<UsedServices | Problems> {
  const names = Object.keys(profile.spec.services ?? {}).toSorted();
  const told = serviceValues(profile, scope, secrets);
  if ("problems" in told) return told;
  for (const service of names) {
    const going = await serviceIsGoing(service, runtime, context);
    if (going !== undefined) return { dependency, outputs: {}, waiting: going };
  }
  const services = names.map((service) => {
    const values = told.values[service] ?? {};
    return { instance: supportInstanceName(service, runtime), ...(Object.keys(values).length === 0 ? {} : { values }) };
  });
  const noted = await note(dependency, services, context);
  const outputs: Record<string, Readonly<Record<string, unknown>>> = {};
  for (const service of names) {
    const used = await useService(service, runtime, context);
    if ("verdict" in used) return { dependency: noted, outputs, waiting: used.verdict };
    outputs[service] = used.outputs;
  }
  return { dependency: noted, outputs };
}

type Services = NonNullable<NonNullable<Dependency["status"]>["services"]>;

async function note(dependency: Dependency, services: Services, { objects }: ReconcileContext): Promise<Dependency> {
  const { services: _, ...status } = dependency.status ?? {};
  if (services.length === 0 && dependency.status?.services === undefined) return dependency;
  return objects.patchStatus<Dependency>({ ...dependency, status: { ...status, ...(services.length === 0 ? {} : { services }) } });
}

// What profiles read of the environment.
import { environmentKind, type Environment } from "@threeport/module-environment";
import type { Objects, StoredObject } from "@threeport/resource";
import type { ProfileScope } from "./render-profile.ts";

type Ports = ProfileScope["environment"]["ports"];

/** Those of the web. */
export const webPorts: Ports = { http: 80, https: 443 };

export async function environmentScope(
  { metadata, spec }: Environment,
  runtime: string,
  { objects }: { readonly objects: Pick<Objects, "get"> },
): Promise<ProfileScope["environment"]> {
  const { tier, variables = {}, baseDomain, https } = spec;
  return { name: metadata.name, tier, variables, baseDomain, https, ports: await entranceOf(runtime, objects) };
}

type RuntimeOutputs = StoredObject & { readonly status?: { readonly outputs?: { readonly entrance?: Ports } } };

/** Ports by which the gateway of a runtime is reached from outside: those of the web, unless the cluster is on this machine. */
async function entranceOf(name: string, objects: Pick<Objects, "get">): Promise<Ports> {
  const runtime = await objects.get<RuntimeOutputs>({ apiVersion: environmentKind.apiVersion, kind: "KubernetesRuntimeInstance", name });
  return runtime?.status?.outputs?.entrance ?? webPorts;
}

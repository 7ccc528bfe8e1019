import { resourceSetKind, type Cluster, type ResourceSet } from "@threeport/cluster";
import type { Fetcher } from "@threeport/client";
import type { ReconcileContext } from "@threeport/engine";
import { runtimeVersion } from "@threeport/module-environment";
import type { Helm } from "@threeport/module-helm";
import { runtimeKind, systemNamespace, type KubernetesRuntimeInstance } from "@threeport/module-runtime";
import type { KubeObject } from "@threeport/resource";
import { templatesOf } from "./check-definition.ts";
import { certificatesFor } from "./certificates.ts";
import { definitionsOfOthers } from "./find-existing.ts";
import type { SupportServiceDefinition } from "./kinds/definition.ts";
import type { SupportServiceInstance } from "./kinds/instance.ts";
import { evaluate, renderDefinition, type Problems, type ServiceScope, type ServiceUser } from "./render-definition.ts";
import { setNameOf, setOf } from "./support-set.ts";

export interface InstallTools {
  readonly helm: Pick<Helm, "render">;
  readonly fetcher: Fetcher;
  /** A digest of content that may be secret: keyed, so that it tells nothing. */
  readonly digest: (content: string) => string;
}

export interface InstallPlace {
  readonly definition: SupportServiceDefinition;
  readonly users: readonly ServiceUser[];
  readonly cluster: Cluster;
}

export interface Installed {
  readonly set: ResourceSet;
  /** A digest of what the objects were made from, and the generation of the set that has them. */
  readonly rendered: string;
  readonly scope: ServiceScope;
}

/** The set with the objects of a service. It is made anew only when something that it is made from has changed, since files are large. */
export async function installService(
  instance: SupportServiceInstance,
  { definition, users, cluster }: InstallPlace,
  options: InstallTools,
  context: ReconcileContext,
): Promise<Installed | Problems> {
  const { runtime } = instance.spec;
  const hosts = hostsOf(definition, { runtime, users });
  if ("problems" in hosts) return hosts;
  const { made, secrets } =
    definition.spec.certificates === undefined
      ? { made: [], secrets: [] }
      : await certificatesFor(hosts.hosts, { instance, namespace: definition.spec.certificates.namespace }, context);
  const provider =
    (await context.objects.get<KubernetesRuntimeInstance>({ apiVersion: runtimeKind.apiVersion, kind: runtimeKind.kind, name: runtime }))?.spec.provider ?? "";
  const scope: ServiceScope = { runtime, provider, users, certificates: made };
  const from = options.digest(JSON.stringify([definition.spec, scope, secrets]));
  const target = { apiVersion: resourceSetKind.apiVersion, kind: resourceSetKind.kind, namespace: systemNamespace, name: setNameOf(instance.metadata.name) };
  const there = await context.objects.get<ResourceSet>(target);
  const rendered = (set: ResourceSet): string => `${from} ${set.metadata.generation ?? 0}`;
  if (there !== undefined && there.metadata.deletionTimestamp === undefined && instance.status?.rendered === rendered(there))
    return { set: there, rendered: rendered(there), scope };
  const kubeVersion = await runtimeVersion(runtime, context.objects);
  const result = await renderDefinition(definition, scope, { ...options, kubeVersion, signal: context.signal });
  if ("problems" in result) return result;
  const objects = await withoutOthersDefinitions([...result.objects, ...secrets], { cluster, set: `${target.namespace}/${target.name}` }, context);
  await context.objects.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: systemNamespace } });
  const set = await context.objects.apply<ResourceSet>(setOf(instance, objects));
  return { set, rendered: rendered(set), scope };
}

function hostsOf(
  { spec, metadata }: SupportServiceDefinition,
  scope: Pick<ServiceScope, "runtime" | "users">,
): { readonly hosts: readonly string[] } | Problems {
  const at = `SupportServiceDefinition ${metadata.name}: spec.certificates.hosts`;
  const result = evaluate(templatesOf(spec).hosts, { ...scope }, at);
  if ("problems" in result) return result;
  const { value } = result;
  if (!Array.isArray(value) || !value.every((host) => typeof host === "string" && hostForm.test(host)))
    return { problems: [`${at}: must give a list of host names, and gives ${JSON.stringify(value).slice(0, 200)}`] };
  return { hosts: value };
}

/** RFC 1123, in lower case. */
const hostForm = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;

async function withoutOthersDefinitions(
  objects: readonly KubeObject[],
  place: { readonly cluster: Cluster; readonly set: string },
  { signal }: ReconcileContext,
): Promise<readonly KubeObject[]> {
  const names = objects.filter(({ kind }) => kind === "CustomResourceDefinition").map(({ metadata }) => metadata.name);
  const others = await definitionsOfOthers(names, place, signal);
  return others.size === 0 ? objects : objects.filter(({ kind, metadata }) => kind !== "CustomResourceDefinition" || !others.has(metadata.name));
}

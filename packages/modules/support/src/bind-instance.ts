import type { Cluster } from "@threeport/cluster";
import type { ReconcileContext, Verdict } from "@threeport/engine";
import { findExisting } from "./find-existing.ts";
import { supportServiceDefinitionKind, type SupportServiceDefinition } from "./kinds/definition.ts";
import type { SupportServiceInstance } from "./kinds/instance.ts";
import { supportFinalizer } from "./support-set.ts";

/** §5.6: which definition, and whether what is there already will do, is decided once and stands in the spec. */
export async function bindInstance(
  instance: SupportServiceInstance,
  { known, cluster }: { readonly known: SupportServiceDefinition | undefined; readonly cluster: Cluster },
  context: ReconcileContext,
): Promise<{ readonly instance: SupportServiceInstance; readonly definition: SupportServiceDefinition } | { readonly verdict: Verdict }> {
  const { spec, metadata } = instance;
  const finalizers = metadata.finalizers ?? [];
  if (known !== undefined && spec.origin !== undefined && finalizers.includes(supportFinalizer)) return { instance, definition: known };
  const definition = known ?? chooseDefinition(await context.objects.list<SupportServiceDefinition>(supportServiceDefinitionKind), spec);
  if (definition === undefined)
    return {
      verdict: {
        state: "stalled",
        reason: "NoDefinition",
        message: `there is no SupportServiceDefinition of service ${spec.service} for runtime ${spec.runtime}; tptctl get supportservicedefinitions lists what there is, and operations can write one`,
      },
    };
  const found = spec.origin === undefined ? await findExisting(definition, cluster, context.signal) : undefined;
  const origin = spec.origin ?? (found === undefined ? "Installed" : "Found");
  const named =
    found === undefined ? undefined : { ...(found.metadata.namespace === undefined ? {} : { namespace: found.metadata.namespace }), name: found.metadata.name };
  const draft: SupportServiceInstance = {
    ...instance,
    metadata: { ...metadata, finalizers: [...finalizers.filter((each) => each !== supportFinalizer), supportFinalizer] },
    spec: { ...spec, definition: definition.metadata.name, origin, ...(named === undefined ? {} : { found: named }) },
  };
  return { instance: (await context.objects.commit(instance, draft)) ?? instance, definition };
}

/** Of those that fit the one with the highest priority; then the first by name. Pure. */
export function chooseDefinition(
  definitions: readonly SupportServiceDefinition[],
  { service, runtime }: { readonly service: string; readonly runtime: string },
): SupportServiceDefinition | undefined {
  const [best] = definitions
    .filter(({ spec, metadata }) => spec.service === service && metadata.deletionTimestamp === undefined && spec.match?.runtimes?.includes(runtime) !== false)
    .toSorted((a, b) => b.spec.priority - a.spec.priority || (a.metadata.name < b.metadata.name ? -1 : 1));
  return best;
}

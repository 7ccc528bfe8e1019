import type { Cluster } from "@threeport/cluster";
import type { ReconcileContext, Verdict } from "@threeport/engine";
import { isErrorCode, type StoredObject } from "@threeport/resource";
import { templatesOf } from "./check-definition.ts";
import type { SupportServiceDefinition } from "./kinds/definition.ts";
import type { SupportServiceInstance } from "./kinds/instance.ts";
import { evaluate, type ServiceScope } from "./render-definition.ts";

interface Told {
  readonly verdict: Verdict;
  readonly outputs?: Readonly<Record<string, unknown>>;
}

type Read = Pick<ReconcileContext, "signal">;

/** Of a service that the cluster had already. */
export async function foundOutputs(instance: SupportServiceInstance, definition: SupportServiceDefinition, cluster: Cluster, context: Read): Promise<Told> {
  const { existing } = definition.spec;
  const { found } = instance.spec;
  const object = existing === undefined || found === undefined ? undefined : await read({ ...existing, ...found }, cluster, context);
  const what = `${existing?.kind ?? "object"} ${found?.namespace === undefined ? "" : `${found.namespace}/`}${found?.name ?? ""}`;
  if (object === undefined)
    return {
      verdict: {
        state: "stalled",
        reason: "FoundIsGone",
        message: `${what}, which the cluster had before and which was used, is not there any more; make it again, or delete SupportServiceInstance ${instance.metadata.name} when nothing uses it`,
      },
    };
  const at = `SupportServiceDefinition ${definition.metadata.name}: spec.existing.outputs.`;
  const result = evaluate(templatesOf(definition.spec).foundOutputs, { found: object }, at);
  if ("problems" in result) return { verdict: { state: "stalled", reason: "DefinitionFailed", message: result.problems.slice(0, 3).join("; ") } };
  return {
    outputs: result.value as Record<string, unknown>,
    verdict: { state: "ready", reason: "Found", message: `${what} was in the cluster already, and is used as it is` },
  };
}

/** Of one that we installed. */
export async function installedOutputs(
  definition: SupportServiceDefinition,
  { scope, cluster }: { readonly scope: ServiceScope; readonly cluster: Cluster },
  context: Read,
): Promise<Told> {
  const { spec, metadata } = definition;
  const observed = await Promise.all(
    Object.entries(spec.observe ?? {}).map(async ([name, target]) => [name, (await read(target, cluster, context)) ?? {}] as const),
  );
  const at = `SupportServiceDefinition ${metadata.name}: spec.outputs.`;
  const result = evaluate(templatesOf(spec).outputs, { ...scope, observed: Object.fromEntries(observed) }, at);
  if ("problems" in result) return { verdict: { state: "stalled", reason: "DefinitionFailed", message: result.problems.slice(0, 3).join("; ") } };
  return {
    outputs: result.value as Record<string, unknown>,
    verdict: { state: "ready", reason: "Installed", message: `${metadata.name} ${spec.version} is installed` },
  };
}

async function read(
  { apiVersion, kind, namespace, name }: { apiVersion: string; kind: string; namespace?: string | undefined; name: string },
  cluster: Cluster,
  { signal }: Read,
): Promise<StoredObject | undefined> {
  const target = { apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) };
  return cluster
    .call((client) => client.get<StoredObject>(target, { signal }))
    .catch((error: unknown) => {
      if (isErrorCode(error, "TP_NOT_FOUND") || isErrorCode(error, "TP_KIND_UNKNOWN")) return undefined;
      throw error;
    });
}

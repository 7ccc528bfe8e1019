// Whether a cluster has such a service already. What is found is used, and never touched.
import { controlPlaneLabel, setKeyOf, type Cluster } from "@threeport/cluster";
import { isErrorCode, type StoredObject } from "@threeport/resource";
import { templatesOf } from "./check-definition.ts";
import type { SupportServiceDefinition } from "./kinds/definition.ts";
import { evaluate } from "./render-definition.ts";

/** The first by name that will do and that no control plane made. */
export async function findExisting(definition: SupportServiceDefinition, cluster: Cluster, signal: AbortSignal): Promise<StoredObject | undefined> {
  const { existing } = definition.spec;
  if (existing === undefined) return undefined;
  const { apiVersion, kind, namespace } = existing;
  try {
    const found = await cluster.call((client) => client.list({ apiVersion, kind, ...(namespace === undefined ? {} : { namespace }) }, { signal }));
    const { when } = templatesOf(definition.spec);
    return (found.items as StoredObject[]).find((object) => {
      if (object.metadata.labels?.[controlPlaneLabel] !== undefined || object.metadata.deletionTimestamp !== undefined) return false;
      const fits = evaluate(when, { found: object }, "");
      return "value" in fits && fits.value === true;
    });
  } catch (error) {
    if (isErrorCode(error, "TP_KIND_UNKNOWN") || isErrorCode(error, "TP_NOT_FOUND")) return undefined;
    throw error;
  }
}

/** Definitions of kinds that somebody else, or another set of ours, brought into the cluster: these ones would only be refused. */
export async function definitionsOfOthers(
  names: readonly string[],
  { cluster, set }: { readonly cluster: Cluster; readonly set: string },
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const others = await Promise.all(
    names.map(async (name) => {
      const target = { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", name };
      const object = await cluster
        .call((client) => client.get<StoredObject>(target, { signal }))
        .catch((error: unknown) => {
          if (isErrorCode(error, "TP_NOT_FOUND")) return undefined;
          throw error;
        });
      return object === undefined || setKeyOf(object) === set ? [] : [name];
    }),
  );
  return new Set(others.flat());
}

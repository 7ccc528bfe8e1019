import { z } from "zod";
import { parseApiVersion } from "@threeport/resource";

/**
 * What workloads may do beyond their own namespace (design.md P3). Environments carry it, and sets that are confined: operations
 * write the one, the control plane the other.
 */
export const allowSchema = z.object({
  kinds: z
    .array(
      z.object({
        group: z.string().default("").describe('API group, for example apiextensions.k8s.io; "" is the core group.'),
        kind: z.string().min(1).describe("Kind, for example CustomResourceDefinition; * is every kind of the group."),
      }),
    )
    .optional()
    .describe(
      "Kinds that are applied with the runtime's own rights: cluster-scoped ones, and those for which the cluster's role `admin` grants nothing in a namespace.",
    )
    .meta({ "x-kubernetes-list-type": "atomic" }),
  namespaces: z
    .array(z.string().min(1))
    .optional()
    .describe("Namespaces beside a workload's own that its objects may name, or that it may take as its own although they were there before.")
    .meta({ "x-kubernetes-list-type": "atomic" }),
  podSecurity: z
    .enum(["baseline", "privileged"])
    .optional()
    .describe("The Pod Security level that pods must keep: `baseline` unless said, `privileged` allows everything."),
});

export type Allow = z.output<typeof allowSchema>;

export function allowsKind(allow: Allow | undefined, object: { readonly apiVersion: string; readonly kind: string }): boolean {
  const { group } = parseApiVersion(object.apiVersion);
  return (allow?.kinds ?? []).some((entry) => entry.group === group && (entry.kind === "*" || entry.kind === object.kind));
}

export function allowsNamespace(allow: Allow | undefined, namespace: string): boolean {
  return (allow?.namespaces ?? []).includes(namespace);
}

import { z } from "zod";
import { ageColumn, conditionReason, conditionStatus, defineKind, WaitsFor, type ErrorCause, type ObjectWith } from "@threeport/resource";
import { conditionsSchema } from "@threeport/cluster";

const secretReference = z.object({
  namespace: z.string().min(1).describe("Namespace of the Secret."),
  name: z.string().min(1).describe("Name of the Secret."),
  key: z.string().default("kubeconfig").describe("Key in the Secret that holds the kubeconfig."),
});

const fields = {
  spec: z
    .object({
      provider: z
        .enum(["kubeconfig", "local", "kind"])
        .describe(
          "Who provides the cluster: `kubeconfig` is one that exists already, `local` a one-node Kubernetes on this machine, `kind` one in containers, by the program kind.",
        ),
      kubeconfig: z
        .object({
          secretRef: secretReference.describe("The Secret with a kubeconfig: inline CA with a client certificate or a token; nothing else is accepted."),
        })
        .optional()
        .describe("For provider kubeconfig."),
      impersonation: z
        .enum(["Required", "Off"])
        .default("Required")
        .describe(
          "Whether the control plane acts as a service account of a workload's namespace when it applies the workload's objects. `Off` is for a kubeconfig that may not impersonate: its own rights are used, held back by the rules of the environment alone.",
        ),
      location: z.string().optional().describe("Where the cluster is, for example Europe:Frankfurt."),
    })
    .describe("One Kubernetes cluster that workloads may run on."),
  status: z
    .object({
      observedGeneration: z.number().int().optional().describe("The generation that the status speaks of."),
      conditions: conditionsSchema,
      server: z.string().optional().describe("Address of the cluster's API."),
      version: z.string().optional().describe("Version of Kubernetes."),
      clusterUid: z.string().optional().describe("Uid of the cluster's namespace kube-system: tells one cluster from another at the same address."),
      claim: z.string().optional().describe("The last request to take the cluster over that was followed."),
      deletion: z.string().optional().describe("What its deletion waits for."),
      owned: z.boolean().optional().describe("Whether this control plane may write to the cluster; another one may own it."),
      outputs: z
        .object({
          entrance: z
            .object({
              http: z.number().int().describe("For HTTP."),
              https: z.number().int().describe("For HTTPS."),
            })
            .optional()
            .describe("Ports of 127.0.0.1 on the control plane's machine that lead to the gateway of a local cluster."),
        })
        .optional()
        .describe("What dependencies read of it."),
      kubeconfig: z
        .object({ secretRef: secretReference.describe("Where the kubeconfig in use is.") })
        .optional()
        .describe("How the cluster is reached."),
    })
    .optional()
    .describe("State of the cluster."),
};

/** A cluster, by name (design.md §6). */
export type KubernetesRuntimeInstance = ObjectWith<typeof fields>;

export const runtimeKind = defineKind({
  group: "threeport.io",
  version: "v1alpha1",
  kind: "KubernetesRuntimeInstance",
  plural: "kubernetesruntimeinstances",
  shortNames: ["runtime", "kri"],
  categories: ["threeport"],
  scope: "Cluster",
  nameRule: "label",
  versionRequired: true,
  refuseDeleteWhileReferenced: true,
  description: "A Kubernetes cluster that workloads run on.",
  fields,
  references: [
    {
      path: "spec.kubeconfig.secretRef.name",
      to: { group: "", resource: "secrets" },
      namespace: { path: "namespace" },
      waitsFor: WaitsFor.Existence | WaitsFor.Outputs,
    },
  ],
  columns: [
    { name: "Ready", type: "string", description: "Whether the cluster can be used.", value: (object) => conditionStatus(object, "Ready") ?? "Unknown" },
    { name: "Reason", type: "string", description: "Why.", value: (object) => conditionReason(object, "Ready") },
    { name: "Provider", type: "string", description: "Who provides it.", value: (object) => (object as KubernetesRuntimeInstance).spec.provider },
    { name: "Version", type: "string", description: "Version of Kubernetes.", value: (object) => (object as KubernetesRuntimeInstance).status?.version },
    {
      name: "Server",
      type: "string",
      priority: 1,
      description: "Address of its API.",
      value: (object) => (object as KubernetesRuntimeInstance).status?.server,
    },
    ageColumn,
  ],
  validate(object, old) {
    const { spec } = object as KubernetesRuntimeInstance;
    const causes: ErrorCause[] = [];
    if (spec.provider === "kubeconfig" && spec.kubeconfig === undefined)
      causes.push({
        field: "spec.kubeconfig",
        reason: "FieldValueRequired",
        message: "Required value: name the Secret that holds the kubeconfig, or use tptctl runtime add",
      });
    if (spec.provider !== "kubeconfig" && spec.kubeconfig !== undefined)
      causes.push({
        field: "spec.kubeconfig",
        reason: "FieldValueForbidden",
        message: `Forbidden: a cluster of provider ${spec.provider} makes its own kubeconfig`,
      });
    if (old !== undefined && (old as KubernetesRuntimeInstance).spec.provider !== spec.provider)
      causes.push({
        field: "spec.provider",
        reason: "FieldValueForbidden",
        message: "Forbidden: the provider of a runtime cannot change; create another runtime",
      });
    return causes;
  },
});

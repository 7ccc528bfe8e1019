import { budgetRules } from "./rules/budgets.ts";
import { claimRules } from "./rules/claims.ts";
import { defaults, fields, list, type Rules } from "./rules/fields.ts";
import { cronJobRules, jobRules } from "./rules/jobs.ts";
import { podRules } from "./rules/pods.ts";
import { serviceRules } from "./rules/services.ts";
import { mutatingWebhookRules, validatingWebhookRules } from "./rules/webhooks.ts";
import { workloadRules } from "./rules/workloads.ts";

/** What kube-apiserver fills in and refuses beyond the schema of a kind, as far as our product meets it. */
export function ownRules(group: string, kind: string): Rules {
  return table[group === "" ? kind : `${kind}.${group}`] ?? {};
}

const table: Readonly<Record<string, Rules>> = {
  ...workloadRules,
  Pod: podRules,
  Service: serviceRules,
  PersistentVolumeClaim: claimRules,
  PersistentVolume: { normalize: (volume) => defaults(fields(volume, "spec"), { persistentVolumeReclaimPolicy: "Retain", volumeMode: "Filesystem" }) },
  "PodDisruptionBudget.policy": budgetRules,
  "Job.batch": jobRules,
  "CronJob.batch": cronJobRules,
  "HorizontalPodAutoscaler.autoscaling": {
    normalize: (scaler) =>
      defaults(fields(scaler, "spec"), {
        minReplicas: 1,
        ...(scaler.apiVersion === "autoscaling/v2"
          ? { metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } }] }
          : {}),
      }),
  },
  "ValidatingWebhookConfiguration.admissionregistration.k8s.io": validatingWebhookRules,
  "MutatingWebhookConfiguration.admissionregistration.k8s.io": mutatingWebhookRules,
  "StorageClass.storage.k8s.io": { normalize: (storage) => defaults(storage, { reclaimPolicy: "Delete", volumeBindingMode: "Immediate" }) },
  "NetworkPolicy.networking.k8s.io": {
    normalize(policy) {
      const spec = fields(policy, "spec");
      defaults(spec, { policyTypes: list(spec["egress"]).length > 0 ? ["Ingress", "Egress"] : ["Ingress"] });
      for (const rule of [...list(spec["ingress"]), ...list(spec["egress"])]) for (const port of list(rule["ports"])) defaults(port, { protocol: "TCP" });
    },
  },
  "PriorityClass.scheduling.k8s.io": { normalize: (priority) => defaults(priority, { preemptionPolicy: "PreemptLowerPriority" }) },
};

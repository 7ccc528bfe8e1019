import { labels, priority } from "./shared.ts";

/** Scales the workload that needs it by the CPU that its pods use, as the metrics of the runtime say. Defaults and the most replicas: score-format rule sheet §5. */
export const horizontalPodAutoscaler = {
  name: "horizontal-pod-autoscaler-v1",
  spec: {
    type: "horizontal-pod-autoscaler",
    class: "default",
    priority,
    withWorkload: true,
    params: {
      properties: {
        minReplicas: { type: "integer", description: "Fewest pods.", default: 2, minimum: 1, maximum: 10 },
        maxReplicas: { type: "integer", description: "Most pods.", default: 3, minimum: 1, maximum: 10 },
        targetCPUUtilizationPercentage: {
          type: "integer",
          description: "CPU of what the pods request, on the average.",
          default: 80,
          minimum: 1,
          maximum: 1000,
        },
      },
    },
    services: { metrics: {} },
    provisioner: {
      manifests: {
        objects: [
          {
            apiVersion: "autoscaling/v2",
            kind: "HorizontalPodAutoscaler",
            metadata: { name: "${name}", labels },
            spec: {
              scaleTargetRef: { apiVersion: "apps/v1", kind: "${workload.kind}", name: "${workload.name}" },
              minReplicas: "${params.minReplicas}",
              maxReplicas: "${params.maxReplicas < params.minReplicas ? params.minReplicas : params.maxReplicas}",
              metrics: [
                {
                  type: "Resource",
                  resource: { name: "cpu", target: { type: "Utilization", averageUtilization: "${params.targetCPUUtilizationPercentage}" } },
                },
              ],
            },
          },
        ],
      },
    },
    outputs: {},
  },
} as const;

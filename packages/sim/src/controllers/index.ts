import type { Controller } from "../controller.ts";
import { autoscalerController } from "./autoscalers.ts";
import { claimController } from "./claims.ts";
import { cronJobController } from "./cron-jobs.ts";
import { daemonSetController } from "./daemon-sets.ts";
import { deploymentController } from "./deployments.ts";
import { gatewayClassController, gatewayController, httpRouteController } from "./gateways.ts";
import { jobController } from "./jobs.ts";
import { nodeController } from "./nodes.ts";
import { podController } from "./pods.ts";
import { replicaSetController } from "./replica-sets.ts";
import { resourceQuotaController } from "./resource-quotas.ts";
import { serviceController } from "./services.ts";
import { statefulSetController } from "./stateful-sets.ts";

/** What a Kubernetes does by itself with workloads, as far as it is simulated. */
export const workloadControllers: readonly Controller[] = [
  deploymentController,
  replicaSetController,
  statefulSetController,
  daemonSetController,
  jobController,
  cronJobController,
  nodeController,
  podController,
  serviceController,
  claimController,
  resourceQuotaController,
  autoscalerController,
  gatewayClassController,
  gatewayController,
  httpRouteController,
];

export {
  releaseKind,
  workloadDefinitionKind,
  workloadInstanceKind,
  workloadRenderingKind,
  type Release,
  type WorkloadDefinition,
  type WorkloadInstance,
  type WorkloadRendering,
} from "./kinds/index.ts";
export { workloadAdmission } from "./admission.ts";
export { copyDeployments } from "./clone/copy-deployments.ts";
export { definitionReconciler } from "./reconcile-definition.ts";
export { instanceReconciler } from "./reconcile-instance.ts";
export { imagesOf, renderManifests } from "./render.ts";
export { instanceLogs, type LogQuery } from "./logs.ts";
export type { InsightOptions } from "./insight.ts";
export { dependencyTree } from "./dependency-insight.ts";
export { instanceTree, setInventory } from "./tree.ts";
export { computeRendering } from "./compute-rendering.ts";
export { instanceWhy, type Why } from "./why.ts";
export { instanceEvents } from "./cluster-events.ts";
export { instanceStream, type StreamQuery } from "./pod-stream.ts";

export { workloadDefinitionKind, type WorkloadDefinition } from "./definition.ts";
export { workloadInstanceKind, type WorkloadInstance } from "./instance.ts";
export { releaseKind, type Release } from "./release.ts";
export { workloadRenderingKind, type WorkloadRendering } from "./rendering.ts";

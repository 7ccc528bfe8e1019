export { checkScore, resourceCausesOf, type CheckedScore } from "./check-score.ts";
export { scoreApiVersion, type ScoreDocument, type ScoreServicePort } from "./document.ts";
export { serviceNameOf } from "./annotations.ts";
export { secretNeeds } from "./resource-types/secret.ts";
export { provideResources, workloadsUsed } from "./provide.ts";
export type { Need, Provision, SourceWorkload } from "./resource-types/resource-type.ts";
export { renderScore, type RenderContext, type RenderedScore } from "./render/render-score.ts";
export { mergeOverrides, overrideProperty } from "./overrides.ts";
export { givenImage, withImages } from "./images.ts";

export { createMergePatch, mergePatch } from "./merge-patch.ts";
export { jsonPatch, jsonPatchLimits } from "./json-patch.ts";
export { strategicMergePatch } from "./strategic-merge-patch.ts";

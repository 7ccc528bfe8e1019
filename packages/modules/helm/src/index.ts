export { apiVersionsSchema, chartCauses, chartSchema, describeChart, type Chart, type PinnedChart } from "./chart.ts";
export { createHelm, type Helm, type HelmOptions } from "./helm.ts";
export { ensureHelm } from "./program.ts";
export type { Rendered } from "./render.ts";

export type { Duration as CelDuration, Environment as CelEnvironment } from "@marcbachmann/cel-js/evaluator";
export { onBudget, spend, stepsOfObject, weightOf, type Budget } from "./budget.ts";
export { newEnvironment, optionalOf, parseDuration } from "./environment.ts";
export { celEqual } from "./equal.ts";
export { instrument, prepare, testedPaths, type CelNode } from "./instrument.ts";
export { loadCel } from "./load-cel.ts";
export { compileTemplate, lexTemplate, type Template, type TemplateProblem } from "./template.ts";

import { createRequire } from "node:module";
import type * as Cel from "@marcbachmann/cel-js";
import type * as Evaluator from "@marcbachmann/cel-js/evaluator";

export type CelModule = typeof Cel & Pick<typeof Evaluator, "Duration">;

let loaded: CelModule | undefined;

/** 20 ms and 6 MiB to load: only a process that meets a rule pays for it. */
export function loadCel(): CelModule {
  if (loaded === undefined) {
    const require = createRequire(import.meta.url);
    const main = require("@marcbachmann/cel-js") as typeof Cel;
    const { Duration } = require("@marcbachmann/cel-js/evaluator") as typeof Evaluator;
    loaded = { ...main, Duration };
  }
  return loaded;
}

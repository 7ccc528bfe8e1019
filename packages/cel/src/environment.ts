import type { Duration, Environment } from "@marcbachmann/cel-js/evaluator";
import { celEqual } from "./equal.ts";
import { registerLists } from "./library/lists.ts";
import { registerNetwork } from "./library/network.ts";
import { registerQuantities } from "./library/quantity.ts";
import { registerStrings } from "./library/strings.ts";
import { loadCel } from "./load-cel.ts";

/** What one rule may be: bounds the time of reading it. */
const limits = { maxAstNodes: 5_000, maxDepth: 100, maxListElements: 1_000, maxMapEntries: 1_000, maxCallArguments: 32 };

let base: Environment | undefined;

/** An environment with all libraries, to which types and variables may be added. */
export function newEnvironment(): Environment {
  if (base === undefined) {
    const { Environment: Made } = loadCel();
    base = new Made({ enableOptionalTypes: true, homogeneousAggregateLiterals: false, limits });
    registerStrings(base);
    registerLists(base, celEqual);
    registerNetwork(base);
    registerQuantities(base);
    base.registerFunction("OptionalNamespace.ofNonZeroValue(A): optional<A>", (_: unknown, value: unknown) => optionalOf(isZero(value) ? undefined : value));
  }
  return base.clone();
}

function isZero(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (value instanceof Map) return value.size === 0;
  return value === 0n || value === 0 || value === "" || value === false || value === null;
}

const durationParts = /^([+-])?((?:\d{1,18}(?:\.\d{0,18})?(?:ns|us|µs|ms|s|m|h))+)$/;
const unitMs: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** A text of format `duration` as a value; undefined when it is none. */
export function parseDuration(text: string): Duration | undefined {
  const match = text.length > 200 ? null : durationParts.exec(text);
  if (match === null) return undefined;
  let ms = 0;
  for (const [, amount = "0", unit = "s"] of (match[2] ?? "").matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)/g)) ms += Number(amount) * (unitMs[unit] ?? 0);
  return loadCel().Duration.fromMilliseconds(match[1] === "-" ? -ms : ms);
}

/** A value that may not be there. */
export function optionalOf(value: unknown): unknown {
  const { Optional } = loadCel();
  return value === undefined ? Optional.none() : Optional.of(value);
}

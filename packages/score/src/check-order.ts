import type { ErrorCause } from "@threeport/resource";
import { findCycle } from "./cycle.ts";
import type { ScoreDocument } from "./document.ts";
import { below, invalid } from "./field.ts";

/** `A.before.B`: A goes first, and B waits until A is as `ready` says. */
export function checkOrder({ containers }: ScoreDocument): ErrorCause[] {
  const names = Object.keys(containers);
  const causes: ErrorCause[] = [];
  for (const [name, { before = {}, readinessProbe, livenessProbe }] of Object.entries(containers)) {
    const field = below(below("containers", name), "before");
    const readies = new Set(Object.values(before).map(({ ready }) => ready));
    for (const [other, { ready }] of Object.entries(before)) {
      const here = below(field, other);
      if (other === name) causes.push(invalid(here, "a container cannot go before itself"));
      else if (!names.includes(other))
        causes.push(invalid(here, `there is no container ${other}; there are ${names.filter((each) => each !== name).join(", ") || "no others"}`));
      if (ready === "healthy" && readinessProbe === undefined && livenessProbe === undefined)
        causes.push(invalid(below(here, "ready"), `nothing tells when ${name} is healthy: give it a readinessProbe, or write started`));
    }
    if (readies.has("complete") && readies.has("healthy"))
      causes.push(invalid(field, `${name} cannot end before one container and still be healthy for another: write the same ready for both`));
  }
  if (causes.length > 0) return causes;
  const cycle = findCycle(new Map(names.map((name) => [name, Object.keys(containers[name]?.before ?? {})] as const)));
  if (cycle !== undefined) return [invalid(below(below("containers", cycle[0] ?? ""), "before"), `these wait for each other: ${cycle.join(" before ")}`)];
  return [];
}

/** Containers that go before others, each before those that wait for it; ties by name. */
export function inOrder(containers: ScoreDocument["containers"], names: readonly string[]): string[] {
  const left = new Set([...names].sort());
  const ordered: string[] = [];
  while (left.size > 0) {
    const next = [...left].find((name) => ![...left].some((other) => other !== name && Object.hasOwn(containers[other]?.before ?? {}, name)));
    if (next === undefined) return [...ordered, ...left]; // a cycle, which the check refuses
    left.delete(next);
    ordered.push(next);
  }
  return ordered;
}

// A runtime by labels: chosen once, and bound in spec (§5.6).
import { isReadyNow, type ReconcileContext } from "@threeport/engine";
import type { KubeObject } from "@threeport/resource";
import type { Step } from "./clone-environment.ts";
import { namesOf, runtimeKind } from "./contents.ts";
import { environmentKind, type Environment } from "./environment-kind.ts";

/** The environment on a runtime, or what to tell while there is none for it. */
export async function bindRuntime(environment: Environment, context: ReconcileContext): Promise<Step> {
  const { runtime, runtimeSelector } = environment.spec;
  if (runtime !== "" || runtimeSelector === undefined) return { environment };
  const { matchLabels } = runtimeSelector;
  const runtimes = (await context.objects.list<KubeObject>(runtimeKind)).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const fitting = runtimes.filter(({ metadata }) => Object.entries(matchLabels).every(([key, value]) => metadata.labels?.[key] === value));
  const ready = fitting.filter(isReadyNow);
  const others = await context.objects.list<Environment>(environmentKind);
  const chosen = leastUsed(ready, others);
  if (chosen === undefined) return { verdict: { state: "stalled", reason: "NoRuntime", message: noRuntime(matchLabels, fitting, runtimes) } };
  const draft: Environment = { ...environment, spec: { ...environment.spec, runtime: chosen } };
  return { environment: (await context.objects.commit<Environment>(environment, draft)) ?? environment };
}

/** Pure. The one with the fewest environments; of several the first by name. */
export function leastUsed(runtimes: readonly KubeObject[], environments: readonly Environment[]): string | undefined {
  const used = (name: string): number => environments.filter(({ spec }) => spec.runtime === name).length;
  const names = runtimes.map(({ metadata }) => metadata.name);
  return names.toSorted((a, b) => used(a) - used(b) || (a < b ? -1 : 1))[0];
}

function noRuntime(wanted: Readonly<Record<string, string>>, fitting: readonly KubeObject[], all: readonly KubeObject[]): string {
  const labels = Object.entries(wanted).map(([key, value]) => `${key}=${value}`);
  if (fitting.length > 0) return `no runtime with ${labels.join(", ")} is Ready: ${namesOf(fitting)}; tptctl runtime list tells why`;
  const there = all.length === 0 ? "there are no runtimes" : `there are ${namesOf(all)}`;
  return `no runtime has the labels ${labels.join(", ")}; ${there}. kubectl label runtime NAME ${labels.join(" ")} gives them to one`;
}

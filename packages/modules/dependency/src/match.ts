// Which profile meets a dependency (design.md §7.3): of its type and class, those that fit; the highest priority; the most specific; the name.
import type { Environment } from "@threeport/module-environment";
import type { KubeObject, Objects } from "@threeport/resource";
import type { DependencyProfile } from "./kinds/profile.ts";

export interface Candidate {
  readonly profile: string;
  readonly chosen: boolean;
  readonly reason: string;
}

export interface Match {
  readonly chosen: DependencyProfile | undefined;
  /** All of the type and class, the best first. */
  readonly candidates: readonly Candidate[];
}

/** Where a dependency would be. */
export interface MatchPlace {
  readonly environment: Environment;
  /** Name of the runtime. */
  readonly runtime: string;
  /** What the runtime says; undefined where it is not there. */
  readonly provider: string | undefined;
  readonly location: string | undefined;
}

/** The place with what its runtime says of itself. */
export async function matchPlaceOf(place: Pick<MatchPlace, "environment" | "runtime">, objects: Pick<Objects, "get">): Promise<MatchPlace> {
  if (place.runtime === "") return { ...place, provider: undefined, location: undefined };
  const runtime = await objects.get<KubeObject & { readonly spec: { readonly provider?: string; readonly location?: string } }>({
    apiVersion: place.environment.apiVersion,
    kind: "KubernetesRuntimeInstance",
    name: place.runtime,
  });
  return { ...place, provider: runtime?.spec.provider, location: runtime?.spec.location };
}

/** Pure. */
export function matchProfile(profiles: readonly DependencyProfile[], need: { readonly type: string; readonly class: string }, place: MatchPlace): Match {
  const sorted = profiles
    .filter(({ spec }) => spec.type === need.type && spec.class === need.class)
    .map((profile) => ({ profile, misfit: misfitOf(profile, place) }))
    .toSorted(
      (a, b) =>
        Number(a.misfit !== undefined) - Number(b.misfit !== undefined) ||
        b.profile.spec.priority - a.profile.spec.priority ||
        specificity(b.profile) - specificity(a.profile) ||
        (a.profile.metadata.name < b.profile.metadata.name ? -1 : 1),
    );
  const [first, second] = sorted;
  const best = first?.misfit === undefined ? first?.profile : undefined;
  const rival = second?.misfit === undefined ? second?.profile : undefined;
  return {
    chosen: best,
    candidates: sorted.map(({ profile, misfit }) => ({
      profile: profile.metadata.name,
      chosen: profile === best,
      reason: misfit ?? (profile === best ? whyBest(profile, rival) : whyNot(profile, best)),
    })),
  };
}

/** How many conditions a profile has, each label being one: one that names more is meant more. */
function specificity({ spec: { match } }: DependencyProfile): number {
  const lists = [match?.environments, match?.tiers, match?.runtimes, match?.providers, match?.locations];
  return lists.filter((each) => each !== undefined).length + Object.keys(match?.labels ?? {}).length;
}

/** Why a profile may not be used there; undefined when it may. */
export function misfitOf({ spec: { match } }: DependencyProfile, { environment, runtime, provider, location }: MatchPlace): string | undefined {
  const { name, labels } = environment.metadata;
  const { tier } = environment.spec;
  // A choice is bound with the runtime.
  if (runtime === "") return `cannot be chosen before environment ${name} has a runtime`;
  const lists: readonly (readonly [list: readonly string[] | undefined, value: string | undefined, what: string, is: string])[] = [
    [match?.environments, name, "environments", `this is ${name}`],
    [match?.tiers, tier, "tiers", `${name} is ${tier}`],
    [match?.runtimes, runtime, "runtimes", `${name} runs on ${runtime}`],
    [match?.providers, provider, "providers", `runtime ${runtime} is of ${provider ?? "none"}`],
    [match?.locations, location, "locations", `runtime ${runtime} is ${location === undefined ? "at none" : `in ${location}`}`],
  ];
  const misfit = lists.find(([list, value]) => list !== undefined && (value === undefined || !list.includes(value)));
  if (misfit !== undefined) return `is for the ${misfit[2]} ${misfit[0]?.join(", ")}, and ${misfit[3]}`;
  const lacking = Object.entries(match?.labels ?? {}).filter(([key, value]) => labels?.[key] !== value);
  if (lacking.length === 0) return undefined;
  return `is for environments with the labels ${lacking.map(([key, value]) => `${key}=${value}`).join(", ")}, which ${name} has not`;
}

function whyBest(profile: DependencyProfile, rival: DependencyProfile | undefined): string {
  if (rival === undefined) return "the only one that fits";
  if (profile.spec.priority !== rival.spec.priority) return `has the highest priority, ${profile.spec.priority}`;
  return specificity(profile) === specificity(rival)
    ? `comes first by name before ${rival.metadata.name}`
    : "names more of where it may be used than the others";
}

function whyNot(profile: DependencyProfile, best: DependencyProfile | undefined): string {
  if (best === undefined) return "";
  if (profile.spec.priority !== best.spec.priority) return `has priority ${profile.spec.priority}, and ${best.metadata.name} ${best.spec.priority}`;
  return specificity(profile) === specificity(best)
    ? `comes after ${best.metadata.name} by name`
    : `names less of where it may be used than ${best.metadata.name}`;
}

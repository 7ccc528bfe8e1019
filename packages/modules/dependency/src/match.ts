// Which profile meets a dependency (design.md §7.3): of its type and class, those that fit; the highest priority; the most specific; the name.
import type { Environment } from "@threeport/module-environment";
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

/** Pure. */
export function matchProfile(
  profiles: readonly DependencyProfile[],
  need: { readonly type: string; readonly class: string },
  place: { readonly environment: Environment; readonly runtime: string },
): Match {
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

/** How many conditions a profile has: one that names more is meant more. */
function specificity({ spec }: DependencyProfile): number {
  return [spec.match?.environments, spec.match?.tiers, spec.match?.runtimes].filter((each) => each !== undefined).length;
}

/** Why a profile may not be used there; undefined when it may. */
export function misfitOf(
  { spec: { match } }: DependencyProfile,
  { environment, runtime }: { readonly environment: Environment; readonly runtime: string },
): string | undefined {
  const { name } = environment.metadata;
  const { tier } = environment.spec;
  if (match?.environments?.includes(name) === false) return `is for the environments ${match.environments.join(", ")}, and this is ${name}`;
  if (match?.tiers?.includes(tier) === false) return `is for the tiers ${match.tiers.join(", ")}, and ${name} is ${tier}`;
  if (match?.runtimes?.includes(runtime) === false) return `is for the runtimes ${match.runtimes.join(", ")}, and ${name} runs on ${runtime}`;
  return undefined;
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

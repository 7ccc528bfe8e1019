import { seededRandom } from "@threeport/sim";
import { undisturbed, type Fate, type Plan, type Point } from "./fates.ts";

/** What happens in one run. `fate` strikes once, at a point; `stale` (watches of clusters tell late), `deaf` (hints that there is work are lost) and `storm` (all of it) all the time, by chance that a seed decides. */
export type Fault = { readonly kind: Exclude<Fate, "pass">; readonly point: number } | { readonly kind: "stale" | "deaf" | "storm"; readonly seed: string };

export const pointFates = ["end-before", "end-after", "end-hasty", "refused", "lost", "freeze", "freeze-hasty"] as const;
export const chances = ["stale", "deaf", "storm"] as const;

const lagMsMax = 20_000;
const deafShare = 0.5;
/** Of all points of a storm; the rest pass, and it blows over. */
const stormShare = 0.03;
const stormStrikes = 12;
/** People wait in a storm: else it does not tell what its end must be. */
const stormFates = pointFates.filter((fate) => !fate.endsWith("-hasty"));

export function planOf(fault: Fault | undefined): Plan {
  if (fault === undefined) return undisturbed;
  switch (fault.kind) {
    case "stale":
      return { ...undisturbed, lagMs: lagOf(fault.seed) };
    case "deaf":
      return { ...undisturbed, deaf: chanceOf(fault.seed, deafShare) };
    case "storm":
      return stormOf(fault.seed);
    default:
      return strikingAt(fault.point, fault.kind);
  }
}

function chanceOf(seed: string, share: number): () => boolean {
  const random = seededRandom(seed);
  return () => random.float() < share;
}

/** Half of all is told at once. */
function lagOf(seed: string): () => number {
  const random = seededRandom(seed);
  return () => Math.max(0, Math.floor((random.float() * 2 - 1) * lagMsMax));
}

/** Everything at once, each rarely. */
function stormOf(seed: string): Plan {
  const random = seededRandom(seed);
  const lagMs = lagOf(`${seed}/stale`);
  const deaf = chanceOf(`${seed}/deaf`, deafShare / 3);
  let strikes = 0;
  const at = (): Fate => {
    if (strikes >= stormStrikes || random.float() >= stormShare) return "pass";
    strikes++;
    return stormFates[Math.floor(random.float() * stormFates.length)] ?? "pass";
  };
  return { at, lagMs, deaf };
}

function strikingAt(point: number, fate: Fate): Plan {
  let met = 0;
  return { ...undisturbed, at: () => (++met === point ? fate : "pass") };
}

/** The same plan; told of each point that is met and of what happens there. */
export function watched(plan: Plan, onPoint: (point: Point, fate: Fate) => void): Plan {
  return {
    ...plan,
    at(point) {
      const fate = plan.at(point);
      onPoint(point, fate);
      return fate;
    },
  };
}

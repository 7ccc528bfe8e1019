/** Chance that can be repeated: a test prints its seed, and the same seed gives the same numbers (mulberry32). */
export interface Dice {
  /** A whole number in [0, n). */
  below(n: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
}

export function dice(seed: number): Dice {
  let state = seed >>> 0;
  const float = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n: number): number => Math.floor(float() * n);
  return {
    below,
    chance: (probability) => float() < probability,
    pick(items) {
      const item = items[below(items.length)];
      if (item === undefined) throw new Error("nothing to pick from");
      return item;
    },
  };
}

/** Runs `body` with a new seed, or with the one in PROOF_SEED when somebody repeats a failure; what it throws names the seed. */
export async function withSeed(body: (seed: number) => Promise<void>): Promise<void> {
  const seed = Number(process.env["PROOF_SEED"] ?? Math.floor(performance.timeOrigin % 1e9));
  try {
    await body(seed);
  } catch (error) {
    if (error instanceof Error) error.message = `PROOF_SEED=${seed} repeats this: ${error.message}`;
    throw error;
  }
}

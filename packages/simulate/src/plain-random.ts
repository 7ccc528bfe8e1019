import type { Random } from "@threeport/platform";
import { seededRandom } from "@threeport/sim";

/** What is generated is the same in each run and each process, or no two runs could be compared: so it is known too, and can be looked for where it must not be. */
const generatedByte = 7;
/** The beginning of every generated password. */
export const generatedSecret = "HHHHHHHHHHHHHHHHHHHHHHHH";

/** Chance by a seed, but for the bytes that secrets are made of. */
export function plainRandom(seed: string): Random {
  return { ...seededRandom(seed), bytes: (n) => new Uint8Array(n).fill(generatedByte) };
}

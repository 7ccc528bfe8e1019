import { createHash } from "node:crypto";
import { uuidV7, type Random } from "@threeport/platform";

const suffixAlphabet = "bcdfghjklmnpqrstvwxz2456789"; // k8s.io/apimachinery/pkg/util/rand

/** Chance that comes out the same for the same seed. Not fit for secrets that matter: whoever knows the seed knows them. */
export function seededRandom(seed: string): Random {
  let block = Buffer.alloc(0);
  let blocks = 0;
  const bytes = (n: number): Uint8Array => {
    const parts: Buffer[] = [];
    for (let left = n; left > 0;) {
      if (block.length === 0) block = createHash("sha256").update(`${seed}|${blocks++}`).digest();
      const part = block.subarray(0, left);
      block = block.subarray(part.length);
      left -= part.length;
      parts.push(part);
    }
    return Buffer.concat(parts);
  };
  const float = (): number => Buffer.from(bytes(4)).readUInt32BE() / 2 ** 32;
  return {
    float,
    bytes,
    uuid: (nowMs) => uuidV7(nowMs, bytes(10)),
    suffix: (n) => Array.from({ length: n }, () => suffixAlphabet[Math.floor(float() * suffixAlphabet.length)]).join(""),
  };
}

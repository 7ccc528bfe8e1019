import { randomBytes, randomFillSync, randomInt } from "node:crypto";

/** Chance as a parameter, for the same reason as {@link Clock}. */
export interface Random {
  /** A number in [0, 1): for jitter, never for secrets. */
  float(): number;
  /** `n` bytes fit for keys. */
  bytes(n: number): Uint8Array;
  /** A UUIDv7: sortable by the time it was made. `nowMs` is the wall clock. */
  uuid(nowMs: number): string;
  /** `n` characters of Kubernetes' generateName alphabet (no vowels, no look-alikes). */
  suffix(n: number): string;
}

const suffixAlphabet = "bcdfghjklmnpqrstvwxz2456789"; // k8s.io/apimachinery/pkg/util/rand

export const systemRandom: Random = {
  float: () => Math.random(),
  bytes: (n) => randomBytes(n),
  uuid: (nowMs) => uuidV7(nowMs, nextOf(uuidPool)),
  suffix: (n) => Array.from({ length: n }, () => suffixAlphabet[randomInt(suffixAlphabet.length)]).join(""),
};

/** Random bytes of a UUIDv7. */
const uuidBytes = 10;
/** The system is asked for the bytes of many UUIDs at a time: a call for each costs more than all the rest of making one. */
const uuidPool = { bytes: Buffer.alloc(256 * uuidBytes), at: 256 * uuidBytes };

/** Each byte is handed out once. */
function nextOf(pool: typeof uuidPool): Uint8Array {
  if (pool.at >= pool.bytes.length) {
    randomFillSync(pool.bytes);
    pool.at = 0;
  }
  pool.at += uuidBytes;
  return pool.bytes.subarray(pool.at - uuidBytes, pool.at);
}

/** RFC 9562 §5.7 from a time in milliseconds and 10 random bytes. */
export function uuidV7(ms: number, random: Uint8Array): string {
  const bytes = Buffer.allocUnsafe(16);
  bytes.writeUIntBE(ms, 0, 6);
  bytes.set(random.subarray(0, 10), 6);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

import { createHmac } from "node:crypto";
import { PlatformError } from "@threeport/resource";
import { decrypt, encrypt, keyBytes } from "./cipher.ts";

/**
 * Who wraps data keys with a key that never enters the database (S7). Keys in files and in the environment are {@link localKeys}; a key management
 * service is another implementation: it would send the 32 bytes to be wrapped and keep what comes back. Called at a start and at a rotation only.
 */
export interface KeyEncryption {
  /** Wraps under the key in use, and names that key. Called only for a database that has no data key yet, and at a rotation. */
  wrap(dataKey: Uint8Array, context: string): Promise<WrappedKey>;
  /** Undefined when it has no key of that name, or none that fits; `by` is "" for a key that was wrapped before names were kept. */
  unwrap(wrapped: WrappedKey, context: string): Promise<Uint8Array | undefined>;
  /** Where its keys come from and which they are, for messages: names, never keys. */
  describe(): Promise<string>;
}

export interface WrappedKey {
  /** Name of the key-encryption key. */
  readonly by: string;
  readonly bytes: Uint8Array;
}

/** Keys of 32 bytes that are at hand; the first wraps, all unwrap. */
export function localKeys(keys: readonly Uint8Array[], source = "the configuration"): KeyEncryption {
  for (const key of keys)
    if (key.length !== keyBytes)
      throw new PlatformError("TP_KEY_WRONG", { message: `a key-encryption key must have ${keyBytes} bytes; one in ${source} has ${key.length}` });
  return {
    async wrap(dataKey, context) {
      const [key] = keys;
      if (key === undefined) throw new PlatformError("TP_KEY_WRONG", { message: `there is no key-encryption key in ${source}` });
      return { by: keyName(key), bytes: encrypt(key, dataKey, context) };
    },
    async unwrap(wrapped, context) {
      for (const key of keys) {
        if (wrapped.by !== "" && wrapped.by !== keyName(key)) continue;
        const opened = decrypt(key, wrapped.bytes, context);
        if (opened !== undefined) return opened;
      }
      return undefined;
    },
    describe: async () => (keys.length === 0 ? `${source} holds none` : `${source} holds ${keys.map(keyName).join(", ")}`),
  };
}

/** Tells keys apart without showing them: 64 bits of an HMAC. */
function keyName(key: Uint8Array): string {
  return createHmac("sha256", key).update("key-encryption-key").digest("hex").slice(0, 16);
}

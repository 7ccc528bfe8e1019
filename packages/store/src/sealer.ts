import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";
import { PlatformError } from "@threeport/resource";
import type { Database } from "./database.ts";

/**
 * Encryption at rest (S7): AES-256-GCM under a data key; data keys stand in the database, wrapped by the
 * key-encryption key, which never does.
 */
export interface Sealer {
  seal(plain: string, context: string): string;
  /** Opens what `seal` made; text that was never sealed comes back as it is. */
  open(text: string, context: string): string;
  sealBytes(plain: Uint8Array, context: string): Buffer;
  openBytes(sealed: Uint8Array, context: string): Buffer;
  /** Digest of content that may be secret: an HMAC, so that it cannot be guessed from outside (S8). */
  digest(content: Uint8Array | string): string;
}

const mark = "sealed:v1:";
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** `keyEncryptionKey`: 32 bytes. Makes the first data key when there is none. Fails when the key does not fit the database. */
export async function openSealer(database: Database, keyEncryptionKey: Uint8Array): Promise<Sealer> {
  if (keyEncryptionKey.length !== keyBytes)
    throw new PlatformError("TP_INTERNAL", { message: `the key-encryption key must have ${keyBytes} bytes, this one has ${keyEncryptionKey.length}` });
  const fresh = encrypt(keyEncryptionKey, randomBytes(keyBytes), "data-key:1");
  // Two first starts at once: both offer a key, one row wins, both read it.
  await database.query({ name: "data_key_first", text: "INSERT INTO data_key (id, wrapped, created_at) VALUES ('1', $1, now()) ON CONFLICT DO NOTHING" }, [
    fresh,
  ]);
  const rows = await database.query<{ id: string; wrapped: Buffer }>(
    { name: "data_key_list", text: "SELECT id, wrapped FROM data_key ORDER BY created_at, id" },
    [],
  );
  const keys = new Map(rows.map((row) => [row.id, decrypt(keyEncryptionKey, row.wrapped, `data-key:${row.id}`)]));
  const newest = rows.at(-1)?.id ?? "1";
  const keyOf = (id: string): Buffer => {
    const key = keys.get(id);
    if (key === undefined) throw new PlatformError("TP_INTERNAL", { message: `data key ${id} is not in the database` });
    return key;
  };
  const digestKey = createHmac("sha256", keyOf(rows[0]?.id ?? "1"))
    .update("digest")
    .digest();
  return {
    seal: (plain, context) => `${mark}${newest}:${encrypt(keyOf(newest), Buffer.from(plain, "utf8"), context).toString("base64")}`,
    open(text, context) {
      if (!text.startsWith(mark)) return text;
      const colon = text.indexOf(":", mark.length);
      return decrypt(keyOf(text.slice(mark.length, colon)), Buffer.from(text.slice(colon + 1), "base64"), context).toString("utf8");
    },
    sealBytes: (plain, context) => Buffer.concat([Buffer.from(`${newest}:`), encrypt(keyOf(newest), plain, context)]),
    openBytes(sealed, context) {
      const bytes = Buffer.from(sealed);
      const colon = bytes.indexOf(":");
      return decrypt(keyOf(bytes.subarray(0, colon).toString()), bytes.subarray(colon + 1), context);
    },
    digest: (content) => `hmac-sha256:${createHmac("sha256", digestKey).update(content).digest("hex")}`,
  };
}

/** nonce ‖ tag ‖ ciphertext; `context` is authenticated, so a body cannot be moved to another object. */
function encrypt(key: Uint8Array, plain: Uint8Array, context: string): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(Buffer.from(context));
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]);
}

function decrypt(key: Uint8Array, sealed: Uint8Array, context: string): Buffer {
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, nonceBytes));
    decipher.setAAD(Buffer.from(context));
    decipher.setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
    return Buffer.concat([decipher.update(sealed.subarray(nonceBytes + tagBytes)), decipher.final()]);
  } catch (error) {
    throw new PlatformError("TP_INTERNAL", {
      message: "a sealed body cannot be opened: the key file does not belong to this database, or the row was changed by hand",
      cause: error,
    });
  }
}

import { createHmac } from "node:crypto";
import { PlatformError } from "@threeport/resource";
import type { Database } from "../database.ts";
import { decrypt, encrypt } from "./cipher.ts";
import { openDataKeys, readDataKeys, type DataKey } from "./data-keys.ts";
import type { KeyEncryption } from "./key-encryption.ts";

/**
 * Encryption at rest (S7): AES-256-GCM under a data key; data keys stand in the database, wrapped by the
 * key-encryption key, which never does.
 */
export interface Sealer {
  seal(plain: string, context: string): string;
  /** Opens what `seal` made; text that was never sealed comes back as it is. `TP_KEY_UNKNOWN` when it was sealed under a key that came after the last `refresh`. */
  open(text: string, context: string): string;
  sealBytes(plain: Uint8Array, context: string): Buffer;
  openBytes(sealed: Uint8Array, context: string): Buffer;
  /** Digest of content that may be secret: an HMAC, so that it cannot be guessed from outside (S8). The same for the life of the database, whatever is rotated. */
  digest(content: Uint8Array | string): string;
  /** Id of the data key that seals now. */
  readonly newest: string;
  /** What the text of a body begins with that was sealed under this data key; without one: under any. */
  mark(id?: string): string;
  /** Reads the data keys again, for another process may have rotated them. */
  refresh(): Promise<void>;
}

const mark = "sealed:v1:";

/** Makes the first data key when there is none. Throws `TP_KEY_WRONG` when the key-encryption key does not fit the database. */
export async function openSealer(database: Database, keyEncryption: KeyEncryption): Promise<Sealer> {
  let keys = await openDataKeys(database, keyEncryption);
  const digestKey = createHmac("sha256", keys[0]?.key ?? "")
    .update("digest")
    .digest();
  const newest = (): DataKey => {
    const key = keys.at(-1);
    if (key === undefined) throw new PlatformError("TP_INTERNAL", { message: "the database has no data key" });
    return key;
  };
  const keyOf = (id: string): Uint8Array => {
    const found = keys.find((key) => key.id === id);
    if (found === undefined) throw new PlatformError("TP_KEY_UNKNOWN", { message: `data key ${id.slice(0, 20)} is not known here`, detail: { id } });
    return found.key;
  };
  return {
    seal(plain, context) {
      const { id, key } = newest();
      return `${mark}${id}:${encrypt(key, Buffer.from(plain, "utf8"), context).toString("base64")}`;
    },
    open(text, context) {
      if (!text.startsWith(mark)) return text;
      const colon = text.indexOf(":", mark.length);
      return opened(keyOf(text.slice(mark.length, colon)), Buffer.from(text.slice(colon + 1), "base64"), context).toString("utf8");
    },
    sealBytes(plain, context) {
      const { id, key } = newest();
      return Buffer.concat([Buffer.from(`${id}:`), encrypt(key, plain, context)]);
    },
    openBytes(sealed, context) {
      const bytes = Buffer.from(sealed);
      const colon = bytes.indexOf(":");
      return opened(keyOf(bytes.subarray(0, colon).toString()), bytes.subarray(colon + 1), context);
    },
    digest: (content) => `hmac-sha256:${createHmac("sha256", digestKey).update(content).digest("hex")}`,
    get newest() {
      return newest().id;
    },
    mark: (id) => (id === undefined ? mark : `${mark}${id}:`),
    async refresh() {
      keys = await readDataKeys(database, keyEncryption);
    },
  };
}

function opened(key: Uint8Array, sealed: Uint8Array, context: string): Buffer {
  const plain = decrypt(key, sealed, context);
  if (plain === undefined)
    throw new PlatformError("TP_INTERNAL", { message: "a sealed body cannot be opened: its row was changed by hand, or the database is damaged" });
  return plain;
}

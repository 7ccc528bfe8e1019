import type { Database } from "./database.ts";
import { withFreshKeys } from "./keys/fresh-keys.ts";
import type { Sealer } from "./keys/sealer.ts";

/** Kind under which references to blobs stand: a Release that needs a blob refers to `$blob//<digest>`. */
export const blobKind = "$blob";

/** Large bodies by content (S8), sealed at rest because manifests may hold Secrets. */
export interface Blobs {
  /** Stores and returns the digest; the same content again only refreshes its age. */
  put(content: string): Promise<string>;
  get(digest: string): Promise<string | undefined>;
  /** Removes blobs that nothing refers to and nobody stored for `unusedMs`. */
  sweep(unusedMs: number): Promise<number>;
}

export function createBlobs(database: Database, sealer: Sealer): Blobs {
  return {
    async put(content) {
      const digest = sealer.digest(content);
      await database.query(
        { name: "put_blob", text: "INSERT INTO blob (digest, body, used_at) VALUES ($1, $2, now()) ON CONFLICT (digest) DO UPDATE SET used_at = now()" },
        [digest, sealer.sealBytes(Buffer.from(content, "utf8"), digest)],
      );
      return digest;
    },
    async get(digest) {
      const rows = await database.query<{ body: Buffer }>({ name: "get_blob", text: "SELECT body FROM blob WHERE digest = $1" }, [digest]);
      const body = rows[0]?.body;
      return body === undefined ? undefined : withFreshKeys(sealer, async () => sealer.openBytes(body, digest).toString("utf8"));
    },
    async sweep(unusedMs) {
      const rows = await database.query(
        {
          name: "sweep_blobs",
          text: "DELETE FROM blob b WHERE used_at < now() - $1 * interval '1 millisecond' AND NOT EXISTS (SELECT 1 FROM reference r WHERE r.target_kind = '$blob' AND r.target_namespace = '' AND r.target_name = b.digest) RETURNING 1",
        },
        [unusedMs],
      );
      return rows.length;
    },
  };
}

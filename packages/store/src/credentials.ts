import { createHash } from "node:crypto";
import type { Database } from "./database.ts";

export interface User {
  readonly name: string;
  readonly groups: readonly string[];
  readonly uid?: string;
  /** What else is known of the caller, by key. */
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** Bearer tokens, kept by SHA-256 only: they are long and random, so a slow hash would add nothing but load. */
export interface Credentials {
  put(token: string, user: User): Promise<void>;
  find(token: string): Promise<User | undefined>;
}

export function createCredentials(database: Database): Credentials {
  const hash = (token: string) => createHash("sha256").update(token).digest("hex");
  return {
    async put(token, user) {
      await database.query(
        {
          name: "put_credential",
          text: "INSERT INTO credential (hash, username, groups) VALUES ($1, $2, $3) ON CONFLICT (hash) DO UPDATE SET username = excluded.username, groups = excluded.groups",
        },
        [hash(token), user.name, user.groups],
      );
    },
    async find(token) {
      const rows = await database.query<{ username: string; groups: string[] }>(
        { name: "find_credential", text: "SELECT username, groups FROM credential WHERE hash = $1 AND (expires_at IS NULL OR expires_at > now())" },
        [hash(token)],
      );
      const row = rows[0];
      return row === undefined ? undefined : { name: row.username, groups: row.groups };
    },
  };
}

import type { Database } from "../database.ts";
import { withFreshKeys } from "./fresh-keys.ts";
import { sharedSecretContext } from "./rotation.ts";
import type { Sealer } from "./sealer.ts";

/** What all replicas of a control plane must have alike, sealed at rest: the private key of its authority, keys that sign tokens. */
export interface SharedSecrets {
  get(name: string): Promise<string | undefined>;
  /** Stores `offer` when nothing has this name yet, and returns what has. Two replicas that offer at once get the same. */
  keep(name: string, offer: string): Promise<string>;
}

export function createSharedSecrets(database: Database, sealer: Sealer): SharedSecrets {
  const seal = (name: string, plain: string): string => sealer.seal(plain, sharedSecretContext(name));
  const open = (name: string, body: string): Promise<string> => withFreshKeys(sealer, async () => sealer.open(body, sharedSecretContext(name)));
  async function read(name: string): Promise<string | undefined> {
    const [row] = await database.query<{ body: string }>({ name: "shared_secret_get", text: "SELECT body FROM shared_secret WHERE name = $1" }, [name]);
    return row?.body;
  }
  return {
    async get(name) {
      const body = await read(name);
      return body === undefined ? undefined : open(name, body);
    },
    async keep(name, offer) {
      const known = await read(name);
      if (known !== undefined) return open(name, known);
      await database.query({ name: "shared_secret_keep", text: "INSERT INTO shared_secret (name, body) VALUES ($1, $2) ON CONFLICT DO NOTHING" }, [
        name,
        seal(name, offer),
      ]);
      const kept = await read(name);
      return kept === undefined ? offer : open(name, kept);
    },
  };
}

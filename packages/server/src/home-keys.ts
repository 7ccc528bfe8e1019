import { randomBytes } from "node:crypto";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { PlatformError } from "@threeport/resource";
import { localKeys, rewrapDataKeys, type Database, type KeyEncryption } from "@threeport/store";
import { readIfThere, writeSecretFile, type Home } from "./home.ts";

const variable = "THREEPORT_KEY_ENCRYPTION_KEY";
const previousVariable = "THREEPORT_KEY_ENCRYPTION_KEY_PREVIOUS";

type Environment = Readonly<Record<string, string | undefined>>;

interface KeyFiles {
  readonly current: string;
  /** Made by a rotation that has not ended: data keys may be wrapped by it already. */
  readonly next: string;
  /** The one before the last rotation: backups of that time need it. */
  readonly previous: string;
}

/**
 * Key-encryption keys (S7): 32 bytes, hexadecimal. From the environment (`THREEPORT_KEY_ENCRYPTION_KEY`, and what it replaces in `…_PREVIOUS`), else
 * from files in the home; the first file is made for a database that has no keys yet. Losing it loses every Secret, so it is never made for one that
 * has. Read when it is asked for: a running server notices a rotation.
 */
export function homeKeys(home: Home, environment: Environment): KeyEncryption {
  const read = async (): Promise<KeyEncryption> => {
    const given = fromEnvironment(environment);
    if (given !== undefined) return localKeys(given, variable);
    const files = filesOf(home);
    const keys = await Promise.all([files.current, files.next, files.previous].map(readKey));
    return localKeys(
      keys.filter((key) => key !== undefined),
      keys[0] === undefined ? `${files.current} (which is missing)` : files.current,
    );
  };
  return {
    async wrap(dataKey, context) {
      const { current, next } = filesOf(home);
      if (fromEnvironment(environment) === undefined && (await readKey(current)) === undefined && (await readKey(next)) === undefined)
        await writeSecretFile(current, `${newKey()}\n`);
      return (await read()).wrap(dataKey, context);
    },
    unwrap: async (wrapped, context) => (await read()).unwrap(wrapped, context),
    describe: async () => (await read()).describe(),
  };
}

/**
 * Rotates the key-encryption key: all data keys are wrapped by a new one. Can be killed anywhere and repeated: each of the files is read at a start.
 * With keys from the environment, the new one stands there already.
 */
export async function rotateKeyEncryptionKey(home: Home, environment: Environment, database: Database): Promise<string> {
  if (fromEnvironment(environment) !== undefined) {
    const rewrapped = await rewrapDataKeys(database, homeKeys(home, environment));
    if (rewrapped === 0)
      throw new PlatformError("TP_BAD_REQUEST", {
        message: `all data keys are wrapped by ${variable} already. For a new key, put the present one into ${previousVariable} and the new one into ${variable}, for every replica; then run this again.`,
      });
    return `${rewrapped} data keys are wrapped by ${variable} now; ${previousVariable} is needed only for backups made before`;
  }
  const { current, next, previous } = filesOf(home);
  if ((await readKey(next)) === undefined) await writeSecretFile(next, `${newKey()}\n`);
  const keys = (await Promise.all([next, current, previous].map(readKey))).filter((key) => key !== undefined);
  const rewrapped = await rewrapDataKeys(database, localKeys(keys, home.keys));
  if ((await readIfThere(current)) !== undefined) await rename(current, previous);
  await rename(next, current);
  return `${rewrapped} data keys are wrapped by the new key in ${current}. Copy it to a safe place, and to the home of every other replica. Backups made before need the old one, ${previous}.`;
}

function filesOf(home: Home): KeyFiles {
  const current = join(home.keys, "key-encryption-key");
  return { current, next: `${current}.next`, previous: `${current}.previous` };
}

function newKey(): string {
  return randomBytes(32).toString("hex");
}

function fromEnvironment(environment: Environment): Uint8Array[] | undefined {
  const text = environment[variable];
  if (text === undefined || text === "") return undefined;
  const previous = (environment[previousVariable] ?? "").split(",").filter((key) => key.trim() !== "");
  return [parse(text, variable), ...previous.map((key) => parse(key, previousVariable))];
}

async function readKey(path: string): Promise<Uint8Array | undefined> {
  const text = await readIfThere(path);
  return text === undefined ? undefined : parse(text, path);
}

/** No message shows what stands there. */
function parse(text: string, from: string): Uint8Array {
  if (!/^[0-9a-f]{64}$/i.test(text.trim()))
    throw new PlatformError("TP_KEY_WRONG", { message: `the key-encryption key in ${from} must be 64 hexadecimal digits` });
  return Buffer.from(text.trim(), "hex");
}

// The keys that sign ServiceAccount tokens: one sealed document of the store, shared by all replicas, under a kind that the API does not serve.
// The last key signs, all of them verify; a rotation adds one, and forgets those that have not signed for as long as it is told.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import type { Clock, Logger, Random } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import type { ObjectKey, ObjectStore } from "@threeport/store";

export interface SigningKey {
  readonly id: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export interface SigningKeys {
  /** Oldest first; the last one signs. */
  all(): readonly SigningKey[];
}

const documentKey: ObjectKey = { kind: "$signing-keys", namespace: "", name: "service-accounts" };

interface Stored {
  readonly metadata: { readonly resourceVersion: string };
  readonly keys: readonly { readonly pem: string; /** When a newer key took over, milliseconds since 1970. */ readonly replacedAtMs?: number }[];
}

interface Tools {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
}

/** Makes the first key when there is none, and follows rotations by other replicas until disposed. */
export async function openSigningKeys(tools: Tools & { readonly log: Logger }): Promise<SigningKeys & Disposable> {
  const { store, clock, log } = tools;
  let stopped = false;
  let subscription: Disposable | undefined;
  let keys = keysOf(await readOrMake(tools));

  async function follow(): Promise<void> {
    const rv = await store.reader.currentRv();
    keys = keysOf(await readOrMake(tools));
    subscription = await store.feed.subscribe(
      documentKey.kind,
      rv,
      (changes) => {
        const last = changes.at(-1);
        if (last !== undefined && !last.deleted) keys = keysOf(JSON.parse(last.body) as Stored);
      },
      () => void again(),
    );
    if (stopped) subscription[Symbol.dispose]();
  }

  async function again(): Promise<void> {
    while (!stopped) {
      try {
        return await follow();
      } catch (error) {
        log.info("the keys that sign tokens cannot be read; those known last stay in use", { error: String(error) });
        await clock.sleep(retryMs);
      }
    }
  }

  await follow();
  return {
    all: () => keys,
    [Symbol.dispose]() {
      stopped = true;
      subscription?.[Symbol.dispose]();
    },
  };
}

const retryMs = 1_000;

/** Adds a key, which signs from now on, and forgets those that were replaced more than `keepMs` ago: their tokens end with them. Returns how many verify now. */
export async function rotateSigningKeys(tools: Tools, keepMs: number): Promise<number> {
  const now = tools.clock.now();
  for (;;) {
    const current = await readOrMake(tools);
    const kept = current.keys.map((key) => ({ ...key, replacedAtMs: key.replacedAtMs ?? now })).filter((key) => keepMs > 0 && now - key.replacedAtMs < keepMs);
    const keys = [...kept, { pem: newPem() }];
    if (await write(tools, keys, Number(current.metadata.resourceVersion))) return keys.length;
  }
}

async function readOrMake(tools: Tools): Promise<Stored> {
  for (;;) {
    const version = await tools.store.reader.get(documentKey);
    if (version !== undefined) return JSON.parse(version.body) as Stored;
    await write(tools, [{ pem: newPem() }], 0); // or another replica did
  }
}

/** False when somebody else wrote since. */
async function write({ store, clock, random }: Tools, keys: Stored["keys"], expectRv: number): Promise<boolean> {
  const previous = expectRv === 0 ? undefined : await store.reader.get(documentKey);
  const result = await store.writer.write({
    key: documentKey,
    uid: previous?.uid ?? random.uuid(clock.now()),
    expectRv,
    remove: false,
    terminating: false,
    schemaVersion: "v1",
    body: ['{"metadata":{"resourceVersion":"', `"},"keys":${JSON.stringify(keys)}}`],
    sensitive: true,
    prevBody: previous?.body,
    references: undefined,
    guards: [],
    wake: [],
    changes: 0,
    priority: 1,
    fence: undefined,
  });
  if (result.outcome === "written") return true;
  if (result.outcome === "conflict") return false;
  throw new PlatformError("TP_INTERNAL", { message: "the keys that sign tokens could not be written" });
}

function newPem(): string {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }) as string;
}

function keysOf(stored: Stored): SigningKey[] {
  return stored.keys.map(({ pem }) => {
    const privateKey = createPrivateKey(pem);
    const publicKey = createPublicKey(pem);
    const id = createHash("sha256")
      .update(publicKey.export({ type: "spki", format: "der" }))
      .digest("base64url");
    return { id, privateKey, publicKey };
  });
}

import { deepEqual, isErrorCode, PlatformError, type KubeObject, type StoredObject } from "@threeport/resource";
import type { KubeClient } from "@threeport/client";

/**
 * What a person was told about objects that only this person writes. A write whose answer never came may have happened
 * or not; everything that was answered must be true for ever (S1).
 */
export interface Ledger {
  /** Creates it, or makes its spec this one. */
  put(client: KubeClient, object: KubeObject): Promise<void>;
  remove(client: KubeClient, object: KubeObject): Promise<void>;
  /** Compares with what the server says now; throws when it forgot or invented something. Afterwards nothing is uncertain. */
  audit(client: KubeClient): Promise<void>;
  /** The specs that stand, by object; only after an audit. */
  standing(): readonly KubeObject[];
  has(object: KubeObject): boolean;
  /** How many writes were answered with yes, and how many answers were lost. */
  readonly counts: { accepted: number; unanswered: number };
}

/** `undefined` stands for "not there, or under deletion". */
type State = KubeObject | undefined;

export function openLedger(): Ledger {
  const counts = { accepted: 0, unanswered: 0 };
  const book = new Map<string, { readonly target: KubeObject; possible: State[] }>();
  const keyOf = (object: KubeObject): string => `${object.kind}/${object.metadata.namespace ?? ""}/${object.metadata.name}`;
  const targetOf = ({ apiVersion, kind, metadata: { name, namespace } }: KubeObject) => ({
    apiVersion,
    kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
  });

  async function write(object: KubeObject, next: State, run: () => Promise<unknown>): Promise<void> {
    const key = keyOf(object);
    const entry = book.get(key) ?? { target: object, possible: [undefined] };
    book.set(key, entry);
    const before = entry.possible;
    entry.possible = [...before, next];
    try {
      await run();
      entry.possible = [next];
      counts.accepted++;
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      // An answer that says no says that nothing happened; no answer says nothing.
      if (error.detail["httpStatus"] !== undefined && error.entry.http < 500) entry.possible = before;
      else counts.unanswered++;
    }
  }

  return {
    counts,
    put: (client, object) =>
      write(object, object, async () => {
        try {
          const { name: _, ...collection } = targetOf(object);
          await client.create(collection, object);
        } catch (error) {
          if (!isErrorCode(error, "TP_ALREADY_EXISTS")) throw error;
          const current = await client.get<StoredObject>(targetOf(object));
          if (current.metadata.deletionTimestamp !== undefined) throw error;
          await client.update(targetOf(object), { ...current, spec: object["spec"] });
        }
      }),
    remove: (client, object) =>
      write(object, undefined, async () => {
        await client.delete(targetOf(object)).catch((error: unknown) => {
          if (!isErrorCode(error, "TP_NOT_FOUND")) throw error;
        });
      }),
    async audit(client) {
      for (const [key, entry] of book) {
        const found = await client.get<StoredObject>(targetOf(entry.target)).catch((error: unknown) => {
          if (isErrorCode(error, "TP_NOT_FOUND")) return undefined;
          throw error;
        });
        const now = found === undefined || found.metadata.deletionTimestamp !== undefined ? undefined : found;
        const fits = entry.possible.find((state) => (state === undefined ? now === undefined : now !== undefined && holds(state["spec"], now["spec"])));
        if (fits === undefined && !(now === undefined && entry.possible.includes(undefined))) {
          throw new Error(
            `${key}: the server says ${JSON.stringify(now?.["spec"])}, but what it had acknowledged was one of ${JSON.stringify(entry.possible.map((state) => state?.["spec"] ?? "nothing"))}`,
          );
        }
        entry.possible = [fits];
      }
    },
    standing: () => [...book.values()].flatMap((entry) => (entry.possible[0] === undefined ? [] : [entry.possible[0]])),
    has: (object) => book.get(keyOf(object))?.possible.some((state) => state !== undefined) === true,
  };
}

/** Everything that was asked for is there; the server may have added defaults and what it has bound. */
function holds(wanted: unknown, have: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null || Array.isArray(wanted)) return deepEqual(wanted, have);
  if (typeof have !== "object" || have === null) return false;
  return Object.entries(wanted).every(([key, value]) => holds(value, (have as Record<string, unknown>)[key]));
}

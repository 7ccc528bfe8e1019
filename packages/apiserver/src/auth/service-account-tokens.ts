import type { Clock, Random } from "@threeport/platform";
import type { ObjectKey, ObjectStore } from "@threeport/store";
import type { Authenticate, Identity } from "./authenticate.ts";
import { signJwt, verifiedClaims, type Claims } from "./jwt.ts";
import type { SigningKeys } from "./signing-keys.ts";
import { parseServiceAccountName, serviceAccountGroups, serviceAccountName } from "./users.ts";

export interface TokenOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly keys: SigningKeys;
  /** Who vouches: `iss`, and the audience of tokens for the API server itself. */
  readonly issuer: string;
}

export interface ObjectIdentity {
  readonly name: string;
  readonly uid: string;
}

export interface TokenInput {
  readonly namespace: string;
  readonly account: ObjectIdentity;
  readonly audiences: readonly string[];
  readonly validForSeconds: number;
  /** A Secret whose end is the end of the token. */
  readonly secret?: ObjectIdentity | undefined;
}

/** Clocks of replicas may differ by this much; a token is not refused for having been made "in the future" by less. */
const skewSeconds = 60;

export function issueToken(options: TokenOptions, input: TokenInput): { readonly token: string; readonly expiresAtMs: number } {
  const { clock, random, keys, issuer } = options;
  const now = Math.floor(clock.now() / 1000);
  const key = keys.all().at(-1);
  if (key === undefined) throw new Error("there is always a key that signs");
  const expires = now + input.validForSeconds;
  const token = signJwt(
    {
      aud: input.audiences,
      exp: expires,
      iat: now,
      iss: issuer,
      jti: random.uuid(clock.now()),
      "kubernetes.io": {
        namespace: input.namespace,
        serviceaccount: { name: input.account.name, uid: input.account.uid },
        ...(input.secret === undefined ? {} : { secret: { name: input.secret.name, uid: input.secret.uid } }),
      },
      nbf: now,
      sub: serviceAccountName(input.namespace, input.account.name),
    },
    key,
  );
  return { token, expiresAtMs: expires * 1000 };
}

/** Tokens that we signed, for as long as they last and what they are bound to exists. */
export function serviceAccountTokens(options: TokenOptions): Authenticate {
  const { store, clock, keys, issuer } = options;
  const lives = async (key: ObjectKey, uid: string): Promise<boolean> => {
    const version = await store.reader.get(key);
    if (version === undefined || version.uid !== uid) return false;
    return (JSON.parse(version.body) as { metadata: { deletionTimestamp?: string } }).metadata.deletionTimestamp === undefined;
  };
  return async ({ token, audiences }) => {
    const claims = token === undefined ? undefined : verifiedClaims(token, keys.all());
    const read = claims && readClaims(claims, { issuer, nowSeconds: clock.now() / 1000 });
    if (read === undefined) return undefined;
    const meant = (audiences ?? [issuer]).filter((audience) => read.audiences.includes(audience));
    if (meant.length === 0) return undefined;
    const { namespace, account, secret } = read;
    if (!(await lives({ kind: "serviceaccounts", namespace, name: account.name }, account.uid))) return undefined;
    if (secret !== undefined && !(await lives({ kind: "secrets", namespace, name: secret.name }, secret.uid))) return undefined;
    return identityOf(read, meant);
  };
}

interface ReadClaims {
  readonly namespace: string;
  readonly account: ObjectIdentity;
  readonly secret: ObjectIdentity | undefined;
  readonly audiences: readonly string[];
  readonly id: string | undefined;
}

/** Undefined for claims that are not of a token of ours, or not now. */
function readClaims(claims: Claims, expected: { readonly issuer: string; readonly nowSeconds: number }): ReadClaims | undefined {
  const { iss, sub, aud, exp, nbf, iat, jti } = claims;
  const { namespace, serviceaccount, secret } = (claims["kubernetes.io"] ?? {}) as Record<string, unknown>;
  const account = objectIdentity(serviceaccount);
  const subject = typeof sub === "string" ? parseServiceAccountName(sub) : undefined;
  const audiences = (Array.isArray(aud) ? aud : [aud]).filter((one): one is string => typeof one === "string" && one !== "");
  const { nowSeconds } = expected;
  const inTime =
    typeof exp === "number" &&
    exp > nowSeconds &&
    [nbf, iat].every((from) => from === undefined || (typeof from === "number" && from <= nowSeconds + skewSeconds));
  if (iss !== expected.issuer || !inTime || account === undefined || subject === undefined) return undefined;
  if (subject.namespace !== namespace || subject.name !== account.name) return undefined;
  const bound = objectIdentity(secret);
  if (secret !== undefined && bound === undefined) return undefined;
  return { namespace: subject.namespace, account, secret: bound, audiences, id: typeof jti === "string" ? jti : undefined };
}

function objectIdentity(value: unknown): ObjectIdentity | undefined {
  const { name, uid } = (value ?? {}) as Record<string, unknown>;
  return typeof name === "string" && name !== "" && typeof uid === "string" && uid !== "" ? { name, uid } : undefined;
}

function identityOf(read: ReadClaims, audiences: readonly string[]): Identity {
  const extra = read.id === undefined ? {} : { extra: { "authentication.kubernetes.io/credential-id": [`JTI=${read.id}`] } };
  return {
    user: { name: serviceAccountName(read.namespace, read.account.name), uid: read.account.uid, groups: serviceAccountGroups(read.namespace), ...extra },
    audiences,
  };
}

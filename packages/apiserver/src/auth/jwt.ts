import { sign, verify } from "node:crypto";
import type { SigningKey } from "./signing-keys.ts";

// RFC 7519 with ES256 and nothing else: there is no algorithm to be talked into.

export type Claims = Readonly<Record<string, unknown>>;

const algorithm = "ES256";

export function signJwt(claims: Claims, key: SigningKey): string {
  const text = `${encode({ alg: algorithm, kid: key.id })}.${encode(claims)}`;
  return `${text}.${sign("sha256", Buffer.from(text), { key: key.privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

const form = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/;

/** The claims of a token that one of `keys` signed; undefined for everything else. Claims are not judged here. */
export function verifiedClaims(token: string, keys: readonly SigningKey[]): Claims | undefined {
  const [, head = "", body = "", signature = ""] = form.exec(token) ?? [];
  const header = decode(head);
  if (header === undefined || header["alg"] !== algorithm || header["crit"] !== undefined) return undefined;
  const key = keys.find((one) => one.id === header["kid"]);
  if (key === undefined) return undefined;
  const good = verify("sha256", Buffer.from(`${head}.${body}`), { key: key.publicKey, dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "base64url"));
  return good ? decode(body) : undefined;
}

/** The public halves, as RFC 7517 writes them. */
export function jsonWebKeySet(keys: readonly SigningKey[]): object {
  return { keys: keys.map((key) => ({ use: "sig", kid: key.id, alg: algorithm, ...key.publicKey.export({ format: "jwk" }) })) };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function decode(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // no JSON: no token of ours
  }
}

import "reflect-metadata"; // @peculiar/x509 needs it loaded first
import { randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  AuthorityKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  type Extension,
} from "@peculiar/x509";

/**
 * A small certificate authority: P-256 keys, ECDSA with SHA-256, PEM in and out. For the TLS of the control plane and for
 * the certificates of a Kubernetes that we start ourselves. An entry of its own (`@threeport/platform/pki`), because
 * loading the ASN.1 library costs more than the rest of the package.
 */

/** A certificate with its private key (PKCS #8), both PEM. The key is secret. */
export interface KeyPair {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** A {@link KeyPair} whose certificate may sign others. */
export type Authority = KeyPair;

export interface Subject {
  readonly commonName: string;
  /** Kubernetes reads these as the groups of a client. */
  readonly organizations?: readonly string[];
}

export interface Validity {
  /** Wall clock, milliseconds. */
  readonly nowMs: number;
  readonly validForMs: number;
}

export interface AuthorityRequest extends Validity {
  readonly subject: Subject;
}

export interface IssueRequest extends Validity {
  readonly subject: Subject;
  /** What the holder may use it for: be a TLS server, a TLS client, or both. */
  readonly usages: readonly ("server" | "client")[];
  /** Names and IP addresses a server answers to; told apart by their form. */
  readonly hosts?: readonly string[];
}

/** Clocks of two machines may differ by this much: certificates are valid from this long before they are made. */
const clockSkewMs = 5 * 60_000;
/** RFC 5280 §4.1.2.2 allows 20 octets; 16 from a good source never repeat. */
const serialBytes = 16;
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** Makes a self-signed authority that may sign end certificates only. */
export async function createAuthority(request: AuthorityRequest): Promise<Authority> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      ...validity(request),
      serialNumber: serial(),
      name: distinguishedName(request.subject),
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return pem(certificate, keys.privateKey);
}

/** Makes a key pair and a certificate for it, signed by `authority`. The certificate never outlives the authority's. */
export async function issue(authority: Authority, request: IssueRequest): Promise<KeyPair> {
  const keys = await generateKeys();
  const issuer = new X509Certificate(authority.certificatePem);
  const { notBefore, notAfter } = validity(request);
  const certificate = await X509CertificateGenerator.create(
    {
      notBefore,
      notAfter: notAfter < issuer.notAfter ? notAfter : issuer.notAfter,
      serialNumber: serial(),
      subject: distinguishedName(request.subject),
      issuer: issuer.subjectName.toJSON(),
      publicKey: keys.publicKey,
      signingKey: await readPrivateKey(authority.privateKeyPem),
      signingAlgorithm: algorithm,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension(request.usages.map((usage) => (usage === "server" ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth))),
        ...alternativeNames(request.hosts ?? []),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
        await AuthorityKeyIdentifierExtension.create(issuer.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return pem(certificate, keys.privateKey);
}

/** When the certificate ends, milliseconds since 1970: renew well before. */
export function expiresAtMs(certificatePem: string): number {
  return new X509Certificate(certificatePem).notAfter.getTime();
}

/** The library's Name takes attribute lists, which need no escaping, unlike the `CN=…` text form. */
function distinguishedName(subject: Subject) {
  const organizations = (subject.organizations ?? []).map((organization) => ({ O: [organization] }));
  return new Name([...organizations, { CN: [subject.commonName] }]).toJSON();
}

function alternativeNames(hosts: readonly string[]): Extension[] {
  if (hosts.length === 0) return [];
  return [new SubjectAlternativeNameExtension(hosts.map((host) => ({ type: isIP(host) === 0 ? ("dns" as const) : ("ip" as const), value: host })))];
}

function validity({ nowMs, validForMs }: Validity): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(nowMs - clockSkewMs), notAfter: new Date(nowMs + validForMs) };
}

/** A positive integer: the top bit is clear and the first octet is never 0, so every encoder writes it alike. */
function serial(): string {
  const bytes = randomBytes(serialBytes);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0);
  return bytes.toString("hex");
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as Promise<webcrypto.CryptoKeyPair>;
}

function readPrivateKey(privateKeyPem: string): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey("pkcs8", PemConverter.decodeFirst(privateKeyPem), algorithm, false, ["sign"]);
}

async function pem(certificate: X509Certificate, privateKey: webcrypto.CryptoKey): Promise<KeyPair> {
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", privateKey);
  return { certificatePem: `${certificate.toString("pem")}\n`, privateKeyPem: `${PemConverter.encode(pkcs8, "PRIVATE KEY")}\n` };
}

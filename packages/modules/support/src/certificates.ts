// Certificates of the control plane's own authority, for services: made once, kept in Secrets of the control plane, and renewed in time.
import { createHash } from "node:crypto";
import type { ReconcileContext } from "@threeport/engine";
import { systemNamespace } from "@threeport/module-runtime";
import { fields, type KubeObject, type StoredObject } from "@threeport/resource";
import type { MadeCertificate } from "./render-definition.ts";

type Context = Pick<ReconcileContext, "objects" | "clock">;

const dayMs = 24 * 3_600_000;
const authority = { secret: "threeport-certificate-authority", validForMs: 3_650 * dayMs };
/** As long as those of public authorities last. */
const validForMs = 90 * dayMs;
const renewBeforeMs = 30 * dayMs;
const digestLength = 8;

interface Pair {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** One certificate for each host. Its Secret goes into the service's namespace, and into nobody's sight. */
export async function certificatesFor(
  hosts: readonly string[],
  namespace: string,
  context: Context,
): Promise<{ readonly made: readonly MadeCertificate[]; readonly secrets: readonly KubeObject[] }> {
  const made: MadeCertificate[] = [];
  const secrets: KubeObject[] = [];
  for (const host of [...new Set(hosts)].toSorted()) {
    const name = nameOf(host);
    const pair = await certificateOf(host, name, context);
    const secret = `certificate-${name}`;
    made.push({ host, name, secret });
    secrets.push({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: secret, namespace },
      type: "kubernetes.io/tls",
      stringData: { "tls.crt": pair.certificatePem, "tls.key": pair.privateKeyPem },
    });
  }
  return { made, secrets };
}

/** Of at most 63 characters, as listeners and Secrets want it; a digest keeps apart what is shortened. */
function nameOf(host: string): string {
  const readable = host.replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-+|-+$/g, "");
  const digest = createHash("sha256").update(host).digest("hex").slice(0, digestLength);
  return `${readable.slice(0, 40).replace(/-+$/, "")}-${digest}`;
}

async function certificateOf(host: string, name: string, context: Context): Promise<Pair> {
  const { expiresAtMs, issue } = await import("@threeport/platform/pki");
  const nowMs = context.clock.now();
  const secret = `certificate-${name}`;
  const known = await readPair(secret, context);
  if (known !== undefined && expiresAtMs(known.certificatePem) - nowMs > renewBeforeMs) return known;
  const pair = await issue(await authorityPair(context), {
    // The name itself stands among the alternative ones; a common name has at most 64 characters.
    subject: { commonName: host.length <= 64 ? host : name },
    usages: ["server"],
    hosts: [host],
    nowMs,
    validForMs,
  });
  await writePair(secret, pair, context);
  return pair;
}

async function authorityPair(context: Context): Promise<Pair> {
  const { createAuthority } = await import("@threeport/platform/pki");
  const known = await readPair(authority.secret, context);
  if (known !== undefined) return known;
  const made = await createAuthority({ subject: { commonName: "Threeport" }, nowMs: context.clock.now(), validForMs: authority.validForMs });
  await writePair(authority.secret, made, context);
  return made;
}

async function readPair(name: string, { objects }: Context): Promise<Pair | undefined> {
  const secret = await objects.get<StoredObject>({ apiVersion: "v1", kind: "Secret", namespace: systemNamespace, name });
  const { "tls.crt": certificate, "tls.key": key } = fields(secret?.["data"]);
  if (typeof certificate !== "string" || typeof key !== "string") return undefined;
  return { certificatePem: Buffer.from(certificate, "base64").toString(), privateKeyPem: Buffer.from(key, "base64").toString() };
}

async function writePair(name: string, { certificatePem, privateKeyPem }: Pair, { objects }: Context): Promise<void> {
  await objects.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: systemNamespace } });
  await objects.apply({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: systemNamespace, labels: { "app.kubernetes.io/managed-by": "threeport" } },
    type: "kubernetes.io/tls",
    data: { "tls.crt": Buffer.from(certificatePem).toString("base64"), "tls.key": Buffer.from(privateKeyPem).toString("base64") },
  });
}

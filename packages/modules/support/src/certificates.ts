// Certificates of the control plane's own authority, for services: made once, kept in Secrets of the control plane, and renewed in time.
import { createHash } from "node:crypto";
import type { ReconcileContext } from "@threeport/engine";
import { ownerReference } from "@threeport/module-environment";
import { systemNamespace } from "@threeport/module-runtime";
import { deepEqual, isErrorCode, secretData, secretTexts, type KubeObject, type StoredObject } from "@threeport/resource";
import type { SupportServiceInstance } from "./kinds/instance.ts";
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

/**
 * One certificate for each host: those of an instance are kept in one Secret of the control plane, which goes with it. Each is a Secret in the service's
 * namespace too, and in nobody's sight.
 */
export async function certificatesFor(
  hosts: readonly string[],
  { instance, namespace }: { readonly instance: SupportServiceInstance; readonly namespace: string },
  context: Context,
): Promise<{ readonly made: readonly MadeCertificate[]; readonly secrets: readonly KubeObject[] }> {
  const made: MadeCertificate[] = [];
  const secrets: KubeObject[] = [];
  const kept = await readTexts(keptName(instance), context);
  const wanted: Record<string, string> = {};
  for (const host of [...new Set(hosts)].toSorted()) {
    const name = nameOf(host);
    const pair = await certificateOf(host, name, { kept, context });
    Object.assign(wanted, { [`${name}.crt`]: pair.certificatePem, [`${name}.key`]: pair.privateKeyPem });
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
  await keep(instance, wanted, { kept, context });
  return { made, secrets };
}

const keptName = ({ metadata }: SupportServiceInstance): string => `certificates-${metadata.name}`;

/** What is not asked for any more is not kept. */
async function keep(
  instance: SupportServiceInstance,
  wanted: Readonly<Record<string, string>>,
  { kept, context: { objects } }: { readonly kept: Readonly<Record<string, string>>; readonly context: Context },
): Promise<void> {
  if (deepEqual(wanted, kept)) return;
  await objects.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: systemNamespace } });
  const { metadata, ...secret } = secretOf(keptName(instance), wanted);
  await objects.apply({ ...secret, metadata: { ...metadata, ownerReferences: [ownerReference(instance, true)] } } as KubeObject);
}

/** Of at most 63 characters, as listeners and Secrets want it; a digest keeps apart what is shortened. */
function nameOf(host: string): string {
  const readable = host.replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-+|-+$/g, "");
  const digest = createHash("sha256").update(host).digest("hex").slice(0, digestLength);
  return `${readable.slice(0, 40).replace(/-+$/, "")}-${digest}`;
}

async function certificateOf(
  host: string,
  name: string,
  { kept, context }: { readonly kept: Readonly<Record<string, string>>; readonly context: Context },
): Promise<Pair> {
  const { expiresAtMs, issue } = await import("@threeport/platform/pki");
  const nowMs = context.clock.now();
  const known = pairIn(kept, `${name}.crt`, `${name}.key`);
  if (known !== undefined && expiresAtMs(known.certificatePem) - nowMs > renewBeforeMs) return known;
  return issue(await authorityPair(context), {
    // The name itself stands among the alternative ones; a common name has at most 64 characters.
    subject: { commonName: host.length <= 64 ? host : name },
    usages: ["server"],
    hosts: [host],
    nowMs,
    validForMs,
  });
}

/** Made once: of several that make it at the same time one is first, and the others take what that one made. */
async function authorityPair(context: Context): Promise<Pair> {
  const { createAuthority } = await import("@threeport/platform/pki");
  const known = await readAuthority(context);
  if (known !== undefined) return known;
  const made = await createAuthority({ subject: { commonName: "Threeport" }, nowMs: context.clock.now(), validForMs: authority.validForMs });
  const { objects } = context;
  await objects.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: systemNamespace } });
  try {
    await objects.create({ ...secretOf(authority.secret, { "tls.crt": made.certificatePem, "tls.key": made.privateKeyPem }), type: "kubernetes.io/tls" });
    return made;
  } catch (error) {
    const first = isErrorCode(error, "TP_ALREADY_EXISTS") ? await readAuthority(context) : undefined;
    if (first === undefined) throw error;
    return first;
  }
}

async function readAuthority(context: Context): Promise<Pair | undefined> {
  return pairIn(await readTexts(authority.secret, context), "tls.crt", "tls.key");
}

function pairIn(texts: Readonly<Record<string, string>>, certificate: string, key: string): Pair | undefined {
  const { [certificate]: certificatePem, [key]: privateKeyPem } = texts;
  return certificatePem === undefined || privateKeyPem === undefined ? undefined : { certificatePem, privateKeyPem };
}

/** The values of a Secret of the control plane, none when it is not there. */
async function readTexts(name: string, { objects }: Context): Promise<Readonly<Record<string, string>>> {
  const secret = await objects.get<StoredObject>({ apiVersion: "v1", kind: "Secret", namespace: systemNamespace, name });
  return secret === undefined ? {} : secretTexts(secret);
}

function secretOf(name: string, texts: Readonly<Record<string, string>>): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: systemNamespace, labels: { "app.kubernetes.io/managed-by": "threeport" } },
    data: secretData(texts),
  };
}

import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Logger } from "@threeport/platform";
import type { SharedSecrets } from "@threeport/store";
import { readIfThere, writeSecretFile, type Home } from "./home.ts";

export interface ServerTls {
  readonly caPem: string;
  readonly certificatePem: string;
  readonly keyPem: string;
}

const dayMs = 86_400_000;
const authorityDays = 3_650;
const serverDays = 365;
/** How often a running server looks. */
const renewalLookMs = dayMs / 2;
/** Renewed when less than this is left. */
const renewBeforeMs = 90 * dayMs;

interface Stored {
  readonly hosts: readonly string[];
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  readonly expiresAtMs: number;
}

/** The authority that signs the certificates of this control plane's server and clients; undefined before the first start. Its key is secret. */
export function readAuthority(home: Home): Promise<{ certificatePem: string; privateKeyPem: string } | undefined> {
  return readJson(filesOf(home).authorityPath);
}

/** The home's authority, and a server certificate for these hosts; made on first use, renewed in time. */
export async function serverTls(home: Home, hosts: readonly string[], clock: Clock): Promise<ServerTls> {
  const { authorityPath, serverPath } = filesOf(home);
  const known = await readJson<{ certificatePem: string; privateKeyPem: string }>(authorityPath);
  const served = await readJson<Stored>(serverPath);
  const wanted = [...new Set(hosts)].sort();
  if (
    known !== undefined &&
    served !== undefined &&
    JSON.stringify(served.hosts) === JSON.stringify(wanted) &&
    served.expiresAtMs - clock.now() > renewBeforeMs
  ) {
    return { caPem: known.certificatePem, certificatePem: served.certificatePem, keyPem: served.privateKeyPem };
  }
  // Loaded only when something must be made: the ASN.1 library costs more than the rest of the start.
  const { createAuthority, issue } = await import("@threeport/platform/pki");
  const authority = known ?? (await createAuthority({ subject: { commonName: "threeport-ca" }, nowMs: clock.now(), validForMs: authorityDays * dayMs }));
  if (known === undefined) await writeSecretFile(authorityPath, JSON.stringify(authority));
  const pair = await issue(authority, {
    subject: { commonName: "threeport" },
    usages: ["server"],
    hosts: wanted,
    nowMs: clock.now(),
    validForMs: serverDays * dayMs,
  });
  await writeSecretFile(serverPath, JSON.stringify({ hosts: wanted, ...pair, expiresAtMs: clock.now() + serverDays * dayMs } satisfies Stored));
  return { caPem: authority.certificatePem, certificatePem: pair.certificatePem, keyPem: pair.privateKeyPem };
}

/**
 * All replicas of a control plane have one authority, so that a client of one trusts all: the first one's, which the database keeps sealed. A home that
 * made its own before it met the database takes that one over. Returns what is to be served.
 */
export async function sharedTls(
  own: ServerTls,
  input: { readonly home: Home; readonly hosts: readonly string[]; readonly secrets: SharedSecrets; readonly clock: Clock },
): Promise<ServerTls> {
  const { authorityPath, serverPath } = filesOf(input.home);
  const offer = (await readIfThere(authorityPath)) ?? "";
  const kept = await input.secrets.keep("authority", offer);
  if (kept === offer) return own;
  await rm(serverPath, { force: true }); // signed by the other one; gone before the authority changes, so that a kill leaves no pair that does not fit
  await writeSecretFile(authorityPath, kept);
  return serverTls(input.home, input.hosts, input.clock);
}

/**
 * Looks from time to time whether the certificate has to be renewed, until disposed. Connections that are open keep the one that they began with; the
 * next ones meet the new one, from the same authority.
 */
export function renewTls(
  served: ServerTls,
  input: { readonly home: Home; readonly hosts: readonly string[]; readonly clock: Clock; readonly log: Logger; readonly onRenewed: (tls: ServerTls) => void },
): Disposable {
  const { clock, log } = input;
  let current = served;
  let timer = clock.after(renewalLookMs, () => void look());
  async function look(): Promise<void> {
    try {
      const tls = await serverTls(input.home, input.hosts, clock);
      if (tls.certificatePem !== current.certificatePem) {
        input.onRenewed(tls);
        current = tls;
        log.info("the server's certificate was renewed", {});
      }
    } catch (error) {
      log.info("the server's certificate could not be renewed; it is tried again", { error: String(error) });
    }
    timer = clock.after(renewalLookMs, () => void look());
  }
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
}

function filesOf(home: Home): { readonly authorityPath: string; readonly serverPath: string } {
  return { authorityPath: join(home.keys, "ca.json"), serverPath: join(home.keys, "server.json") };
}

async function readJson<T>(path: string): Promise<T | undefined> {
  const text = await readIfThere(path);
  return text === undefined ? undefined : (JSON.parse(text) as T);
}

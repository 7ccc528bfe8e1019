import { generateKeyPairSync } from "node:crypto";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "@threeport/platform";
import { createAuthority, issue, type IssueRequest, type KeyPair } from "@threeport/platform/pki";
import type { NetworkPlan } from "./network-plan.ts";
import { kubeconfigFile, pkiPartialFolder, stateFolders } from "./state-folder.ts";

/** A local cluster lives as long as the machine runs; nobody should ever meet an expired certificate in one. */
const validForMs = 10 * 365 * 86_400_000;

export interface ClusterPkiRequest {
  readonly stateDir: string;
  readonly name: string;
  readonly nodeName: string;
  readonly plan: NetworkPlan;
  readonly clock: Clock;
}

/**
 * Makes every certificate, key and kubeconfig of the cluster. They appear together or not at all: a starter that dies half
 * way leaves a partial folder, which the next one replaces.
 */
export async function writeClusterPki(request: ClusterPkiRequest): Promise<void> {
  const { stateDir, plan } = request;
  const folder = join(stateDir, pkiPartialFolder);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  const times = { nowMs: request.clock.now(), validForMs };
  const authority = await createAuthority({ subject: { commonName: `${request.name} authority` }, ...times });
  await writePair(folder, "ca", authority);
  const certificates = await Promise.all(
    clusterCertificates(request).map(async ({ file, ...wanted }) => ({ file, pair: await issue(authority, { ...wanted, ...times }) })),
  );
  for (const { file, pair } of certificates) {
    await writePair(folder, file, pair);
    const text = kubeconfig({ name: request.name, server: `https://${plan.nodeIp}:6443`, authorityPem: authority.certificatePem, client: pair });
    await writeFile(join(folder, `${file}.kubeconfig`), text, { mode: 0o600 });
    if (file === "admin") await writeFile(join(stateDir, kubeconfigFile), text, { mode: 0o600 });
  }
  await writeServiceAccountKeys(folder);
  await rename(folder, join(stateDir, stateFolders.pki));
}

/** The user that the node's agent is. */
export const nodeAgentUser = "threeport:node-agent";

/** Who tells servers of aggregated APIs, such as that of metrics, whom the API server speaks for. */
export const frontProxy = "front-proxy-client";

type Certificate = { readonly file: string } & Pick<IssueRequest, "subject" | "usages" | "hosts">;

/** What the components are called and which groups they are in decides what RBAC and the node authorizer let them do. */
export function clusterCertificates({ nodeName, plan }: Pick<ClusterPkiRequest, "nodeName" | "plan">): Certificate[] {
  const client = (file: string, commonName: string, ...organizations: string[]): Certificate => ({
    file,
    subject: { commonName, organizations },
    usages: ["client"],
  });
  const server = (file: string, commonName: string, hosts: string[]): Certificate => ({
    file,
    subject: { commonName },
    usages: ["server"],
    hosts: [...hosts, "localhost", "127.0.0.1", plan.nodeIp],
  });
  const service = "kubernetes.default.svc";
  return [
    server("apiserver", "kube-apiserver", ["kubernetes", "kubernetes.default", service, `${service}.cluster.local`, plan.apiServiceIp]),
    server("kubelet-server", nodeName, [nodeName]),
    client("apiserver-kubelet-client", "kube-apiserver-kubelet-client", "system:masters"),
    client(frontProxy, frontProxy),
    client("admin", "admin", "system:masters"),
    client("kube-controller-manager", "system:kube-controller-manager"),
    client("kube-scheduler", "system:kube-scheduler"),
    client("kube-proxy", "system:kube-proxy"),
    client("node-agent", nodeAgentUser),
    client("kubelet", `system:node:${nodeName}`, "system:nodes"),
  ];
}

interface KubeconfigInput {
  readonly name: string;
  readonly server: string;
  readonly authorityPem: string;
  readonly client: KeyPair;
}

/** A kubeconfig with everything inline, so it can be stored and sent (design.md §5.10 P4). */
function kubeconfig({ name, server, authorityPem, client }: KubeconfigInput): string {
  const base64 = (pem: string) => Buffer.from(pem).toString("base64");
  return `apiVersion: v1
kind: Config
clusters:
- name: ${name}
  cluster:
    server: ${server}
    certificate-authority-data: ${base64(authorityPem)}
users:
- name: ${name}
  user:
    client-certificate-data: ${base64(client.certificatePem)}
    client-key-data: ${base64(client.privateKeyPem)}
contexts:
- name: ${name}
  context:
    cluster: ${name}
    user: ${name}
current-context: ${name}
`;
}

async function writePair(folder: string, name: string, pair: KeyPair): Promise<void> {
  await writeFile(join(folder, `${name}.crt`), pair.certificatePem, { mode: 0o644 });
  await writeFile(join(folder, `${name}.key`), pair.privateKeyPem, { mode: 0o600 });
}

async function writeServiceAccountKeys(folder: string): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  await writeFile(join(folder, "service-accounts.key"), privateKey.export({ type: "sec1", format: "pem" }), { mode: 0o600 });
  await writeFile(join(folder, "service-accounts.pub"), publicKey.export({ type: "spki", format: "pem" }), { mode: 0o644 });
}

import { generateKeyPairSync } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { systemClock, systemExec, type RunningProcess } from "../../../packages/platform/src/index.ts";
import { createAuthority, issue } from "../../../packages/platform/src/pki.ts";
import { freePort } from "./free-port.ts";
import { isReady } from "./ready.ts";
import type { SystemUnderTest } from "./system-under-test.ts";
import { waitUntil } from "./wait-until.ts";

export const kubernetesVersion = "v1.36.4";
const binaries = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "threeport", "kubernetes", kubernetesVersion, "bin");
const startDeadlineMs = 60_000;
const token = "benchmark-token";
const dayMs = 86_400_000;

/** etcd and kube-apiserver as they run by default, on loopback, without any privilege. All files are in `folder`. */
export async function kubeApiserver(folder: string): Promise<SystemUnderTest> {
  await using stack = new AsyncDisposableStack();
  const [clientPort, peerPort, apiPort] = [await freePort(), await freePort(), await freePort()];
  const files = await writeFiles(folder);
  const lines: string[] = [];
  const start = (name: string, args: readonly string[]): RunningProcess =>
    stack.use(systemExec.start(join(binaries, name), args, { onLine: (line) => lines.push(`${name}: ${line}`), killAfterMs: 2_000 }));

  const etcdArgs = [
    "--listen-client-urls",
    `http://127.0.0.1:${clientPort}`,
    "--advertise-client-urls",
    `http://127.0.0.1:${clientPort}`,
    "--listen-peer-urls",
    `http://127.0.0.1:${peerPort}`,
  ];
  const etcd = start("etcd", [
    "--data-dir",
    join(folder, "etcd"),
    ...etcdArgs,
    "--initial-advertise-peer-urls",
    `http://127.0.0.1:${peerPort}`,
    "--initial-cluster",
    `default=http://127.0.0.1:${peerPort}`,
    "--log-level",
    "warn",
  ]);
  const apiserver = start("kube-apiserver", [
    `--etcd-servers=http://127.0.0.1:${clientPort}`,
    "--bind-address=127.0.0.1",
    "--advertise-address=192.0.2.1", // for documentation only (RFC 5737): it must not be loopback, and nothing goes there
    `--secure-port=${apiPort}`,
    "--service-cluster-ip-range=10.96.0.0/16",
    "--authorization-mode=RBAC",
    `--token-auth-file=${files.tokens}`,
    `--tls-cert-file=${files.certificate}`,
    `--tls-private-key-file=${files.key}`,
    "--service-account-issuer=https://benchmark.invalid",
    `--service-account-key-file=${files.accountKey}`,
    `--service-account-signing-key-file=${files.accountKey}`,
  ]);
  let ended = false;
  for (const process of [etcd, apiserver]) void process.exited.then(() => (ended = true));
  await waitUntil(
    async () => {
      if (ended)
        throw new Error(
          `kube-apiserver could not be started; it needs the binaries in ${binaries} (node scripts/local-kubernetes.ts up builds them)\n${lines.slice(-8).join("\n")}`,
        );
      return isReady(apiPort);
    },
    { what: "kube-apiserver is ready", deadlineMs: startDeadlineMs, everyMs: 100 },
  );
  const owned = stack.move();
  return {
    name: "kube-apiserver",
    connection: { server: `https://127.0.0.1:${apiPort}`, caData: files.caPem, token },
    roots: [etcd.pid, apiserver.pid],
    settings: `Kubernetes ${kubernetesVersion} kube-apiserver and its etcd with defaults (fsync on, no --unsafe-no-fsync), RBAC, static token`,
    async [Symbol.asyncDispose]() {
      // Asked politely, kube-apiserver waits for an etcd that has gone already; nothing in these folders is missed.
      for (const process of [etcd, apiserver]) process.kill("SIGKILL");
      await owned.disposeAsync();
    },
  };
}

async function writeFiles(folder: string): Promise<{ caPem: string; certificate: string; key: string; tokens: string; accountKey: string }> {
  await mkdir(folder, { recursive: true });
  const times = { nowMs: systemClock.now(), validForMs: dayMs };
  const authority = await createAuthority({ subject: { commonName: "benchmark-ca" }, ...times });
  const server = await issue(authority, { subject: { commonName: "kube-apiserver" }, usages: ["server"], hosts: ["127.0.0.1", "localhost"], ...times });
  const account = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  const write = async (name: string, content: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, content, { mode: 0o600 });
    return path;
  };
  return {
    caPem: authority.certificatePem,
    certificate: await write("server.crt", server.certificatePem),
    key: await write("server.key", server.privateKeyPem),
    tokens: await write("tokens.csv", `${token},benchmark,benchmark,"system:masters"\n`),
    accountKey: await write("account.key", account.privateKey),
  };
}

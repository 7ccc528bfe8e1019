import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock, systemExec, type RunningProcess } from "@threeport/platform";
import { createAuthority, issue, type Authority, type KeyPair } from "@threeport/platform/pki";
import { createClient, targetOf, type ConnectionConfig, type KubeClient } from "@threeport/client";
import { isErrorCode, type KubeObject, type StoredObject } from "@threeport/resource";
import { kubernetesPrograms } from "./kubernetes-programs.ts";

/**
 * A real kube-apiserver with an etcd on loopback, without nodes: everything that writing objects means is there, and no
 * pod runs. Disposing ends the processes and removes their files; when the test is killed, they end with it.
 */
export interface TestApiServer extends AsyncDisposable {
  readonly port: number;
  /** For servers in front of it. */
  readonly authority: Authority;
  /** As `system:masters`. */
  readonly connection: ConnectionConfig;
  readonly client: KubeClient;
  /** An object as it is now; undefined when it is not there, or its kind is not. */
  live(object: KubeObject): Promise<StoredObject | undefined>;
  /** Access as a user of that name, in no group but that of all who are known. */
  connectionAs(user: string): Promise<ConnectionConfig>;
  /** The same access as a kubeconfig. */
  readonly kubeconfig: string;
}

export interface TestApiServerOptions {
  /** Runs kube-controller-manager with these controllers, for example `deployment`; without it, none. */
  readonly controllers?: readonly string[];
}

const dayMs = 86_400_000;
/** Two busy cores may take long to start two Go programs. */
const readyMsMax = 60_000;
const readyPollMs = 50;
/** Nobody reaches it, and the API server refuses to advertise loopback (RFC 5737). */
const advertisedAddress = "192.0.2.1";
/** What a program said last, shown when it did not come up. */
const lastLinesKept = 15;

export async function startApiServer(options: TestApiServerOptions = {}): Promise<TestApiServer> {
  const programs = kubernetesPrograms();
  if (programs === undefined) throw new Error("the Kubernetes programs are not on this machine; set THREEPORT_KUBERNETES_BIN to their folder");
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "threeport-api-server-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const [port = 0, etcdPort = 0, etcdPeerPort = 0] = await freePorts(3);
  const pki = await writePki(folder);
  const path = (name: string): string => join(folder, name);

  const etcd = begin(stack, join(programs, "etcd"), [
    `--data-dir=${path("etcd")}`,
    `--listen-client-urls=http://127.0.0.1:${etcdPort}`,
    `--advertise-client-urls=http://127.0.0.1:${etcdPort}`,
    `--listen-peer-urls=http://127.0.0.1:${etcdPeerPort}`,
    `--initial-advertise-peer-urls=http://127.0.0.1:${etcdPeerPort}`,
    `--initial-cluster=default=http://127.0.0.1:${etcdPeerPort}`,
    "--unsafe-no-fsync", // nothing of it outlives the test
    "--log-level=error",
  ]);
  const apiServer = begin(stack, join(programs, "kube-apiserver"), [
    "--bind-address=127.0.0.1",
    `--secure-port=${port}`,
    `--advertise-address=${advertisedAddress}`,
    "--endpoint-reconciler-type=none",
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
    "--service-cluster-ip-range=10.96.0.0/16",
    "--authorization-mode=RBAC",
    "--allow-privileged=true", // as clusters have it: what pods may is left to admission
    `--client-ca-file=${path("ca.crt")}`,
    `--tls-cert-file=${path("server.crt")}`,
    `--tls-private-key-file=${path("server.key")}`,
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${path("sa.pub")}`,
    `--service-account-signing-key-file=${path("sa.key")}`,
    "--profiling=false",
  ]);
  const connection: ConnectionConfig = {
    server: `https://127.0.0.1:${port}`,
    caData: pki.authority.certificatePem,
    clientCertificate: pki.admin.certificatePem,
    clientKey: pki.admin.privateKeyPem,
  };
  const client = stack.use(createClient(connection));
  await ready(client, [etcd, apiServer]);
  if (options.controllers !== undefined) {
    await writeFile(
      path("controller-manager.kubeconfig"),
      kubeconfigOf({ ...connection, clientCertificate: pki.controllerManager.certificatePem, clientKey: pki.controllerManager.privateKeyPem }),
      { mode: 0o600 },
    );
    begin(stack, join(programs, "kube-controller-manager"), [
      `--kubeconfig=${path("controller-manager.kubeconfig")}`,
      `--controllers=${options.controllers.join(",")}`,
      "--use-service-account-credentials=true", // without it RBAC stops the controllers in silence
      `--service-account-private-key-file=${path("sa.key")}`,
      `--root-ca-file=${path("ca.crt")}`,
      "--leader-elect=false",
      "--bind-address=127.0.0.1",
      "--secure-port=0",
      "--kube-api-qps=300",
      "--kube-api-burst=600",
    ]);
  }
  const owned = stack.move();
  return {
    port,
    authority: pki.authority,
    connection,
    client,
    kubeconfig: kubeconfigOf(connection),
    live: (object) =>
      client.get<StoredObject>(targetOf(object)).catch((error: unknown) => {
        if (isErrorCode(error, "TP_NOT_FOUND") || isErrorCode(error, "TP_KIND_UNKNOWN")) return undefined;
        throw error;
      }),
    async connectionAs(user) {
      const own = await issue(pki.authority, { subject: { commonName: user }, usages: ["client"], nowMs: systemClock.now(), validForMs: dayMs });
      return { ...connection, clientCertificate: own.certificatePem, clientKey: own.privateKeyPem };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A kubeconfig with inline credentials, as the server takes it. */
export function kubeconfigOf(connection: ConnectionConfig): string {
  const base64 = (text: string | undefined): string => Buffer.from(text ?? "").toString("base64");
  const user =
    connection.token === undefined
      ? { "client-certificate-data": base64(connection.clientCertificate), "client-key-data": base64(connection.clientKey) }
      : { token: connection.token };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    clusters: [{ name: "test", cluster: { server: connection.server, "certificate-authority-data": base64(connection.caData) } }],
    users: [{ name: "test", user }],
    contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
  });
}

interface Started {
  readonly process: RunningProcess;
  readonly lastLines: readonly string[];
  ended(): boolean;
}

/** On Linux the program gets KILL when the thread that started it ends, however it ends. */
function begin(stack: AsyncDisposableStack, program: string, args: readonly string[]): Started {
  const lastLines: string[] = [];
  const onLine = (line: string): void => {
    lastLines.push(line);
    if (lastLines.length > lastLinesKept) lastLines.shift();
  };
  const [command, all] = process.platform === "linux" ? (["setpriv", ["--pdeathsig", "KILL", "--", program, ...args]] as const) : ([program, args] as const);
  const started = systemExec.start(command, all, { onLine, env: { GOMEMLIMIT: "300MiB" } });
  let over = false;
  void started.exited.then(() => (over = true));
  stack.defer(async () => {
    started.kill("SIGKILL"); // a graceful stop takes seconds, and nothing of it is kept
    await started.exited;
  });
  return { process: started, lastLines, ended: () => over };
}

async function ready(client: KubeClient, programs: readonly Started[]): Promise<void> {
  const until = systemClock.monotonic() + readyMsMax;
  for (;;) {
    const dead = programs.find((program) => program.ended());
    if (dead !== undefined) throw new Error(`a program of the test cluster ended:\n${dead.lastLines.join("\n")}`);
    try {
      await client.request("/readyz", { timeoutMs: 2_000 });
      return;
    } catch (error) {
      if (systemClock.monotonic() >= until)
        throw new Error(`the API server is not ready after ${readyMsMax / 1000} s:\n${programs.map((program) => program.lastLines.join("\n")).join("\n")}`, {
          cause: error,
        });
    }
    await systemClock.sleep(readyPollMs);
  }
}

interface Pki {
  readonly authority: Authority;
  readonly admin: KeyPair;
  readonly controllerManager: KeyPair;
}

async function writePki(folder: string): Promise<Pki> {
  const times = { nowMs: systemClock.now(), validForMs: dayMs };
  const authority = await createAuthority({ subject: { commonName: "test-cluster" }, ...times });
  const [server, admin, controllerManager] = await Promise.all([
    issue(authority, { subject: { commonName: "kube-apiserver" }, usages: ["server"], hosts: ["127.0.0.1", "localhost"], ...times }),
    issue(authority, { subject: { commonName: "admin", organizations: ["system:masters"] }, usages: ["client"], ...times }),
    issue(authority, { subject: { commonName: "system:kube-controller-manager" }, usages: ["client"], ...times }),
  ]);
  const accounts = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "sec1", format: "pem" },
  });
  await mkdir(folder, { recursive: true });
  const files = {
    "ca.crt": authority.certificatePem,
    "server.crt": server.certificatePem,
    "server.key": server.privateKeyPem,
    "sa.pub": accounts.publicKey,
    "sa.key": accounts.privateKey,
  };
  await Promise.all(Object.entries(files).map(([name, content]) => writeFile(join(folder, name), content, { mode: 0o600 })));
  return { authority, admin, controllerManager };
}

/** Ports that are free now. Held together until all are known, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map(async (server) => once(server.close(), "close")));
  return ports;
}

import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Agent, createServer as createHttpsServer, request as forward } from "node:https";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@threeport/platform";
import { createAuthority, issue } from "@threeport/platform/pki";
import type { SimulatedCluster } from "../simulation.ts";
import { kubeconfigOf } from "../kubeconfig.ts";

/** A way from a control plane to something else, which can be cut as by the death of the process: what is on its way is lost with it. */
export interface Link extends AsyncDisposable {
  cut(): void;
  mend(): void;
}

interface Doors extends Link {
  readonly open: boolean;
  admit(socket: Socket): void;
}

function doorsOf(server: Server): Doors {
  const sockets = new Set<Socket>();
  let open = true;
  const cut = (): void => {
    open = false;
    for (const socket of sockets) socket.destroy();
  };
  return {
    get open() {
      return open;
    },
    admit(socket) {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket)).on("error", () => {});
      if (!open) socket.destroy();
    },
    cut,
    mend: () => void (open = true),
    async [Symbol.asyncDispose]() {
      cut();
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}

/** What becomes of a group of writes on its way: it passes; or the way is cut before the database has it, or when it answers. */
export type Fate = "pass" | "lost" | "unanswered";

export interface DatabaseLink extends Link {
  /** Folder of the socket. */
  readonly host: string;
  /** Called for each group of writes, in order. */
  onGroup: (count: number) => Fate;
  /** Called when a fate has cut the way: the rest of the process ends with it. */
  onCut: () => void;
  readonly groups: number;
}

/** The statement that stores a group of writes, by its name in the protocol (store/src/sql/commit-group.ts). */
const groupStatement = "write_group";

/** To a PostgreSQL behind a Unix socket. */
export async function databaseLink(to: { readonly host: string; readonly port: number }): Promise<DatabaseLink> {
  const folder = await mkdtemp(join(tmpdir(), "threeport-link-"));
  const socketIn = (host: string): string => join(host, `.s.PGSQL.${to.port}`);
  let groups = 0;
  const server = createServer((incoming) => {
    doors.admit(incoming);
    if (!doors.open) return;
    const outgoing = connect(socketIn(to.host));
    doors.admit(outgoing);
    let cutAtAnswer = false;
    incoming.on("data", (bytes: Buffer) => {
      const fate = bytes.includes(groupStatement) ? link.onGroup(++groups) : "pass";
      if (fate === "lost") return cutByFate();
      cutAtAnswer ||= fate === "unanswered";
      outgoing.write(bytes);
    });
    outgoing.on("data", (bytes: Buffer) => {
      if (cutAtAnswer) cutByFate();
      else incoming.write(bytes);
    });
    incoming.on("close", () => outgoing.destroy());
    outgoing.on("close", () => incoming.destroy());
  });
  const doors = doorsOf(server);
  const cutByFate = (): void => {
    doors.cut();
    link.onCut();
  };
  server.listen(socketIn(folder));
  await once(server, "listening");
  const link: DatabaseLink = {
    host: folder,
    onGroup: () => "pass",
    onCut: () => {},
    get groups() {
      return groups;
    },
    cut: doors.cut,
    mend: doors.mend,
    async [Symbol.asyncDispose]() {
      await doors[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return link;
}

export interface ClusterLink extends Link {
  readonly kubeconfig: string;
  /** Writes that the cluster has acted on, `METHOD path`, in order. */
  readonly writes: readonly string[];
  /** Called when the cluster has acted on a write, before its answer goes back. */
  onWrite: (count: number) => void;
}

const dayMs = 86_400_000;

/** To a simulated cluster. */
export async function clusterLink(cluster: SimulatedCluster, caPem: string): Promise<ClusterLink> {
  const times = { nowMs: systemClock.now(), validForMs: dayMs };
  const authority = await createAuthority({ subject: { commonName: "link" }, ...times });
  const own = await issue(authority, { subject: { commonName: "link" }, usages: ["server"], hosts: ["127.0.0.1"], ...times });
  const agent = new Agent({ keepAlive: true, ca: caPem });
  const writes: string[] = [];
  const target = new URL(cluster.server);
  const server = createHttpsServer({ key: own.privateKeyPem, cert: own.certificatePem }, handle);
  const doors = doorsOf(server as unknown as Server);
  server.on("connection", (socket: Socket) => doors.admit(socket));

  function handle(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { host: _, ...headers } = incoming.headers;
    const sent = forward({ host: "127.0.0.1", port: target.port, method: incoming.method, path: incoming.url, headers, agent });
    incoming.pipe(sent);
    sent.on("error", () => outgoing.destroy());
    outgoing.on("close", () => sent.destroy());
    sent.on("response", (answer) => {
      // Reviews ask, and change nothing.
      if (incoming.method !== "GET" && !(incoming.url ?? "").includes("/apis/authorization.k8s.io/") && (answer.statusCode ?? 500) < 400) {
        writes.push(`${incoming.method ?? ""} ${(incoming.url ?? "").split("?")[0] ?? ""}`);
        link.onWrite(writes.length);
      }
      if (outgoing.destroyed || !doors.open) return void answer.resume();
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const link: ClusterLink = {
    kubeconfig: kubeconfigOf({
      name: cluster.name,
      server: `https://127.0.0.1:${port}${target.pathname}`,
      caPem: authority.certificatePem,
      token: cluster.token,
    }),
    writes,
    onWrite: () => {},
    cut: doors.cut,
    mend: doors.mend,
    async [Symbol.asyncDispose]() {
      agent.destroy();
      await doors[Symbol.asyncDispose]();
    },
  };
  return link;
}

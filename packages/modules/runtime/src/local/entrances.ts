// The way from this machine to the gateways of its local clusters: two ports of loopback for each, which lead to wherever the gateway is now.
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Logger } from "@threeport/platform";

/** Ports of 127.0.0.1 that lead to the gateway of a cluster. */
export interface Entrance {
  readonly http: number;
  readonly https: number;
}

export interface EntrancesOptions {
  /** Address of the gateway of a runtime; undefined while it has none. Asked at each connection. */
  readonly gatewayOf: (runtime: string) => Promise<string | undefined>;
  readonly log: Logger;
}

export interface Entrances extends AsyncDisposable {
  /** Opens the two ports, or says which are open already. Those of `before` are taken again where they are free. */
  open(runtime: string, before: Entrance | undefined): Promise<Entrance>;
  close(runtime: string): Promise<void>;
}

const host = "127.0.0.1";
/** Where the search for free ports begins: what people try first. */
const firstPorts: Entrance = { http: 8080, https: 8443 };
const portsTried = 50;
/** What the gateway listens on. */
const gatewayPorts: Entrance = { http: 80, https: 443 };
const connectMs = 5_000;

interface Door {
  readonly server: Server;
  readonly sockets: Set<Socket>;
  readonly port: number;
}

export function createEntrances(options: EntrancesOptions): Entrances {
  const doors = new Map<string, readonly Door[]>();
  const close = async (runtime: string): Promise<void> => {
    const open = doors.get(runtime) ?? [];
    doors.delete(runtime);
    await Promise.all(open.map(closeDoor));
  };
  return {
    async open(runtime, before) {
      const known = doors.get(runtime);
      if (known !== undefined) return entranceOf(known);
      const opened: Door[] = [];
      for (const sort of ["http", "https"] as const)
        opened.push(await openDoor(before?.[sort] ?? firstPorts[sort], (socket) => void lead(socket, runtime, gatewayPorts[sort], options)));
      doors.set(runtime, opened);
      return entranceOf(opened);
    },
    close,
    async [Symbol.asyncDispose]() {
      await Promise.all([...doors.keys()].map(close));
    },
  };
}

function entranceOf([http, https]: readonly Door[]): Entrance {
  return { http: http?.port ?? 0, https: https?.port ?? 0 };
}

async function openDoor(first: number, onSocket: (socket: Socket) => void): Promise<Door> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    onSocket(socket);
  });
  for (let tried = 0; ; tried++) {
    // When all near ones are taken any free one will do.
    const wanted = tried < portsTried ? first + tried : 0;
    const port = await listen(server, wanted);
    if (port !== undefined) return { server, sockets, port };
  }
}

function listen(server: Server, port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      if (port !== 0 && (error.code === "EADDRINUSE" || error.code === "EACCES")) resolve(undefined);
      else reject(error);
    };
    server.once("error", failed);
    server.listen(port, host, () => {
      server.off("error", failed);
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

async function closeDoor({ server, sockets }: Door): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const socket of sockets) socket.destroy();
  await closed;
}

/** Joins a connection with the gateway; says in HTTP why there is none. */
async function lead(socket: Socket, runtime: string, port: number, { gatewayOf, log }: EntrancesOptions): Promise<void> {
  socket.on("error", () => socket.destroy());
  const refuse = (why: string): void => {
    // Who speaks TLS would not understand it.
    if (port === gatewayPorts.https) socket.destroy();
    else socket.end(`HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n${why}\n`);
  };
  try {
    const address = await gatewayOf(runtime);
    if (address === undefined) return refuse(`runtime ${runtime} has no gateway yet: it is installed when a workload has a route`);
    const onward = connect({ host: address, port, timeout: connectMs });
    onward.once("connect", () => onward.setTimeout(0));
    onward.once("timeout", () => onward.destroy(new Error("no answer")));
    onward.once("error", (error) => {
      log.debug("a connection to a gateway failed", { runtime, error: String(error) });
      if (onward.bytesWritten === 0) refuse(`the gateway of runtime ${runtime} does not answer: ${error.message}`);
      else socket.destroy();
    });
    socket.once("close", () => onward.destroy());
    onward.once("close", () => socket.end());
    onward.once("connect", () => {
      socket.pipe(onward);
      onward.pipe(socket);
    });
  } catch (error) {
    log.debug("the gateway of a runtime could not be looked up", { runtime, error: String(error) });
    refuse("the control plane could not look up the gateway");
  }
}

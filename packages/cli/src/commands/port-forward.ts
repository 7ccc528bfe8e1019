import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { resourcePath, type KubeClient } from "@threeport/client";
import { PlatformError, toPlatformError } from "@threeport/resource";
import { connect } from "../connect.ts";
import { Interrupted, note, say, type CliContext } from "../context.ts";
import { defaultProject } from "../kinds.ts";
import { findInstance } from "../objects/find-instance.ts";
import { instances } from "../tree/fetch-tree.ts";

interface Flags {
  readonly namespace?: string;
  readonly pod?: string;
  readonly address: string;
}

interface Forward {
  readonly local: number;
  readonly remote: number;
}

/** Listens on this machine and connects to ports of a deployment's pod, through the control plane, until Ctrl-C. */
export async function portForward(this: CliContext, flags: Flags, name: string, ...ports: string[]): Promise<void> {
  const { signal } = this;
  const forwards = ports.map(parseForward);
  await using client = await connect(this);
  const { metadata } = await findInstance(client, { namespace: flags.namespace ?? defaultProject, name }, signal);
  const path = resourcePath(instances, { namespace: metadata.namespace, name: metadata.name, subresource: "portforward" });
  await using servers = new AsyncDisposableStack();
  for (const forward of forwards) {
    const server = createServer((socket) => void join(this, client, { socket, path, pod: flags.pod, port: forward.remote }));
    await listen(server, { port: forward.local, host: flags.address });
    servers.defer(() => void server.close());
    const bound = server.address();
    say(
      this,
      `${flags.address}:${typeof bound === "object" && bound !== null ? bound.port : forward.local} goes to port ${forward.remote} of ${metadata.name}; Ctrl-C ends it`,
    );
  }
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  if (!(signal.reason instanceof Interrupted)) throw signal.reason;
}

/** `8080` or `LOCAL:REMOTE`; local 0 takes a free one. */
function parseForward(text: string): Forward {
  const [, local, remote] = /^(?:(\d{1,5}):)?(\d{1,5})$/.exec(text) ?? [];
  const forward = { local: Number(local ?? remote), remote: Number(remote) };
  if (remote === undefined || forward.remote < 1 || Math.max(forward.local, forward.remote) > 65_535)
    throw new PlatformError("TP_USAGE", {
      message: `${JSON.stringify(text.slice(0, 30))} is no port`,
      detail: { hint: "write PORT, or LOCAL:REMOTE, such as 8080:80" },
    });
  return forward;
}

async function listen(server: Server, at: { readonly port: number; readonly host: string }): Promise<void> {
  server.listen(at);
  await once(server, "listening").catch((error: NodeJS.ErrnoException) => {
    const taken = error.code === "EADDRINUSE";
    throw new PlatformError("TP_UNAVAILABLE", {
      message: taken ? `port ${at.port} on ${at.host} is taken` : `it is not possible to listen on ${at.host}:${at.port}: ${error.message}`,
      detail: { hint: `write LOCAL:REMOTE with another local port; 0:${at.port} takes a free one` },
      cause: error,
    });
  });
}

/** One connection here is one connection there; a failure of it ends it alone. Who ends his side ends both: the protocol has no half. */
async function join(
  context: CliContext,
  client: KubeClient,
  { socket, path, pod, port }: { readonly socket: Socket; readonly path: string; readonly pod: string | undefined; readonly port: number },
): Promise<void> {
  socket.on("error", () => socket.destroy());
  try {
    using far = await client.portForward({ path, port, query: { pod } }, { signal: context.signal });
    // Who has left reads nothing, and nothing else would say so: the far side may keep the connection for ever.
    if (socket.destroyed) return;
    socket.once("close", () => far[Symbol.dispose]());
    const sending = (async () => {
      for await (const chunk of socket as AsyncIterable<Uint8Array>) await far.send(chunk);
    })();
    sending.catch(() => {}); // told by the other direction
    for await (const bytes of far.incoming) if (!socket.write(bytes)) await once(socket, "drain");
    socket.end();
  } catch (error) {
    if (!context.signal.aborted && !socket.destroyed) note(context, `warning: a connection to port ${port} ended: ${toPlatformError(error).message}`);
    socket.destroy();
  }
}

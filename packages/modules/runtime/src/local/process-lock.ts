import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

// A lock between processes of one machine, held by the kernel: the holder listens on an abstract Unix socket of that name.
//   L1  At most one holder of a name, within one process and between processes.
//   L2  The lock ends with its holder, also by kill -9: nothing stale can be left, so nothing has to be guessed.
//   L3  Waiters notice the release at once: they hold a connection that the kernel closes.

/** Takes the lock `name` (any text, usually a path), waiting until it is free. Rejects with the signal's reason when aborted. */
export async function takeProcessLock(name: string, options: { readonly signal?: AbortSignal; readonly onWait?: () => void } = {}): Promise<AsyncDisposable> {
  const address = addressOf(name);
  let waited = false;
  for (;;) {
    options.signal?.throwIfAborted();
    const held = await listen(address);
    if (held !== undefined) return held;
    if (!waited) options.onWait?.();
    waited = true;
    await holderGone(address, options.signal);
  }
}

/** Takes the lock if it is free. */
export function tryProcessLock(name: string): Promise<AsyncDisposable | undefined> {
  return listen(addressOf(name));
}

/** A leading zero byte makes the address abstract: it is no file, and ends with its socket. */
function addressOf(name: string): string {
  return `\0threeport-${createHash("sha256").update(name).digest("hex")}`;
}

async function listen(address: string): Promise<AsyncDisposable | undefined> {
  const waiters = new Set<Socket>();
  const server = createServer((socket) => {
    waiters.add(socket);
    socket.on("error", () => waiters.delete(socket)); // a waiter that gave up
    socket.on("close", () => waiters.delete(socket));
  });
  server.listen({ path: address, exclusive: true });
  try {
    await once(server, "listening");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return undefined;
    throw error;
  }
  return { [Symbol.asyncDispose]: () => release(server, waiters) };
}

async function release(server: Server, waiters: ReadonlySet<Socket>): Promise<void> {
  const closed = once(server, "close");
  server.close();
  for (const waiter of waiters) waiter.destroy();
  await closed;
}

/** Resolves when the holder has released the lock or died (also before we could connect), or when the signal aborts. */
function holderGone(address: string, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const socket = connect({ path: address });
    const abort = () => socket.destroy();
    signal?.addEventListener("abort", abort, { once: true });
    socket.resume();
    socket.on("error", () => {}); // refused or reset: "close" follows, and says the same
    socket.once("close", () => {
      signal?.removeEventListener("abort", abort);
      resolve();
    });
  });
}

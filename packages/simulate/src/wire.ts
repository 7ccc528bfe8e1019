// A connection within this process, as a process with a life of its own has it: what is on its way is lost when that ends, and waits while that is paused.
import { Duplex } from "node:stream";

export interface WireOptions {
  /** Told of everything that moves. */
  readonly onTraffic: () => void;
  /** Resolves when what was sent to the client may come there. */
  readonly held: () => Promise<void>;
}

/** Both ends of a new connection. Destroying one destroys the other. */
export function openWire(options: WireOptions): { readonly client: Duplex; readonly server: Duplex } {
  const client: End = new End(async (bytes) => deliver(server, bytes));
  const server: End = new End(async (bytes) => {
    await options.held();
    deliver(client, bytes);
  });
  const deliver = (to: End, bytes: Buffer | null): void => {
    if (to.destroyed) return;
    options.onTraffic();
    to.push(bytes);
  };
  client.on("close", () => server.destroy());
  server.on("close", () => client.destroy());
  for (const end of [client, server]) end.on("error", () => {}); // the other side hears of the end by `close`
  return { client, server };
}

/** Takes bytes to the other end, in order; null: nothing follows. */
type Carry = (bytes: Buffer | null) => Promise<void>;
type Done = (error?: Error | null) => void;

class End extends Duplex {
  readonly #carry: Carry;
  constructor(carry: Carry) {
    super();
    this.#carry = carry;
  }
  /** As of a socket: nothing here takes time, so nothing times out. */
  setTimeout(): this {
    return this;
  }
  override _read(): void {
    // Bytes are pushed as they come: both sides are in memory.
  }
  override _write(bytes: Buffer, _encoding: BufferEncoding, done: Done): void {
    void this.#pass(bytes, done);
  }
  override _final(done: Done): void {
    void this.#pass(null, done);
  }
  async #pass(bytes: Buffer | null, done: Done): Promise<void> {
    await this.#carry(bytes);
    done();
  }
}

import type { Clock } from "@threeport/platform";
import type { User } from "@threeport/store";
import type { Attributes } from "./attributes.ts";
import type { Authorizer } from "./policy.ts";

/** How often open streams are looked at: credentials that end, and rights that are taken away, end them this soon after. */
const lookEveryMs = 2_000;

export interface GuardedStream extends Disposable {
  /** Aborts when the caller may no longer read. */
  readonly signal: AbortSignal;
}

export interface StreamGuard extends Disposable {
  /** Watches over a stream that `session` opened by the right to do `attributes`; dispose it when the stream ends. */
  open(session: { readonly user: User; stillValid(): Promise<boolean> }, attributes: Attributes): GuardedStream;
}

/** Ends watches and log streams whose caller lost his credential or his right (I11). */
export function createStreamGuard(authorizer: Authorizer, clock: Clock): StreamGuard {
  interface Stream {
    readonly session: { readonly user: User; stillValid(): Promise<boolean> };
    readonly attributes: Attributes;
    readonly controller: AbortController;
  }
  const streams = new Set<Stream>();
  let timer: Disposable | undefined;
  let stopped = false;

  function arm(): void {
    if (stopped || timer !== undefined || streams.size === 0) return;
    timer = clock.after(lookEveryMs, () => {
      void Promise.all([...streams].map(look)).then(() => {
        timer = undefined;
        arm();
      });
    });
  }

  async function look(stream: Stream): Promise<void> {
    const { session, attributes, controller } = stream;
    // Who cannot be asked for now, because the database is away, keeps what he has.
    const valid = authorizer.authorize(session.user, attributes).allowed && (await session.stillValid().catch(() => true));
    if (!valid) controller.abort();
  }

  return {
    open(session, attributes) {
      const stream: Stream = { session, attributes, controller: new AbortController() };
      streams.add(stream);
      arm();
      return { signal: stream.controller.signal, [Symbol.dispose]: () => void streams.delete(stream) };
    },
    [Symbol.dispose]() {
      stopped = true;
      timer?.[Symbol.dispose]();
    },
  };
}

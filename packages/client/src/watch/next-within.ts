import type { Clock } from "@threeport/platform";

export interface Patience {
  readonly ms: number;
  readonly clock: Clock;
  /** Ends the stream behind the iterator; without it the pending read would keep the connection. */
  readonly abort: (reason: Error) => void;
  readonly error: () => Error;
}

/** The iterator's next value, or `error` when it takes longer than `ms`. The time that the consumer takes does not count. */
export async function nextWithin<T>(iterator: AsyncIterator<T>, patience: Patience): Promise<IteratorResult<T>> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const next = iterator.next();
  next.catch(() => {}); // when we are late its rejection has no other reader
  using _timer = patience.clock.after(patience.ms, () => {
    const error = patience.error();
    reject(error);
    patience.abort(error);
  });
  return await Promise.race([next, late]);
}

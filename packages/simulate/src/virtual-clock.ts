import type { Clock } from "@threeport/platform";
import type { SimTime } from "@threeport/sim";

/** A clock of virtual time. `tell` runs what has become due, and may hold it back. */
export function virtualClock(time: SimTime, tell: (run: () => void) => void = (run) => run()): Clock {
  const after = (ms: number, run: () => void): Disposable => {
    let canceled = false;
    const timer = time.after(Math.max(0, ms), async () => tell(() => void (canceled || run())));
    return {
      [Symbol.dispose]() {
        canceled = true;
        timer[Symbol.dispose]();
      },
    };
  };
  return {
    now: () => time.now(),
    monotonic: () => time.now(),
    after,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted === true) return reject(signal.reason as Error);
        const timer = after(ms, () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        });
        const onAbort = (): void => {
          timer[Symbol.dispose]();
          reject(signal?.reason as Error);
        };
        signal?.addEventListener("abort", onAbort, { once: true });
      }),
  };
}

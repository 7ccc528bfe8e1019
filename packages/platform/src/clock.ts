/** Time as a parameter: product code never asks the machine for the time, so that a test or the simulator can decide it (style.md §8). */
export interface Clock {
  /** Wall clock, milliseconds since 1970-01-01 UTC. For what people read; never for measuring a duration. */
  now(): number;
  /** Monotonic milliseconds, for durations and deadlines inside one process. */
  monotonic(): number;
  /** Resolves after `ms` milliseconds (any length: longer than Node's 24.8-day timer limit is split). Rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `fn` once after `ms` milliseconds. Disposing cancels. The timer does not keep the process alive. */
  after(ms: number, fn: () => void): Disposable;
}

/** Longest delay that Node's `setTimeout` takes; above it the timer fires at once (robustness.md F16). */
const timerMsMax = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const until = performance.now() + ms;
      let timer: NodeJS.Timeout;
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const arm = () => {
        const left = until - performance.now();
        if (left <= 0) {
          signal?.removeEventListener("abort", onAbort);
          resolve();
          return;
        }
        timer = setTimeout(arm, Math.min(left, timerMsMax));
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      arm();
    }),
  after: (ms, fn) => {
    const until = performance.now() + ms;
    let timer: NodeJS.Timeout;
    const arm = () => {
      const left = until - performance.now();
      if (left <= 0) return fn();
      timer = setTimeout(arm, Math.min(left, timerMsMax)).unref();
    };
    timer = setTimeout(arm, Math.min(Math.max(ms, 0), timerMsMax)).unref();
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

let latest = { second: Number.NaN, text: "" };

/** `2026-11-22T19:30:00Z`, the form of Kubernetes' metav1.Time. Most calls ask for the second of the one before. */
export function rfc3339(ms: number): string {
  const second = Math.floor(ms / 1000);
  if (second !== latest.second) latest = { second, text: new Date(second * 1000).toISOString().replace(".000Z", "Z") };
  return latest.text;
}

/** `2026-11-22T19:30:00.123456Z`, the form of Kubernetes' metav1.MicroTime. */
export function rfc3339Micro(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000Z");
}

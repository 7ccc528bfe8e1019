import { systemClock } from "../../../packages/platform/src/index.ts";

export interface LoadResult {
  readonly perSecond: number;
  /** Milliseconds of each call. */
  readonly latenciesMs: readonly number[];
}

/** Calls `call` for 0 … count-1, always `callers` at a time, each caller beginning the next when its last has ended. */
export async function runLoad(input: { readonly count: number; readonly callers: number }, call: (index: number) => Promise<unknown>): Promise<LoadResult> {
  const latenciesMs: number[] = [];
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < input.count) {
      const index = next++;
      const started = systemClock.monotonic();
      await call(index);
      latenciesMs.push(systemClock.monotonic() - started);
    }
  };
  const started = systemClock.monotonic();
  await Promise.all(Array.from({ length: input.callers }, caller));
  return { perSecond: input.count / ((systemClock.monotonic() - started) / 1000), latenciesMs };
}

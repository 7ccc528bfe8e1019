import { systemClock } from "../../../packages/platform/src/index.ts";

export interface WaitOptions {
  readonly what: string;
  readonly deadlineMs: number;
  readonly everyMs: number;
}

/** Asks until the answer is there. Fails with `what` when the time is over. */
export async function waitUntil<T>(ask: () => Promise<T | undefined>, { what, deadlineMs, everyMs }: WaitOptions): Promise<T> {
  const until = systemClock.monotonic() + deadlineMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (systemClock.monotonic() > until) throw new Error(`waited ${deadlineMs / 1000} s in vain: ${what}`);
    await systemClock.sleep(everyMs);
  }
}

import { systemClock } from "@threeport/platform";

/** Longest wait of a test for a state; generous, because test machines are busy. */
export const untilMsMax = 20_000;
const lookEveryMs = 10;

/** Looks until `look` answers with something; fails after `deadlineMs` saying what was waited for and what was seen last. */
export async function until<T>(what: string, look: () => Promise<T | undefined | false> | T | undefined | false, deadlineMs = untilMsMax): Promise<T> {
  const end = systemClock.monotonic() + deadlineMs;
  let failure: unknown;
  for (;;) {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      failure = undefined;
    } catch (error) {
      failure = error; // not there yet, or the expectation inside does not hold yet
    }
    if (systemClock.monotonic() >= end) throw new Error(`waited ${deadlineMs} ms for ${what}`, failure === undefined ? undefined : { cause: failure });
    await systemClock.sleep(lookEveryMs);
  }
}

/** A door that tests open: whoever waits at it goes on then. */
export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

export function gate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: () => resolve() };
}

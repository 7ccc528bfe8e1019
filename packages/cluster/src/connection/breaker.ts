// What calls to one cluster may cost the workers that all clusters share (design.md C4).
//   C4  A dead cluster fails fast: after a call that got no answer others fail at once for `pauseMs`, then one asks whether
//       it is back. A silent or slow one holds at most `slowCallsMax` calls; further ones are given up after `slowMs`.
import type { Clock } from "@threeport/platform";
import { isErrorCode, PlatformError } from "@threeport/resource";

/** After a failed connection nothing is tried for this long: callers get the same answer at once. */
const pauseMs = 3_000;
/** A healthy API server answers in milliseconds; what takes longer is slow, and must not take everybody's workers. */
const slowMs = 2_000;
/** Calls that may wait up to their own deadline for a slow cluster: it still makes progress, one by one. */
const slowCallsMax = 2;

export interface Breaker {
  /** Runs a call, or fails in its place. A call that was given up may still have its effect, like one whose answer was lost. */
  call<T>(run: () => Promise<T>): Promise<T>;
  /** The last call that could not reach the cluster was not followed by one that could. */
  readonly troubled: boolean;
}

/** What the cluster itself said, also when it said no: then it is there. */
function isAnswer(error: unknown): boolean {
  return error instanceof PlatformError && error.detail["httpStatus"] !== undefined;
}

/** `name` is how people know the cluster: host and port. */
export function createBreaker(name: string, clock: Clock): Breaker {
  let trouble: { readonly error: unknown; readonly untilMs: number } | undefined;
  let probing = false;
  let slowCalls = 0;
  let answeredAtMs = Number.NEGATIVE_INFINITY;

  const fail = (error: unknown): void => {
    trouble = { error, untilMs: clock.monotonic() + pauseMs };
  };

  async function patiently<T>(run: () => Promise<T>): Promise<T> {
    const startedAtMs = clock.monotonic();
    const { promise: givenUp, reject } = Promise.withResolvers<never>();
    let slow = false;
    using _timer = clock.after(slowMs, () => {
      if (slowCalls < slowCallsMax) {
        slow = true;
        slowCalls++;
        return;
      }
      const error = new PlatformError("TP_RUNTIME_UNREACHABLE", {
        message: `${name} has not answered for ${slowMs / 1000} s, and ${slowCalls} calls wait for it already`,
        detail: { host: name, code: "slow" },
      });
      if (answeredAtMs < startedAtMs) fail(error); // others are answered: only this sort of call is slow
      reject(error);
    });
    try {
      return await Promise.race([run(), givenUp]);
    } finally {
      if (slow) slowCalls--;
    }
  }

  return {
    get troubled() {
      return trouble !== undefined;
    },
    async call(run) {
      const asked = trouble;
      if (asked !== undefined && (probing || clock.monotonic() < asked.untilMs)) throw asked.error;
      if (asked !== undefined) probing = true;
      try {
        const result = await patiently(run);
        trouble = undefined;
        answeredAtMs = clock.monotonic();
        return result;
      } catch (error) {
        if (!isErrorCode(error, "TP_RUNTIME_UNREACHABLE")) {
          answeredAtMs = clock.monotonic();
          if (isAnswer(error)) trouble = undefined;
        } else if ((error as PlatformError).detail["code"] !== "slow") fail(error);
        throw error;
      } finally {
        if (asked !== undefined) probing = false;
      }
    },
  };
}

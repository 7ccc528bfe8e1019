import { expect, test } from "vitest";
import { systemClock, type Clock } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import { createBreaker } from "./breaker.ts";

/** Time that passes only when the test says so. */
function manualClock(): Clock & { pass(ms: number): void } {
  let now = 0;
  const timers = new Set<{ readonly at: number; readonly fn: () => void }>();
  return {
    ...systemClock,
    monotonic: () => now,
    after(ms, fn) {
      const timer = { at: now + ms, fn };
      timers.add(timer);
      return { [Symbol.dispose]: () => timers.delete(timer) };
    },
    pass(ms) {
      now += ms;
      for (const timer of timers) {
        if (timer.at > now) continue;
        timers.delete(timer);
        timer.fn();
      }
    },
  };
}

const unreachable = (): Promise<never> => Promise.reject(new PlatformError("TP_RUNTIME_UNREACHABLE", { message: "connection refused" }));
const never = (): Promise<never> => new Promise(() => {});
const code = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => value,
    (error: unknown) => (error as PlatformError).message,
  );

test("C4: after a call that got no answer, others fail at once without being tried, until the pause is over", async () => {
  const clock = manualClock();
  const breaker = createBreaker("10.0.0.1:6443", clock);
  let tries = 0;
  const run = (): Promise<string> => (tries++, Promise.resolve("answer"));
  expect(await code(breaker.call(unreachable))).toBe("connection refused");
  expect(await code(breaker.call(run))).toBe("connection refused");
  expect(tries).toBe(0);
  expect(breaker.troubled).toBe(true);
  clock.pass(3_000);
  expect(await breaker.call(run)).toBe("answer");
  expect(breaker.troubled).toBe(false);
});

test("C4: a cluster that says no is there: what asks whether it is back may get nothing else", async () => {
  const clock = manualClock();
  const breaker = createBreaker("10.0.0.1:6443", clock);
  await code(breaker.call(unreachable));
  clock.pass(3_000);
  const notFound = () => Promise.reject(new PlatformError("TP_NOT_FOUND", { message: "there is none", detail: { httpStatus: 404 } }));
  expect(await code(breaker.call(notFound))).toBe("there is none");
  expect(breaker.troubled).toBe(false);
  expect(await breaker.call(() => Promise.resolve("answer"))).toBe("answer");
  // What failed here says nothing about the cluster.
  await code(breaker.call(unreachable));
  clock.pass(3_000);
  expect(await code(breaker.call(() => Promise.reject(new PlatformError("TP_INTERNAL", { message: "of our own" }))))).toBe("of our own");
  expect(breaker.troubled).toBe(true);
});

test("C4: when the pause is over one call asks, and the others do not wait for it", async () => {
  const clock = manualClock();
  const breaker = createBreaker("10.0.0.1:6443", clock);
  await code(breaker.call(unreachable));
  clock.pass(3_000);
  const answer = Promise.withResolvers<string>();
  const asking = breaker.call(() => answer.promise);
  expect(await code(breaker.call(() => Promise.resolve("tried")))).toBe("connection refused");
  answer.resolve("back");
  expect(await asking).toBe("back");
  expect(await breaker.call(() => Promise.resolve("tried"))).toBe("tried");
});

test("C4: of the calls to a silent cluster two may wait; the others are given up, and then nothing is tried for a while", async () => {
  const clock = manualClock();
  const breaker = createBreaker("10.0.0.1:6443", clock);
  const calls = Array.from({ length: 5 }, () => code(breaker.call(never)));
  clock.pass(2_000);
  const given = await Promise.all(calls.slice(2));
  expect(new Set(given)).toEqual(new Set(["10.0.0.1:6443 has not answered for 2 s, and 2 calls wait for it already"]));
  expect(await code(breaker.call(() => Promise.resolve("tried")))).toBe(given[0]);
});

test("C4: where only one sort of call is slow, the others go on", async () => {
  const clock = manualClock();
  const breaker = createBreaker("10.0.0.1:6443", clock);
  const calls = Array.from({ length: 3 }, () => code(breaker.call(never)));
  clock.pass(1_000);
  await breaker.call(() => Promise.resolve("quick"));
  clock.pass(1_000);
  expect(await calls[2]).toContain("has not answered");
  expect(await breaker.call(() => Promise.resolve("quick"))).toBe("quick");
});

test("an error that the cluster answered with is an answer", async () => {
  const clock = manualClock();
  const breaker = createBreaker("10.0.0.1:6443", clock);
  expect(await code(breaker.call(() => Promise.reject(new PlatformError("TP_INVALID", { message: "no" }))))).toBe("no");
  expect(breaker.troubled).toBe(false);
  expect(await breaker.call(() => Promise.resolve("answer"))).toBe("answer");
});

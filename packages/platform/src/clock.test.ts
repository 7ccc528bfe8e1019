import { expect, test } from "vitest";
import { rfc3339, rfc3339Micro, systemClock } from "./clock.ts";

/** Node's timer takes 2^31 - 1 ms; given more, it fires after 1 ms. */
const beyondTimerMs = 2 ** 31 + 1_000;
/** Long enough for a timer of 1 ms to fire, also on a busy machine. */
const momentMs = 50;

test("F16: a wait longer than Node's timer limit does not end at once", async () => {
  const abort = new AbortController();
  let ended = false;
  const waiting = systemClock.sleep(beyondTimerMs, abort.signal).then(
    () => (ended = true),
    (reason: unknown) => reason,
  );
  let called = false;
  using _timer = systemClock.after(beyondTimerMs, () => (called = true));
  await systemClock.sleep(momentMs);
  expect({ ended, called }).toEqual({ ended: false, called: false });
  abort.abort("enough");
  expect(await waiting).toBe("enough");
});

test("a wait ends when it is told to, with the reason; also one that was told before it began", async () => {
  const abort = new AbortController();
  const waiting = systemClock.sleep(60_000, abort.signal);
  abort.abort(new Error("stop"));
  await expect(waiting).rejects.toThrow("stop");
  await expect(systemClock.sleep(60_000, abort.signal)).rejects.toThrow("stop");
});

test("a wait takes its time by the monotonic clock, and a disposed timer never calls", async () => {
  let called = false;
  {
    using _timer = systemClock.after(1, () => (called = true));
  }
  const started = systemClock.monotonic();
  await systemClock.sleep(momentMs);
  expect(systemClock.monotonic() - started).toBeGreaterThanOrEqual(momentMs);
  expect(called).toBe(false);
});

test("times are written as Kubernetes writes them", () => {
  const at = Date.UTC(2026, 10, 22, 19, 30, 0, 987);
  expect(rfc3339(at)).toBe("2026-11-22T19:30:00Z");
  expect(rfc3339Micro(at)).toBe("2026-11-22T19:30:00.987000Z");
});

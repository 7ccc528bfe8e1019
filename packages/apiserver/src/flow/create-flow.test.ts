import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { systemClock, type Clock } from "@threeport/platform";
import { defaultLimits } from "../http/limits.ts";
import { createFlow } from "./create-flow.ts";

/** A clock whose timers fire when the test says so, as late as it says. */
function lateClock(): Clock & { fire(lateMs: number): void } {
  let now = 0;
  let timer: { at: number; fn: () => void } | undefined;
  return {
    now: () => now,
    monotonic: () => now,
    sleep: systemClock.sleep,
    after(ms, fn) {
      timer = { at: now + ms, fn };
      return { [Symbol.dispose]: () => void (timer = undefined) };
    },
    fire(lateMs) {
      const due = timer;
      if (due === undefined) throw new Error("no timer is armed");
      now = due.at + lateMs;
      due.fn();
    },
  };
}

test("F15: while the process cannot keep up, new requests are sent away with a time to come again, but not those who run it", async () => {
  const clock = lateClock();
  using flow = createFlow(defaultLimits, clock);
  const enter = (groups: string[]) => flow.enter({ name: "user", groups }, new EventEmitter());
  clock.fire(1_900);
  (await enter([]))[Symbol.dispose]();
  clock.fire(2_100);
  await expect(enter([])).rejects.toMatchObject({ code: "TP_TOO_MANY_REQUESTS", retryAfterSeconds: 1 });
  (await enter(["system:masters"]))[Symbol.dispose]();
  expect(flow.metrics()).toContain('threeport_api_refused_total{limit="overload"} 1');
  clock.fire(0);
  (await enter([]))[Symbol.dispose]();
});

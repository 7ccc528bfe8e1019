import { expect, test } from "vitest";
import { Timeline } from "./timeline.ts";

test("the next moment is the nearest that has not come, in whatever order they were asked for", () => {
  const time = new Timeline(100);
  expect([time.reached(300), time.reached(200), time.reached(250), time.reached(100), time.reached(50)]).toEqual([false, false, false, true, true]);
  expect(time.next).toBe(200);
});

test("where nothing is still to come there is no next moment", () => {
  const time = new Timeline(100);
  time.reached(99);
  expect(time.next).toBeUndefined();
});

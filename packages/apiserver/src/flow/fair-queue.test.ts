import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { systemClock } from "@threeport/platform";
import { isErrorCode } from "@threeport/resource";
import { createFairQueue } from "./fair-queue.ts";

const options = { clock: systemClock, placesMax: 4, placesPerUserMax: 3, waitingPerUserMax: 5, waitMsMax: 60_000 };

/** Enters without waiting for the place; `order` gets the user when he has it. */
function entering(queue: ReturnType<typeof createFairQueue>, order: string[], user: string) {
  const client = new EventEmitter();
  const place = queue.enter(user, client).then((held) => {
    order.push(user);
    return held;
  });
  place.catch(() => {});
  return { client, place };
}

/** All promises that can go on have gone on. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("I15: one user's flood leaves a place for others, and free places go round among those who wait", async () => {
  const queue = createFairQueue(options);
  const order: string[] = [];
  const flood = Array.from({ length: 8 }, () => entering(queue, order, "flood"));
  await settled();
  expect([queue.running, queue.waiting]).toEqual([3, 5]);
  for (const user of ["a", "b", "c"]) entering(queue, order, user);
  await settled();
  expect(order).toEqual(["flood", "flood", "flood", "a"]);
  for (const { place } of flood.slice(0, 3)) (await place)[Symbol.dispose]();
  await settled();
  expect(order.slice(4).sort(), "in turn: one of the flood, and each of the others").toEqual(["b", "c", "flood"]);
});

test("I15: a full line refuses at once and says when to come again", async () => {
  const queue = createFairQueue(options);
  const order: string[] = [];
  for (let count = 0; count < 8; count++) entering(queue, order, "flood");
  await expect(queue.enter("flood", new EventEmitter())).rejects.toSatisfy((error) => isErrorCode(error, "TP_TOO_MANY_REQUESTS"));
  await expect(queue.enter("flood", new EventEmitter())).rejects.toMatchObject({ retryAfterSeconds: 1 });
  (await queue.enter("other", new EventEmitter()))[Symbol.dispose]();
});

test("who leaves the line makes room in it, who waits too long is sent away, and a place given back twice counts once", async () => {
  const queue = createFairQueue({ ...options, placesMax: 1, waitMsMax: 30 });
  const order: string[] = [];
  const first = await queue.enter("a", new EventEmitter());
  const leaving = entering(queue, order, "b");
  const tired = entering(queue, order, "c");
  leaving.client.emit("close");
  await expect(leaving.place).rejects.toThrow("the client left");
  await expect(tired.place).rejects.toSatisfy((error) => isErrorCode(error, "TP_TOO_MANY_REQUESTS"));
  expect([queue.running, queue.waiting]).toEqual([1, 0]);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  expect(queue.running).toBe(0);
  const again = await queue.enter("b", new EventEmitter());
  expect(queue.running).toBe(1);
  again[Symbol.dispose]();
});

test("I15: who waits for his own slow client keeps no place from others, and comes back before those in line", async () => {
  const queue = createFairQueue({ ...options, placesMax: 1 });
  const slow = await queue.enter("slow", new EventEmitter());
  const body = Promise.withResolvers<string>();
  const reading = slow.aside(body.promise);
  const other = await queue.enter("other", new EventEmitter());
  const order: string[] = [];
  const third = entering(queue, order, "third");
  void reading.then(() => order.push("slow"));
  body.resolve("whole");
  await settled();
  expect([order, queue.running]).toEqual([[], 1]);
  other[Symbol.dispose]();
  expect(await reading).toBe("whole");
  await settled();
  expect(order).toEqual(["slow"]);
  slow[Symbol.dispose]();
  (await third.place)[Symbol.dispose]();
  const failing = await queue.enter("slow", new EventEmitter());
  await expect(failing.aside(Promise.reject(new Error("cut")))).rejects.toThrow("cut");
  failing[Symbol.dispose]();
  expect([queue.running, queue.waiting]).toEqual([0, 0]);
});

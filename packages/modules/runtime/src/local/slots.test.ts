import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { slotCount } from "./network-plan.ts";
import { type ClaimRequest, claimSlot, findSlot, freeSlot } from "./slots.ts";

let parent: string;
let folder: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "threeport-slots-"));
  folder = join(parent, "threeport", "slots");
});
afterEach(() => rm(parent, { recursive: true, force: true }));

const claim = (number: number, over: Partial<ClaimRequest> = {}) =>
  claimSlot({
    folder,
    id: `id-${number}`,
    name: `cluster-${number}`,
    stateDir: `/state/${number}`,
    collides: () => false,
    isDead: async () => false,
    removeTraces: async () => [],
    ...over,
  });

test("S1: clusters that start at once get different slots", async () => {
  const records = await Promise.all(Array.from({ length: 10 }, (_, number) => claim(number)));
  expect(new Set(records.map((record) => record.slot)).size).toBe(10);
  expect(await findSlot(folder, "/state/3")).toEqual(records[3]);
  expect(await findSlot(folder, "/state/other")).toBeUndefined();
});

test("a freed slot is given again, and the folder goes with the last one", async () => {
  const [first, second] = [await claim(1), await claim(2)];
  await freeSlot(folder, first);
  expect((await claim(3)).slot).toBe(first.slot);
  await freeSlot(folder, second);
  const third = await findSlot(folder, "/state/3");
  if (third !== undefined) await freeSlot(folder, third);
  expect(await readdir(parent)).toEqual([]);
});

test("freeing a slot that a later cluster of the same folder has does nothing", async () => {
  const record = await claim(1);
  await freeSlot(folder, { ...record, id: "earlier" });
  expect(await findSlot(folder, record.stateDir)).toEqual(record);
});

test("a slot whose addresses the host uses is left out", async () => {
  const record = await claim(1, { collides: (plan) => plan.slot < 5 });
  expect(record.slot).toBe(5);
});

test("S3: when all slots are taken, one of a dead cluster is used, after what it left was removed", async () => {
  for (let number = 0; number < slotCount; number++) await claim(number);
  await expect(claim(99)).rejects.toMatchObject({ code: "TP_TOO_MANY_REQUESTS" });
  const removed: string[] = [];
  const isDead = async ({ id }: { id: string }) => id === "id-7" || id === "id-9";
  const removeTraces = async ({ id }: { id: string }) => {
    removed.push(id);
    return id === "id-7" ? ["process 1"] : [];
  };
  const record = await claim(99, { isDead, removeTraces });
  expect(removed).toEqual(expect.arrayContaining(["id-9"]));
  expect(record.slot).toBe(9);
  expect(await findSlot(folder, "/state/9")).toBeUndefined();
  expect(await findSlot(folder, "/state/7")).toBeDefined();
});

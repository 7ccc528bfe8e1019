import { expect, test } from "vitest";
import { silentLogger, systemClock } from "@threeport/platform";
import { recordEvent } from "./events.ts";
import { openTestPlane, until } from "./testing/index.ts";
import { floorKind, made, testKinds } from "./testing/test-kinds.ts";

const tools = { clock: systemClock, log: silentLogger, component: "threeport" };

test("§5.8: an event that happens again is counted in the same object; another message makes another one", async () => {
  await using plane = await openTestPlane({ kinds: testKinds, controlled: [] });
  const floor = await plane.objects.create(made(floorKind, "ground"));
  for (let count = 0; count < 3; count++) await recordEvent(plane.objects, floor, { type: "Warning", reason: "Cracked", message: "it has a crack" }, tools);
  await recordEvent(plane.objects, floor, { type: "Warning", reason: "Cracked", message: "it has two cracks" }, tools);
  const events = await plane.objects.list({ apiVersion: "v1", kind: "Event" }, { namespace: "default" });
  expect(events.map((event) => [event["message"], event["count"]]).toSorted()).toEqual([
    ["it has a crack", 3],
    ["it has two cracks", 1],
  ]);
  expect(events[0]?.["involvedObject"]).toEqual({
    apiVersion: floorKind.apiVersion,
    kind: "Floor",
    name: "ground",
    namespace: "default",
    uid: floor.metadata.uid,
  });
});

test("events are told apart by the object's uid: a later object of the same name begins anew", async () => {
  await using plane = await openTestPlane({ kinds: testKinds, controlled: [] });
  for (let life = 0; life < 2; life++) {
    const floor = await plane.objects.create(made(floorKind, "ground"));
    await recordEvent(plane.objects, floor, { type: "Normal", reason: "Built", message: "it stands" }, tools);
    await plane.objects.delete({ ...floorKind, namespace: "default", name: "ground" });
  }
  const events = await plane.objects.list({ apiVersion: "v1", kind: "Event" }, { namespace: "default" });
  expect(events.map((event) => event["count"])).toEqual([1, 1]);
});

test("an event about an object with a name of any length can be written", async () => {
  await using plane = await openTestPlane({ kinds: testKinds, controlled: [] });
  const names = [`${"a".repeat(199)}.${"b".repeat(53)}`, `${"a".repeat(198)}-.`.slice(0, 199) + "c".repeat(54), "a".repeat(253), "b"];
  const valid = names.filter((name) => /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name));
  for (const name of valid) {
    const floor = await plane.objects.create(made(floorKind, name));
    await recordEvent(plane.objects, floor, { type: "Normal", reason: "Built", message: "it stands" }, tools);
  }
  expect(await plane.objects.list({ apiVersion: "v1", kind: "Event" }, { namespace: "default" })).toHaveLength(valid.length);
  expect(valid.length).toBeGreaterThanOrEqual(3);
});

test("an event that cannot be written fails nobody", async () => {
  await using plane = await openTestPlane({ kinds: testKinds, controlled: [] });
  const nowhere = { ...made(floorKind, "ground"), metadata: { name: "ground", namespace: "not-there", uid: "u" } };
  await recordEvent(plane.objects, nowhere, { type: "Normal", reason: "Built", message: "it stands" }, tools);
  await until("nothing", () => true);
  expect(await plane.objects.list({ apiVersion: "v1", kind: "Event" })).toEqual([]);
});

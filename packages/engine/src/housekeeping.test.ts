import { expect, test } from "vitest";
import { silentLogger, systemClock, systemRandom, type Clock } from "@threeport/platform";
import { startHousekeeping } from "./housekeeping.ts";
import { openTestPlane, until } from "./testing/index.ts";
import { sparkKind, testKinds } from "./testing/test-kinds.ts";

/** Lets the hour pass at once: every sleep ends after a moment. */
const hurriedClock: Clock = { ...systemClock, sleep: (_ms, signal) => systemClock.sleep(5, signal) };

test("what has expired is removed, through the API as any other delete; what finalizers hold stops nobody", async () => {
  await using plane = await openTestPlane({ kinds: testKinds, controlled: [] });
  const spark = (name: string, metadata: object = {}) => ({
    apiVersion: sparkKind.apiVersion,
    kind: sparkKind.kind,
    metadata: { name, namespace: "default", ...metadata },
    text: "flash",
  });
  await plane.objects.create(spark("held", { finalizers: ["test.threeport.io/held"] }));
  for (let index = 0; index < 5; index++) await plane.objects.create(spark(`spark-${index}`));
  await plane.objects.create({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings", namespace: "default" } });
  await using _housekeeping = startHousekeeping({
    store: plane.store,
    clock: hurriedClock,
    random: systemRandom,
    log: silentLogger,
    objects: plane.objects,
    expiringKinds: () => [sparkKind],
  });
  await until("the sparks to go out", async () => {
    const left = await plane.objects.list(sparkKind, { namespace: "default" });
    return left.length === 1 && left[0]?.metadata.name === "held" && left[0].metadata.deletionTimestamp !== undefined;
  });
  expect(await plane.objects.get({ apiVersion: "v1", kind: "ConfigMap", namespace: "default", name: "settings" })).toBeDefined();
});

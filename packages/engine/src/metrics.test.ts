import { expect, test } from "vitest";
import { PlatformError } from "@threeport/resource";
import { settled, type Reconciler } from "./index.ts";
import { openTestPlane, until } from "./testing/index.ts";
import { floorKind, made, testKinds } from "./testing/test-kinds.ts";

test("the metrics text tells runs by queue and result, their time, and what stands in the queue", async () => {
  await using plane = await openTestPlane({ kinds: testKinds });
  const reconciler: Reconciler = {
    queue: floorKind.resource,
    async reconcile({ name }) {
      if (name === "broken") throw new PlatformError("TP_INVALID");
      return settled;
    },
  };
  await using replica = await plane.startReplica({ reconcilers: () => [reconciler] });
  for (const name of ["a", "b", "broken"]) await plane.objects.create(made(floorKind, name));
  await until(
    "the failure to stand in its row",
    async () => (await plane.rows(floorKind.resource)).failing === 1 && (await plane.rows(floorKind.resource)).rows === 1,
  );
  replica.metrics.request({ method: "GET", resource: "floors", status: 200, seconds: 0.004 });
  const text = await replica.metrics.text();
  for (const line of [
    'threeport_reconcile_total{queue="floors.test.threeport.io",result="settled"} 2',
    'threeport_reconcile_total{queue="floors.test.threeport.io",result="TP_INVALID"} 1',
    'threeport_reconcile_seconds_count{queue="floors.test.threeport.io"} 3',
    'threeport_queue_rows{queue="floors.test.threeport.io",state="all"} 1',
    'threeport_queue_rows{queue="floors.test.threeport.io",state="failing"} 1',
    'threeport_queue_rows{queue="floors.test.threeport.io",state="due"} 0',
    'threeport_queue_rows{queue="floors.test.threeport.io",state="leased"} 0',
    'threeport_api_requests_total{method="GET",resource="floors",code="200"} 1',
    'threeport_api_request_seconds_bucket{le="0.005",method="GET"} 1',
  ]) {
    expect(text).toContain(`${line}\n`);
  }
  expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
});

test("a row that has left the queue leaves the metrics too", async () => {
  await using plane = await openTestPlane({ kinds: testKinds });
  await using replica = await plane.startReplica({ reconcilers: () => [] });
  await plane.objects.create(made(floorKind, "a"));
  expect(await replica.metrics.text()).toContain('threeport_queue_rows{queue="floors.test.threeport.io",state="all"} 1');
  await using _worker = await plane.startReplica({ reconcilers: () => [{ queue: floorKind.resource, reconcile: async () => settled }] });
  await until("the queue to be empty", async () => (await plane.rows(floorKind.resource)).rows === 0);
  expect(await replica.metrics.text()).not.toContain('queue="floors.test.threeport.io"');
});

import type { KubeObject, StoredObject } from "@threeport/resource";
import { expect, test } from "vitest";
import { openScene, workload, type Scene } from "../testing/scene.ts";
import { fieldsOf } from "./owned.ts";

const cron = (spec: object, image = "example.com/app:1"): KubeObject => ({
  ...workload("Job", "nightly", {
    jobTemplate: {
      metadata: { labels: { app: "nightly" } },
      spec: { backoffLimit: 0, template: { spec: { restartPolicy: "Never", containers: [{ name: "main", image }] } } },
    },
    ...spec,
  }),
  kind: "CronJob",
});
const jobs = async (scene: Scene): Promise<readonly StoredObject[]> =>
  (await scene.cluster.objects.list({ apiVersion: "batch/v1", kind: "Job" })).toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
const times = async (scene: Scene): Promise<unknown[]> =>
  (await jobs(scene)).map(({ metadata }) => metadata.annotations?.["batch.kubernetes.io/cronjob-scheduled-timestamp"]);
const change = async (scene: Scene, spec: object): Promise<void> => {
  const found = (await scene.cluster.objects.get({ apiVersion: "batch/v1", kind: "CronJob", namespace: "default", name: "nightly" })) as StoredObject;
  await scene.cluster.objects.commit(found, { ...found, spec: { ...fieldsOf(found["spec"]), ...spec } });
};
const statusOf = async (scene: Scene) =>
  fieldsOf((await scene.cluster.objects.get({ apiVersion: "batch/v1", kind: "CronJob", namespace: "default", name: "nightly" }))?.["status"]);
const minute = 60;

test("Jobs begin at the times of the schedule, of the clusters' time, and as many are kept as are asked for", async () => {
  await using scene = await openScene();
  await scene.create(cron({ schedule: "*/5 * * * *", successfulJobsHistoryLimit: 2 }));
  await scene.seconds(4 * minute + 59);
  expect(await jobs(scene)).toEqual([]);
  await scene.seconds(2);
  const [first] = await jobs(scene);
  expect(first).toMatchObject({
    metadata: { name: `nightly-${Date.parse("2026-01-01T00:05:00Z") / 60_000}`, labels: { app: "nightly" }, ownerReferences: [{ kind: "CronJob" }] },
  });
  expect(await statusOf(scene)).toMatchObject({ lastScheduleTime: "2026-01-01T00:05:00Z", active: [{ name: first?.metadata.name }] });
  await scene.seconds(16 * minute);
  expect(await times(scene)).toEqual(["2026-01-01T00:15:00Z", "2026-01-01T00:20:00Z"]);
  expect(await statusOf(scene)).toMatchObject({ lastSuccessfulTime: expect.stringMatching(/^2026-01-01T00:20:0\dZ$/) as string });
  expect((await statusOf(scene))["active"]).toBeUndefined();
});

test("a time zone moves the schedule", async () => {
  await using scene = await openScene();
  await scene.create(cron({ schedule: "30 5 * * *", timeZone: "Asia/Kolkata" })); // 00:00 UTC
  await scene.seconds(86_400 + 10);
  expect(await times(scene)).toEqual(["2026-01-02T00:00:00Z"]);
});

const policies = [
  { policy: "Allow", running: 3, because: "each has its own time" },
  { policy: "Forbid", running: 1, because: "the first one never ends" },
  { policy: "Replace", running: 1, because: "the newest takes the place of those before" },
];
for (const { policy, running, because } of policies) {
  test(`of Jobs that do not end ${policy} leaves ${running} after three times: ${because}`, async () => {
    await using scene = await openScene();
    await scene.create(cron({ schedule: "* * * * *", concurrencyPolicy: policy }, "example.com/app:not-there"));
    await scene.seconds(3 * minute + 5);
    const all = await times(scene);
    expect(all).toHaveLength(running);
    expect(all.at(-1)).toBe(policy === "Forbid" ? "2026-01-01T00:01:00Z" : "2026-01-01T00:03:00Z");
    expect(await scene.events("JobAlreadyActive")).toHaveLength(policy === "Forbid" ? 1 : 0);
  });
}

test("a suspended CronJob rests; released after a long time it makes up for the last time only", async () => {
  await using scene = await openScene();
  await scene.create(cron({ schedule: "* * * * *", suspend: true }));
  await scene.seconds(500 * minute + 30);
  expect(await jobs(scene)).toEqual([]);
  await change(scene, { suspend: false });
  await scene.seconds(1);
  expect(await times(scene)).toEqual(["2026-01-01T08:20:00Z"]);
});

test("what was missed for longer than startingDeadlineSeconds is not made up for", async () => {
  await using scene = await openScene();
  await scene.create(cron({ schedule: "0 * * * *", suspend: true, startingDeadlineSeconds: 60 }));
  await scene.seconds(90 * minute);
  await change(scene, { suspend: false });
  await scene.seconds(minute);
  expect(await jobs(scene)).toEqual([]);
  await scene.seconds(30 * minute);
  expect(await times(scene)).toEqual(["2026-01-01T02:00:00Z"]);
});

test("Jobs that failed are kept by their own limit", async () => {
  await using scene = await openScene();
  await scene.create(cron({ schedule: "@hourly", failedJobsHistoryLimit: 1 }, "example.com/crash:1"));
  await scene.seconds(3 * 3_600 + 30);
  expect(await times(scene)).toEqual(["2026-01-01T03:00:00Z"]);
  expect((await statusOf(scene))["lastSuccessfulTime"]).toBeUndefined();
});

const refused = [
  { spec: { schedule: "every day" }, field: "spec.schedule", says: "expected exactly 5 fields, found 2: [every day]" },
  { spec: { schedule: "61 * * * *" }, field: "spec.schedule", says: "Invalid value" },
  { spec: { schedule: "@daily", timeZone: "Mars/Olympus" }, field: "spec.timeZone", says: "unknown time zone Mars/Olympus" },
];
for (const { spec, field, says } of refused) {
  test(`${JSON.stringify(spec)} is refused by ${field}`, async () => {
    await using scene = await openScene();
    await expect(scene.create(cron(spec))).rejects.toMatchObject({ code: "TP_INVALID", causes: [{ field, message: expect.stringContaining(says) as string }] });
  });
}

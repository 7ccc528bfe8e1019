import { expect, test } from "vitest";
import { z } from "zod";
import { defineKind } from "@threeport/resource";
import { apply, managers } from "../testing/apply.ts";
import { openTestApi, type TestApi } from "../testing/test-api.ts";

const fleetKind = defineKind({
  group: "test.threeport.io",
  version: "v1alpha1",
  kind: "Fleet",
  plural: "fleets",
  scope: "Namespaced",
  description: "Something that runs a number of times.",
  fields: {
    spec: z
      .object({
        ships: z
          .object({ count: z.number().int().optional().describe("How many.") })
          .optional()
          .describe("Ships."),
      })
      .optional()
      .describe("Wanted."),
    status: z
      .object({ count: z.number().int().optional().describe("How many."), selector: z.string().optional().describe("Which.") })
      .optional()
      .describe("There."),
  },
  scale: { specReplicasPath: ".spec.ships.count", statusReplicasPath: ".status.count", labelSelectorPath: ".status.selector" },
});

const fleets = "/apis/test.threeport.io/v1alpha1/namespaces/default/fleets";
const scale = `${fleets}/a/scale`;

async function withFleet(spec: object = { ships: { count: 2 } }): Promise<TestApi> {
  const api = await openTestApi({ kinds: [fleetKind] });
  await api.call("POST", fleets, { body: { metadata: { name: "a" }, spec } });
  await api.call("PUT", `${fleets}/a/status`, { body: { metadata: { name: "a" }, status: { count: 1, selector: "app=a" } } });
  return api;
}

const count = async (api: TestApi): Promise<unknown> =>
  ((await api.call("GET", `${fleets}/a`)).body["spec"] as { ships?: { count?: number } } | undefined)?.ships?.count;

test("the scale of an object is a Scale with its identity, what is wanted and what is there", async () => {
  await using api = await withFleet();
  const object = (await api.call("GET", `${fleets}/a`)).body;
  const { status, body } = await api.call("GET", scale);
  const { uid, resourceVersion, creationTimestamp } = object.metadata;
  expect([status, body]).toEqual([
    200,
    {
      kind: "Scale",
      apiVersion: "autoscaling/v1",
      metadata: { name: "a", namespace: "default", uid, resourceVersion, creationTimestamp },
      spec: { replicas: 2 },
      status: { replicas: 1, selector: "app=a" },
    },
  ]);
});

test("an object whose replicas are not set has those that are there, and scaling it sets them", async () => {
  await using api = await withFleet({});
  expect((await api.call("GET", scale)).body["spec"]).toEqual({ replicas: 1 });
  await api.call("PATCH", scale, { body: { spec: { replicas: 4 } } });
  expect(await count(api)).toBe(4);
});

test("PUT and PATCH of every type change the replicas and nothing else, and answer with the Scale", async () => {
  await using api = await withFleet();
  const put = await api.call("PUT", scale, { body: { metadata: { name: "a", labels: { x: "y" } }, spec: { replicas: 3 }, status: { replicas: 99 } } });
  expect([put.status, put.body.kind, put.body["spec"], put.body["status"]]).toEqual([200, "Scale", { replicas: 3 }, { replicas: 1, selector: "app=a" }]);
  const patches: [string, unknown, number][] = [
    ["application/merge-patch+json", { spec: { replicas: 4 } }, 4],
    ["application/strategic-merge-patch+json", { spec: { replicas: 5 } }, 5],
    ["application/json-patch+json", [{ op: "replace", path: "/spec/replicas", value: 6 }], 6],
  ];
  for (const [type, body, wanted] of patches) {
    const answer = await api.call("PATCH", scale, { body, headers: { "content-type": type } });
    expect([answer.status, answer.body["spec"], await count(api)], type).toEqual([200, { replicas: wanted }, wanted]);
  }
  const object = (await api.call("GET", `${fleets}/a`)).body;
  expect([object.metadata.labels, object.metadata.generation]).toEqual([undefined, 5]);
  const tried = await api.call("PATCH", `${scale}?dryRun=All`, { body: { spec: { replicas: 9 } } });
  expect([tried.body["spec"], await count(api)]).toEqual([{ replicas: 9 }, 6]);
});

const refused: { because: string; method: string; body: unknown; status: number; says: string }[] = [
  { because: "fewer than none", method: "PATCH", body: { spec: { replicas: -1 } }, status: 422, says: "spec.replicas" },
  { because: "no number", method: "PATCH", body: { spec: { replicas: "3" } }, status: 422, says: "spec.replicas" },
  { because: "a stale version", method: "PUT", body: { metadata: { name: "a", resourceVersion: "1" }, spec: { replicas: 3 } }, status: 409, says: "modified" },
  { because: "another object's name", method: "PUT", body: { metadata: { name: "b" }, spec: { replicas: 3 } }, status: 422, says: "metadata.name" },
  { because: "the object itself instead of a Scale", method: "PUT", body: { kind: "Fleet", spec: { replicas: 3 } }, status: 400, says: "Scale" },
  { because: "there is nothing to delete", method: "DELETE", body: undefined, status: 405, says: "DELETE" },
];
test.each(refused)("is refused, and nothing changes: $because", async ({ method, body, status, says }) => {
  await using api = await withFleet();
  const answer = await api.call(method, scale, { body });
  expect([answer.status, answer.body.message]).toEqual([status, expect.stringContaining(says)]);
  expect(await count(api)).toBe(2);
});

test("what is not there, and a kind without a scale, answer 404", async () => {
  await using api = await withFleet();
  for (const path of [`${fleets}/nobody/scale`, "/api/v1/namespaces/default/configmaps/a/scale"])
    for (const method of ["GET", "PUT", "PATCH"])
      expect((await api.call(method, path, method === "GET" ? {} : { body: { spec: { replicas: 1 } } })).status, `${method} ${path}`).toBe(404);
});

test("many scale at once: the last number counts, and no call fails", async () => {
  await using api = await withFleet();
  const answers = await Promise.all(Array.from({ length: 20 }, (_, replicas) => api.call("PATCH", scale, { body: { spec: { replicas } } })));
  expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 200));
  expect(await count(api)).toBe(Number((answers.toSorted((a, b) => versionOf(a) - versionOf(b)).at(-1)?.body["spec"] as { replicas: number }).replicas));
});

function versionOf(answer: { body: { metadata: { resourceVersion?: string } } }): number {
  return Number(answer.body.metadata.resourceVersion);
}

test("apply on /scale owns how often it runs and nothing else, and makes no object", async () => {
  await using api = await withFleet();
  const wanted = (replicas: number) => ({ apiVersion: "autoscaling/v1", kind: "Scale", metadata: { name: "a" }, spec: { replicas } });
  const refused = await apply(api, scale, wanted(5), { manager: "autoscaler" });
  expect([refused.status, refused.body.message]).toEqual([409, expect.stringContaining('conflict with "unknown" using test.threeport.io/v1alpha1')]);
  const taken = await apply(api, scale, wanted(5), { manager: "autoscaler", query: "&force=true" });
  expect([taken.status, taken.body.kind, taken.body["spec"]]).toEqual([200, "Scale", { replicas: 5 }]);
  const fleet = (await api.call("GET", `${fleets}/a`)).body;
  expect(fleet["spec"]).toEqual({ ships: { count: 5 } });
  expect(managers(fleet)).toMatchObject({ "autoscaler Apply/scale": { "f:spec": { "f:ships": { "f:count": {} } } } });
  const whole = await apply(api, scale, { apiVersion: "test.threeport.io/v1alpha1", kind: "Fleet", metadata: { name: "a" }, spec: { ships: { count: 9 } } });
  expect([whole.status, whole.body.message]).toEqual([400, "invalid object type: test.threeport.io/v1alpha1, Kind=Fleet"]);
  expect((await apply(api, `${fleets}/none/scale`, { ...wanted(1), metadata: { name: "none" } })).status).toBe(404);
});

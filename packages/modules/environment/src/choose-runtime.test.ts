import { afterAll, beforeAll, expect, test } from "vitest";
import type { KubeObject } from "@threeport/resource";
import { environments, instances, runtimes } from "@threeport/server/testing";
import { leastUsed } from "./choose-runtime.ts";
import type { Environment } from "./environment-kind.ts";
import { definitionOf, environmentWhen, fresh, instanceOf, openWorld, refusal, type World } from "./testing/world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld(["one", "two"]);
});
afterAll(() => world?.[Symbol.asyncDispose]());

const label = (name: string, labels: Record<string, string>) => world.plane.change(runtimes, name, ({ metadata }) => void (metadata.labels = labels));
const selecting = (matchLabels: Record<string, string>): object => ({ runtime: "", runtimeSelector: { matchLabels } });

test("the one with the fewest environments is taken, of several the first by name", () => {
  const [a, b] = ["a", "b"].map((name) => ({ metadata: { name } })) as [KubeObject, KubeObject];
  const on = (runtime: string) => ({ spec: { runtime } }) as unknown as Environment;
  expect(leastUsed([b, a], [])).toBe("a");
  expect(leastUsed([b, a], [on("a")])).toBe("b");
  expect(leastUsed([b, a], [on("a"), on("b"), on("c")])).toBe("a");
  expect(leastUsed([], [on("a")])).toBeUndefined();
});

test("a runtime is chosen by labels when one fits, once; what is deployed meanwhile waits for it", { timeout: 60_000 }, async () => {
  const { plane } = world;
  const [size, name] = [fresh("size"), fresh("app")];
  const env = await world.place(selecting({ size }));
  expect((await plane.reason(environments, env, "NoRuntime")).message).toBe(
    `no runtime has the labels size=${size}; there are one, two. kubectl label runtime NAME size=${size} gives them to one`,
  );
  await plane.create(definitionOf(name, {}));
  await plane.create(instanceOf(name, env, {}));
  expect((await plane.reason(instances, name, "RuntimePending")).message).toContain(`environment ${env} has no runtime yet: no runtime has the labels`);
  await label("two", { size });
  expect((await plane.ready<Environment>(environments, env)).spec.runtime).toBe("two");
  await plane.ready(instances, name);
  expect(await world.live("v1", "Namespace", { namespace: "", name: `default-${env}`, cluster: "two" })).toBeDefined();

  // §5.6: a better candidate moves nothing, and a manifest that does not name it neither.
  await label("two", {});
  await label("one", { size });
  await plane.change<Environment>(environments, env, ({ spec }) => void Object.assign(spec, { runtime: "", variables: { A: "1" } }));
  expect((await plane.ready<Environment>(environments, env)).spec).toMatchObject({ runtime: "two", variables: { A: "1" } });
  for (const change of [{ runtime: "one" }, { runtimeSelector: { matchLabels: { size: "other" } } }])
    expect(await refusal(plane.client.patch({ apiVersion: environments.apiVersion, kind: environments.kind, name: env }, { spec: change }))).toMatchObject({
      code: "TP_INVALID",
    });
  await plane.change<Environment>(environments, env, ({ spec }) => {
    delete spec.runtimeSelector;
    spec.runtime = "one";
  });
  await environmentWhen(plane, env, ({ spec }) => spec.runtime === "one");
});

test.each([
  ["neither a name nor labels", { runtime: "" }, "spec.runtime"],
  ["both", { runtime: "one", runtimeSelector: { matchLabels: { a: "b" } } }, "spec.runtimeSelector"],
  ["no label at all", selecting({}), "spec.runtimeSelector.matchLabels"],
])("%s is refused with the field", async (_, spec, field) => {
  expect(await refusal(world.place(spec))).toMatchObject({ code: "TP_INVALID", causes: [{ field }] });
});

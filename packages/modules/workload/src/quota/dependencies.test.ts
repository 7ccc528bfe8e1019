import { expect, test } from "vitest";
import type { Environment } from "@threeport/module-environment";
import { lackOfDependencies, needKey } from "./dependencies.ts";

const environment = (quota: object): Environment => ({ metadata: { name: "dev" }, spec: { quota } }) as unknown as Environment;
const key = (project: string, id: string, type = "postgres", sort = "default") => needKey(project, { type, class: sort, id });
const more = "Ask for less, share one by its id, or have spec.quota of the environment raised (tptctl env describe dev shows who has what)";

test("what there is no room for is told with the numbers, of the environment and of the project", () => {
  const wish = { project: "shop", wanted: [key("shop", "web.db"), key("shop", "web.q", "amqp", "large")], others: [key("shop", "a"), key("other", "b")] };
  expect(lackOfDependencies(environment({ dependencies: 3, perProject: { dependencies: 2 } }), wish)).toBe(
    `Environment dev has room for 3 dependencies: 2 (postgres web.db, amqp/large/web.q) are asked for, and 2 are there; project shop in Environment dev has room for 2 dependencies: 2 (postgres web.db, amqp/large/web.q) are asked for, and 1 are there. ${more}`,
  );
  expect(lackOfDependencies(environment({ dependencies: 4, perProject: { dependencies: 3 } }), wish)).toBeUndefined();
});

test("what is shared is there once, however many ask for it, and joining it adds nothing", () => {
  const common = key("shop", "common", "redis");
  expect(lackOfDependencies(environment({ dependencies: 1 }), { project: "shop", wanted: [common, common], others: [common, common] })).toBeUndefined();
  expect(lackOfDependencies(environment({ dependencies: 1 }), { project: "shop", wanted: [common, common], others: [] })).toBeUndefined();
  // The same id in another project is another one.
  expect(lackOfDependencies(environment({ dependencies: 1 }), { project: "shop", wanted: [common], others: [key("other", "common", "redis")] })).toContain(
    "(redis common) is",
  );
});

// tptctl env against a real control plane and a simulated cluster: lives, clones, limits, ends.
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { startSimulation, workloadControllers, type Simulation } from "@threeport/sim";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { createTestHome, type TestHome } from "./testing/tptctl.ts";

let simulation: Simulation;
let home: TestHome;
beforeAll(async () => {
  simulation = await startSimulation({ factor: 20, controllers: workloadControllers });
  home = await createTestHome();
  const file = join(dirname(home.folder), "one.kubeconfig");
  await writeFile(file, (await simulation.addCluster("one")).kubeconfig);
  expect(await home.run(["up", "--port", "0"])).toMatchObject({ code: 0 });
  expect(await home.run(["runtime", "add", "one", "--kubeconfig", file])).toMatchObject({ code: 0 });
}, 120_000);
afterAll(async () => {
  await home?.[Symbol.asyncDispose]();
  await simulation?.[Symbol.asyncDispose]();
});

const app = (name: string, resources = "{}", variables = "{}"): string =>
  `apiVersion: score.dev/v1b1\nmetadata: {name: ${name}}\ncontainers: {app: {image: "example.com/app:1", variables: ${variables}}}\nresources: ${resources}\n`;
const deploy = (env: string, input: string, ...more: string[]) => home.run(["deploy", "-", "--env", env, "--project", "shop", ...more], { input });
const specOf = async (env: string): Promise<Record<string, unknown>> =>
  (parse((await home.run(["get", "env", env, "-oyaml"])).stdout) as { spec: Record<string, unknown> }).spec;

test("an environment is cloned with what a project has deployed there, lives as long as it is said, and goes in order", { timeout: 120_000 }, async () => {
  expect(await home.run(["env", "create", "dev", "--runtime", "one", "--quota", "workloads=9,dependencies=9"])).toMatchObject({
    code: 0,
    stdout: "environment dev created on runtime one (development)\n",
  });
  expect(await deploy("dev", app("web", "{cache: {type: redis}}", '{HOST: "${resources.cache.host}"}'))).toMatchObject({ code: 0 });
  const cloned = await home.run(["env", "clone", "dev", "pr-42", "--project", "shop", "--ttl", "4h", "--base-domain", "pr.example.com"]);
  expect(cloned).toMatchObject({ code: 0, stderr: "" });
  expect(cloned.stdout).toMatch(/^environment pr-42 created as a clone of dev for project shop; it ends itself after 4h\n/);
  expect(cloned.stdout).toMatch(/environment pr-42 is ready: 1 deployment healthy \(.*\)\n$/);
  expect((await home.run(["env", "clone", "dev", "pr-42", "--project", "shop", "--no-wait"])).stdout).toBe(
    "environment pr-42 is there already, a clone of dev for project shop\nlook at it with tptctl env describe pr-42\n",
  );
  expect(await specOf("pr-42")).toMatchObject({
    runtime: "one",
    project: "shop",
    ttl: "4h",
    baseDomain: "pr.example.com",
    quota: { workloads: 9, dependencies: 9 },
  });

  const list = (await home.run(["env", "list"])).stdout;
  expect(list).toMatch(/^NAME +RUNTIME +TIER +READY +EXPIRES +AGE\n/);
  expect(list).toMatch(/\npr-42 +one +development +True +20\S+Z +\S+\n/);
  const described = (await home.run(["env", "describe", "pr-42"])).stdout;
  expect(described).toMatch(/expires: \S+ \(in (3 h 59 min|4 h 0 min)\)\n/);
  expect(described).toMatch(/cloned:\n {2}at: \S+\n {2}deployments:\n {4}- web-pr-42\n/);
  expect(described).toMatch(/\n {2}PROJECT +DEPLOYMENT .*\n {2}shop +web-pr-42 +True +Healthy +web-1 /);
  expect(described).toMatch(/\ndependencies:\n {2}PROJECT +DEPENDENCY .*\n {2}shop +pr-42\.redis\.web\.cache +True +\w+ +redis +redis-v1 +1\n/);

  expect(await home.run(["env", "extend", "pr-42", "--ttl", "2d"])).toMatchObject({ code: 0, stdout: "environment pr-42 ends itself 2d from now\n" });
  expect((await home.run(["wait", "env/pr-42", "--for=condition=Ready"])).code).toBe(0);
  expect((await home.run(["env", "describe", "pr-42"])).stdout).toMatch(/expires: \S+ \(in (47 h 59 min|48 h 0 min)\)/);

  const gone = await home.run(["env", "delete", "pr-42", "--cascade"]);
  expect(gone).toMatchObject({ code: 0, stderr: "" });
  const inOrder = ["deployment shop/web-pr-42 goes", "deployment shop/web-pr-42 deleted", "environment pr-42 deleted"].map((line) => gone.stdout.indexOf(line));
  expect(inOrder).toEqual(inOrder.toSorted((a, b) => a - b));
  expect(inOrder).not.toContain(-1);
  expect(await home.run(["get", "dep", "pr-42.redis.web.cache", "-n", "shop"])).toMatchObject({ code: 4 });
  expect(await home.run(["get", "wi", "web-dev", "-n", "shop"])).toMatchObject({ code: 0 });
});

test("a dependency that outlives its deployment is told when it goes with the environment", { timeout: 60_000 }, async () => {
  const profile =
    "apiVersion: threeport.io/v1alpha1\nkind: DependencyProfile\nmetadata: {name: slow}\nspec: {type: slow, provisioner: {static: {}}, deletion: {gracePeriodSeconds: 3600}}\n";
  expect(await home.run(["apply", "-f", "-"], { input: profile })).toMatchObject({ code: 0 });
  await home.run(["env", "create", "late", "--runtime", "one"]);
  expect(await deploy("late", app("later", "{it: {type: slow}}"))).toMatchObject({ code: 0 });
  const gone = await home.run(["env", "delete", "late", "--cascade"]);
  expect(gone).toMatchObject({ code: 0, stderr: "" });
  expect(gone.stdout).toBe(
    "deployment shop/later-late goes\ndeployment shop/later-late deleted\ndependency shop/late.slow.later.it goes\nenvironment late is being deleted\n" +
      "dependency shop/late.slow.later.it deleted\nenvironment late deleted\n",
  );
});

test("a runtime by labels, one project, and a type that is not allowed: told at once", { timeout: 60_000 }, async () => {
  expect(await home.run(["env", "create", "x"])).toMatchObject({ code: 2, stderr: expect.stringContaining("one of --runtime and --runtime-labels") as string });
  const runtime = parse((await home.run(["get", "runtime", "one", "-oyaml"])).stdout) as { metadata: Record<string, unknown> };
  const labelled = JSON.stringify({
    apiVersion: "threeport.io/v1alpha1",
    kind: "KubernetesRuntimeInstance",
    metadata: { name: runtime.metadata["name"], labels: { zone: "eu" } },
  });
  expect(await home.run(["apply", "-f", "-"], { input: labelled })).toMatchObject({ code: 0 });
  expect(await home.run(["env", "create", "mine", "--runtime-labels", "zone=eu", "--project", "shop", "--ttl", "7d"])).toMatchObject({
    code: 0,
    stdout: "environment mine created on the runtime that its labels choose (development); it ends itself after 7d\n",
  });
  expect((await home.run(["wait", "env/mine", "--for=condition=Ready"])).code).toBe(0);
  expect(await specOf("mine")).toMatchObject({ runtime: "one", project: "shop" });
  expect(await home.run(["deploy", "-", "--env", "mine"], { input: app("theirs") })).toMatchObject({
    code: 6,
    stderr: expect.stringContaining("environment mine belongs to project shop, and takes nothing of project default") as string,
  });
  const denied =
    "apiVersion: threeport.io/v1alpha1\nkind: Environment\nmetadata: {name: strict}\nspec: {runtime: one, dependencies: {deniedTypes: [llm-model]}}\n";
  expect(await home.run(["apply", "-f", "-"], { input: denied })).toMatchObject({ code: 0 });
  const refused = await deploy("strict", app("chat", "{model: {type: llm-model}}", '{M: "${resources.model.model}"}'));
  expect(refused).toMatchObject({ code: 6 });
  expect(refused.stderr).toContain("resources.model: dependencies of type llm-model are not allowed in environment strict, which allows all but llm-model");
});

test.each([
  [["env", "create", "x", "--runtime", "one", "--ttl", "soon"], 2, "is no such time; write for example 90m, 4h or 7d"],
  [["env", "create", "x", "--runtime", "one", "--ttl", "10s"], 3, "spec.ttl"],
  [["env", "extend", "nowhere", "--ttl", "4h"], 4, "there is no environment nowhere"],
  [["env", "clone", "nowhere", "x"], 4, "there is no environment nowhere"],
  [["env", "clone", "dev", "dev"], 3, "cannot be a clone of itself"],
  [["env", "create", "x", "--runtime-labels", "zone"], 2, "write labels such as zone=eu,size=large"],
  [["env", "clone", "dev", "y", "--tier", "production"], 6, "a clone of dev is at most development"],
])("%j says what is wrong", async (args, code, words) => {
  const ran = await home.run(args);
  expect(ran.stderr).toContain(words);
  expect(ran.code).toBe(code);
});

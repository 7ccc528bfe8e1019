// Profiles that change, by tptctl, over a simulated cluster.
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { startSimulation, workloadControllers, type Simulation } from "@threeport/sim";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestHome, eventually, type TestHome } from "./testing/tptctl.ts";

let simulation: Simulation;
let home: TestHome;
beforeAll(async () => {
  simulation = await startSimulation({ factor: 20, controllers: workloadControllers });
  home = await createTestHome();
  const kubeconfig = await write("one.kubeconfig", (await simulation.addCluster("one")).kubeconfig);
  expect(await home.run(["up", "--port", "0", "--no-hints"])).toMatchObject({ code: 0 });
  expect(await home.run(["runtime", "add", "one", "--kubeconfig", kubeconfig])).toMatchObject({ code: 0 });
  expect(await home.run(["env", "create", "dev", "--runtime", "one"])).toMatchObject({ code: 0 });
}, 60_000);
afterAll(async () => {
  await home?.[Symbol.asyncDispose]();
  await simulation?.[Symbol.asyncDispose]();
});

const write = async (name: string, text: string): Promise<string> => {
  const path = join(dirname(home.folder), name);
  await writeFile(path, text);
  return path;
};
const profile = (size: string): Promise<string> =>
  write(
    "profile.json",
    JSON.stringify({
      apiVersion: "threeport.io/v1alpha1",
      kind: "DependencyProfile",
      metadata: { name: "boxes" },
      spec: {
        type: "boxed",
        updatePolicy: "OnDeploy",
        generated: { token: "password(24)" },
        provisioner: {
          manifests: {
            objects: [
              { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "${name}" }, data: { size } },
              { apiVersion: "v1", kind: "Secret", metadata: { name: "${name}" }, stringData: { token: "${generated.token}" } },
            ],
          },
        },
        outputs: { size: { value: size } },
      },
    }),
  );

test("what a changed profile would change is shown with when it is taken, and tptctl diff tells of it too", { timeout: 90_000 }, async () => {
  const app = await write(
    "app.yaml",
    'apiVersion: score.dev/v1b1\nmetadata: {name: app}\ncontainers: {main: {image: "example.com/a:1", variables: {SIZE: "${resources.box.size}"}}}\nresources: {box: {type: boxed}}\n',
  );
  expect(await home.run(["apply", "-f", await profile("small")])).toMatchObject({ code: 0 });
  expect(await home.run(["deploy", app, "--env", "dev"])).toMatchObject({ code: 0 });
  const same = await home.run(["profile", "diff", await profile("small"), "--exit-code"]);
  expect(same).toMatchObject({ code: 0, stdout: "default/dev.boxed.app.box: nothing would change (2 objects)\n" });
  const changed = await home.run(["profile", "diff", await profile("large"), "--exit-code"]);
  expect(changed.code).toBe(1);
  expect(changed.stdout.split("\n").filter((line) => /^[+-] /.test(line))).toEqual(["-  size: small", "+  size: large"]);
  expect(changed.stdout).toContain("default/dev.boxed.app.box: 1 would be changed (of 2 objects); it takes it when a workload that uses it is deployed anew\n");
  expect((await home.run(["diff", app, "--env", "dev"])).stderr).toBe("");
  expect(await home.run(["apply", "-f", await profile("large")])).toMatchObject({ code: 0 });
  await eventually("the newer generation to be noticed", async () =>
    /1 → 2 \(OnDeploy\)/.test((await home.run(["dependency", "list"])).stdout) ? true : undefined,
  );
  expect((await home.run(["diff", app, "--env", "dev"])).stderr).toBe("notice: a deployment makes dev.boxed.app.box take generation 2 of profile boxes\n");
  expect(await home.run(["restart", "app-dev"])).toMatchObject({ code: 0 });
  await eventually("it to be taken", async () =>
    (await home.run(["get", "dependency", "dev.boxed.app.box", "-o", "json"])).stdout.includes('"large"') ? true : undefined,
  );
});

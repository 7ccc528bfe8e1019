// Charts by tptctl, as a user runs it: the example of the repository on a simulated cluster.
import { cp, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWithHelm } from "@threeport/module-helm/testing";
import { startSimulation, workloadControllers, type Simulation } from "@threeport/sim";
import { createTestHome, type TestHome } from "../testing/tptctl.ts";

const examples = join(import.meta.dirname, "../../../../examples/helm");
const [chart, values, resources] = ["guestbook", "values.yaml", "resources.yaml"].map((name) => join(examples, name)) as [string, string, string];

describeWithHelm("charts", () => {
  let simulation: Simulation;
  let home: TestHome;
  const file = (name: string): string => join(home.folder, "..", name);
  const write = async (name: string, text: string): Promise<string> => {
    await writeFile(file(name), text);
    return file(name);
  };
  const run = (...args: string[]) => home.run(args);

  beforeAll(async () => {
    home = await createTestHome();
    simulation = await startSimulation({ factor: 20, controllers: workloadControllers });
    await writeFile(file("one.kubeconfig"), (await simulation.addCluster("one")).kubeconfig);
    expect(await run("up", "--port", "0", "--no-hints")).toMatchObject({ code: 0 });
    expect(await run("runtime", "add", "one", "--kubeconfig", file("one.kubeconfig"))).toMatchObject({ code: 0 });
    expect(await run("env", "create", "dev", "--runtime", "one")).toMatchObject({ code: 0 });
  }, 60_000);
  afterAll(async () => {
    await home?.[Symbol.asyncDispose]();
    await simulation?.[Symbol.asyncDispose]();
  });

  test("a folder is deployed with values and dependencies; the same again changes nothing; another value runs the hook again", async () => {
    const given = [chart, "--env", "dev", "--values", values, "--dependencies", resources];
    const created = await run("deploy", ...given);
    expect(created).toMatchObject({ code: 0, stderr: "" });
    expect(created.stdout).toMatch(/^workload guestbook created \(chart .*guestbook\)\ndeployment guestbook-dev created in environment dev\n/);
    const objects = (await run("render", ...given)).stdout;
    expect(objects).toContain("Guests are written down at guestbook-cache-redis.default-dev.svc:6379.");
    expect(objects).toMatch(/name: guestbook-prepare-[0-9a-f]{8}/);
    expect(objects).toMatch(/threeport\.io\/wave: ["']-10000["']/);
    expect((await run("deploy", ...given)).stdout).toMatch(/^workload guestbook unchanged/);
    expect((await run("diff", ...given)).stdout).not.toMatch(/^[+-]/m);
    const changed = await run("diff", ...given, "--override-property", "greeting=Salut");
    expect(changed.stdout).toMatch(/^\+.*Salut from chart guestbook 1\.0\.0/m);
    expect(changed.stdout).toMatch(/^\+.*guestbook-prepare-/m);
  }, 60_000);

  test("a packed chart is deployed under the name in front of its version; what .helmignore names stays outside", async () => {
    const folder = file("own");
    await cp(chart, folder, { recursive: true });
    await writeFile(join(folder, ".helmignore"), "notes/\n*.bak\n");
    await mkdir(join(folder, "notes"));
    await writeFile(join(folder, "notes", "x.txt"), "x");
    await writeFile(join(folder, "templates", "broken.yaml.bak"), "{{");
    await symlink("/etc/hostname", join(folder, "linked"));
    expect((await run("validate", folder)).stderr).toContain("linked is no file: a chart is packed of files and folders\nhint: put the file itself there");
    await rm(join(folder, "linked"));
    expect((await run("validate", folder)).stdout).toBe(
      `workload guestbook is valid (chart ${folder}); what it renders to is checked by tptctl render, with an environment\n`,
    );
    await run("deploy", folder, "--name", "packed", "--env", "dev", "--no-wait");
    const definition = JSON.parse((await run("get", "workloaddefinition", "packed", "-o", "json")).stdout) as {
      spec: { source: { helm: { chart: { archive: string } } } };
    };
    await writeFile(file("guestbook-1.0.0.tgz"), Buffer.from(definition.spec.source.helm.chart.archive, "base64"));
    expect((await run("validate", file("guestbook-1.0.0.tgz"))).stdout).toMatch(/^workload guestbook is valid/);
    const rendered = await run("render", file("guestbook-1.0.0.tgz"), "--env", "dev");
    expect(rendered).toMatchObject({ code: 8, stdout: "" });
    expect(rendered.stderr).toMatch(/ChartFailed: the chart in the definition: .*set redis\.host/s);
  });

  test.each<[string, () => Promise<string[]>, RegExp]>([
    [
      "another dependency",
      async () => [chart, "--values", await write("v.yaml", 'a: 1\nredis:\n  host: "${resources.casche.host}"\n'), "--dependencies", resources],
      /v\.yaml:3:3 redis\.host: Invalid value: "\$\{resources\.casche\.host\}": there is no dependency "casche"; there are cache/,
    ],
    [
      "an unknown field",
      async () => [chart, "--dependencies", await write("r.yaml", "resources:\n  cache:\n    typ: redis\n")],
      /r\.yaml:\d:\d resources\.cache/,
    ],
    ["no resources", async () => [chart, "--dependencies", await write("n.yaml", "cache: {}\n")], /n\.yaml must be one document with resources/],
    ["an image", async () => [chart, "--image", "a:1"], /--image is for Score workloads, and this is a chart/],
    [
      "a chart of the web without a version",
      () => Promise.resolve(["oci://ghcr.io/org/charts/web"]),
      /chart web of oci:\/\/ghcr\.io\/org\/charts needs --version/,
    ],
    ["an address", () => Promise.resolve(["https://example.com/web.tgz"]), /named by its repository and its name/],
    [
      "values for manifests",
      async () => [await write("m.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"), "--values", values],
      /--values is for charts/,
    ],
  ])("%s is told with what to do", async (_, args, says) => {
    expect((await run("deploy", ...(await args()), "--env", "dev", "--no-wait")).stderr).toMatch(says);
  });

  test("manifests have their dependencies from a file too", async () => {
    const manifest = await write("plain.yaml", await readFile(join(examples, "../web/backend.yaml"), "utf8"));
    const other = await write("other.yaml", "resources:\n  store: { type: redis }\n");
    expect(await run("deploy", manifest, "--name", "plain", "--env", "dev", "--dependencies", other)).toMatchObject({ code: 0 });
    expect((await run("tree", "plain-dev")).stdout).toMatch(/Dependency\/dev\.redis\.plain\.store/);
    // Both workloads of the project stand in one namespace, where the name of the Secret is taken.
    const clash = await run("deploy", manifest, "--name", "plain", "--env", "dev", "--dependencies", resources);
    expect(clash).toMatchObject({ code: 8, stderr: expect.stringContaining("Secret default-dev/cache was not applied: somebody else owns it") as string });
  }, 60_000);
});

// Profiles and dependencies by tptctl, against a real control plane: each command a process, as a user runs it.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { createTestHome, eventually, type TestHome } from "./testing/tptctl.ts";

/** Nobody answers there: what is static needs no cluster. */
const unreachable = JSON.stringify({
  apiVersion: "v1",
  kind: "Config",
  "current-context": "gone",
  clusters: [{ name: "gone", cluster: { server: "http://127.0.0.1:1" } }],
  users: [{ name: "gone", user: {} }],
  contexts: [{ name: "gone", context: { cluster: "gone", user: "gone" } }],
});
const profileOf = (name: string, spec: object): string =>
  JSON.stringify({ apiVersion: "threeport.io/v1alpha1", kind: "DependencyProfile", metadata: { name }, spec });
const vault = {
  type: "vault",
  generated: { token: "password(24)", id: "uuid()" },
  rotatable: ["token"],
  provisioner: { static: {} },
  outputs: { host: { value: "one.example.com" }, token: { value: "${generated.token}", secret: true } },
};
const claim = JSON.stringify({
  apiVersion: "threeport.io/v1alpha1",
  kind: "DependencyClaim",
  metadata: { name: "app.vault" },
  spec: { environment: "dev", targetNamespace: "default-dev", type: "vault", id: "common", workload: "app", resource: "vault" },
});

let home: TestHome;
const file = (name: string): string => join(home.folder, "..", name);
const run = (line: string, input?: string) => home.run(line.split(" "), input === undefined ? {} : { input });

beforeAll(async () => {
  home = await createTestHome();
  await writeFile(file("gone.kubeconfig"), unreachable);
  expect(await run("up --port 0 --no-hints")).toMatchObject({ code: 0 });
  expect(await home.run(["runtime", "add", "gone", "--kubeconfig", file("gone.kubeconfig"), "--no-wait"])).toMatchObject({ code: 0 });
  expect(await run("env create dev --runtime gone")).toMatchObject({ code: 0 });
}, 60_000);
afterAll(() => home?.[Symbol.asyncDispose]());

test("profiles are listed with where they may be used, and explained with what they take and give", async () => {
  const listed = await run("profile list");
  expect(listed.stdout).toMatch(/^NAME +TYPE +CLASS +PROVISIONER +PRIORITY +BUILT-IN +WHERE\n/);
  expect(listed.stdout).toMatch(/^redis-v1 +redis +default +manifests +-100 +yes +everywhere$/m);
  expect((await run("profile list --type redis -o name")).stdout).toBe("dependencyprofile/redis-v1\n");
  expect(await run("profile list --type nothing")).toMatchObject({
    code: 0,
    stdout: "",
    stderr: expect.stringContaining("there is no profile of type nothing") as string,
  });
  const elsewhere = profileOf("elsewhere", { ...vault, type: "redis", match: { tiers: ["production"] } });
  expect(await run("apply -f -", elsewhere)).toMatchObject({ code: 0 });
  const explained = await run("profile explain redis --env dev");
  expect(explained.stdout).toMatch(/^a new redis in environment dev, on runtime gone, is met by profile redis-v1 \(manifests\)\n/);
  expect(explained.stdout).toMatch(/^ {2}elsewhere +no +is for the tiers production, and dev is development$/m);
  expect(parse((await run("profile explain redis --env dev -o yaml")).stdout)).toMatchObject({ chosen: "redis-v1", profile: { type: "redis" } });
  expect(await run("profile explain oracle --env dev")).toMatchObject({
    code: 4,
    stderr: expect.stringMatching(/^error: there is no profile of type oracle\nhint: there are profiles of the types amqp, .*redis/) as string,
  });
  expect(await run("profile explain redis --class big --env dev")).toMatchObject({
    code: 4,
    stderr: expect.stringContaining("for the class default") as string,
  });
  expect(await run("profile explain redis --env nowhere")).toMatchObject({
    code: 4,
    stderr: expect.stringContaining("there is no environment nowhere") as string,
  });
  expect(await run("delete profile elsewhere")).toMatchObject({ code: 0 });
});

test("a profile that is being written is tried: objects, outputs, and marks for what nobody knows yet", async () => {
  const text = `apiVersion: threeport.io/v1alpha1
kind: DependencyProfile
metadata: {name: tried}
spec:
  type: app-db
  params: {properties: {size: {type: integer, minimum: 1}}, required: [size]}
  generated: {password: password(24)}
  requires: {instance: {type: postgres-instance}}
  provisioner:
    manifests:
      objects:
        - {apiVersion: v1, kind: Secret, metadata: {name: "\${name}"}, stringData: {password: "\${generated.password}"}}
        - {apiVersion: v1, kind: ConfigMap, metadata: {name: "\${name}"}, data: {host: "\${requires.instance.host}", port: "\${string(requires.instance.port)}", size: "\${string(params.size)}"}}
  outputs:
    password: {value: "\${generated.password}", secret: true}
    place: {value: "\${targetNamespace}/\${environment.name}"}
`;
  await writeFile(file("tried.yaml"), text);
  await writeFile(file("params.yaml"), "# asked for\nsize: 3\n");
  const tried = await home.run(["profile", "render", file("tried.yaml"), "--env", "dev", "--name", "shop", "--params", `@${file("params.yaml")}`]);
  expect(tried).toMatchObject({ code: 0, stderr: "" });
  const objects = parseAllDocuments(tried.stdout).flatMap((document) => (document.toJS() === null ? [] : [document.toJS() as object]));
  expect(objects).toMatchObject([
    { kind: "Secret", metadata: { name: "shop" }, stringData: { password: "<generated.password>" } },
    { kind: "ConfigMap", data: { host: "<requires.instance.host>", port: "5432", size: "3" } },
  ]);
  expect(tried.stdout).toContain("# outputs:\n#   place: default-dev/dev\n# outputs, in a Secret only:\n#   password: <generated.password>\n");
  const given = await home.run([
    "profile",
    "render",
    file("tried.yaml"),
    "--params",
    '{"size": 1}',
    "--requires",
    '{"instance": {"host": "db"}}',
    "-o",
    "json",
  ]);
  expect(JSON.parse(given.stdout)).toMatchObject({
    objects: [{}, { data: { host: "db" } }],
    outputs: { values: { place: "<targetNamespace>/<environment.name>" } },
  });
  // Nothing of it is there.
  expect((await run("profile list --type app-db")).stdout).toBe("");

  const wrong = await home.run(["profile", "render", file("tried.yaml"), "--params", "{}"]);
  expect(wrong).toMatchObject({ code: 3, stderr: expect.stringMatching(/--params params\.size: Required value/) as string });
  await writeFile(file("params.yaml"), "# asked for\nsize: none\n");
  const inFile = await home.run(["profile", "render", file("tried.yaml"), "--params", `@${file("params.yaml")}`]);
  expect(inFile).toMatchObject({ code: 3, stderr: expect.stringContaining("params.yaml:2:1 size: ") as string });
  const faults = text.replace("${name}", "${nam}").replace("secret: true", "secrets: true");
  await writeFile(file("faults.yaml"), faults);
  expect(await home.run(["profile", "render", file("faults.yaml")])).toMatchObject({
    code: 3,
    stderr: expect.stringMatching(/faults\.yaml:15:\d+ spec\.outputs\.password\.secrets: unknown field "spec\.outputs\.password\.secrets"/) as string,
  });
  await writeFile(file("faults.yaml"), text.replace("${name}", "${nam}"));
  expect(await home.run(["profile", "render", file("faults.yaml")])).toMatchObject({
    code: 3,
    stderr: expect.stringMatching(/faults\.yaml:12:\d+ spec\.provisioner\.manifests\.objects\[0\]\.metadata\.name: .*nam/) as string,
  });
  await writeFile(file("faults.yaml"), text.replace("${string(params.size)}", "${generated.password}").replace(", secret: true", ""));
  const leaking = await home.run(["profile", "render", file("faults.yaml"), "--params", '{"size": 1}']);
  expect(leaking).toMatchObject({ code: 3 });
  expect(leaking.stderr).toMatch(/faults\.yaml:13:\d+ spec\.provisioner\.manifests\.objects\[1\]\.data\.size: ConfigMap .* holds generated\.password/);
  expect(leaking.stderr).toMatch(/faults\.yaml:15:\d+ spec\.outputs\.password: it holds a secret value/);
});

test("a route is tried without a gateway and a workload: marks and an example, unless they are said", async () => {
  const tried = JSON.parse((await run("profile render --stored route-v1 --env dev --name shop -o json")).stdout) as object;
  const host = "example-default-dev.localhost";
  expect(tried).toMatchObject({
    services: { gateway: { host } },
    objects: [
      {
        kind: "HTTPRoute",
        spec: {
          hostnames: [host],
          parentRefs: [{ name: "<services.gateway.name>", namespace: "<services.gateway.namespace>" }],
          rules: [{ backendRefs: [{ name: "example", port: 80 }] }],
        },
      },
    ],
  });
  const said = await home.run([
    ...["profile", "render", "--stored", "route-v1", "--params", '{"port": "web"}', "--services", '{"gateway": {"name": "edge"}}', "--workload"],
    '{"name": "shop", "kind": "Deployment", "service": "shop-web", "ports": [{"name": "web", "port": 8080, "protocol": "TCP"}]}',
  ]);
  expect(parseAllDocuments(said.stdout)[0]?.toJS()).toMatchObject({
    spec: {
      hostnames: ["<hostLabel>.<environment.baseDomain>"],
      parentRefs: [{ name: "edge", namespace: "<services.gateway.namespace>" }],
      rules: [{ backendRefs: [{ name: "shop-web", port: 8080 }] }],
    },
  });
  expect(said.stdout).toContain("# support services, and what they are told:\n#   gateway:\n#     host: <hostLabel>.<environment.baseDomain>\n");
  expect((await run('profile render --stored secret-v1 --params {"name":"keys"}')).stdout).toContain("#   <each key>: <value of Secret keys>\n");
  expect((await run("profile explain route --env dev")).stdout).toMatch(
    /^support services of the runtime: gateway\n\nmade together with the workload, which does not wait for it/m,
  );
});

test.each<[string, number, string]>([
  ["profile render --stored route-v1 --workload [1", 2, "write a JSON object, such as --workload"],
  ["profile render --stored route-v1 --workload {}", 3, "spec.sourceWorkload.name"],
  ["profile render", 2, "say which profile: a FILE, or --stored NAME"],
  ["profile render --stored redis-v1 --params [1", 2, "write a JSON object, such as --params"],
  ["profile render --stored nobody", 4, "nobody"],
  ["profile render --stored redis-v1 --params @nowhere.yaml", 4, "there is no nowhere.yaml"],
  ["dependency rotate nobody", 4, "there is no dependency nobody in project default"],
  ["dependency rematch nobody", 4, "there is no dependency nobody in project default"],
  ["graph -o text", 2, "dot|mermaid|json"],
])("%s ends with %i and says what to do", async (line, code, words) => {
  expect(await run(line)).toMatchObject({ code, stderr: expect.stringContaining(words) as string });
});

test("values are made anew, and a profile is chosen anew when somebody says yes", { timeout: 60_000 }, async () => {
  expect(await run("apply -f -", profileOf("vault-one", vault))).toMatchObject({ code: 0 });
  expect(await run("apply -f -", claim)).toMatchObject({ code: 0 });
  expect(await run("wait dependency/dev.vault.common --for=condition=Ready --timeout 20s")).toMatchObject({ code: 0 });
  expect((await run("dependency list")).stdout).toMatch(/^dev\.vault\.common +True +Provided +vault +dev +vault-one +1 /m);
  const output = async (): Promise<unknown> =>
    (parse((await run("get secret dependency-dev.vault.common -o yaml")).stdout) as { data: { token: string } }).data.token;
  const before = await output();
  expect(await run("dependency rotate dev.vault.common")).toMatchObject({
    code: 0,
    stdout: "token of dev.vault.common is made anew; it is used by app.vault, whose pods are replaced\ndev.vault.common is ready with the new values\n",
  });
  expect(await output()).not.toBe(before);
  expect(await run("dependency rotate dev.vault.common --value id")).toMatchObject({
    code: 3,
    stderr: expect.stringContaining("profile vault-one does not call id rotatable: what it makes keeps the value that it got first") as string,
  });

  expect(await run("dependency rematch dev.vault.common --yes")).toMatchObject({
    code: 0,
    stdout: "dev.vault.common stays with vault-one: it is the only one that fits\n",
  });
  const two = { ...vault, rotatable: [], priority: 1, outputs: { ...vault.outputs, host: { value: "two.example.com" } } };
  expect(await run("apply -f -", profileOf("vault-two", two))).toMatchObject({ code: 0 });
  const told =
    "dev.vault.common would be met by vault-two, which has the highest priority, 1, and no more by vault-one\nprofile vault-one made nothing that would be lost\n";
  expect(await run("dependency rematch dev.vault.common --dry-run")).toMatchObject({ code: 0, stdout: expect.stringContaining(told) as string });
  expect(await run("dependency rematch dev.vault.common")).toMatchObject({
    code: 2,
    stderr: "error: nothing was changed\nhint: if what is listed may be lost: tptctl dependency rematch dev.vault.common --yes\n",
  });
  expect((await run("dependency list")).stdout).toContain("vault-one");
  expect(await run("dependency rematch dev.vault.common --yes")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("dev.vault.common is met by vault-two\n") as string,
  });
  expect(parse((await run("get dependency dev.vault.common -o yaml")).stdout)).toMatchObject({
    spec: { profile: "vault-two" },
    status: { outputs: { values: { host: "two.example.com" } } },
  });
  expect(await run("dependency rotate dev.vault.common")).toMatchObject({
    code: 3,
    stderr: expect.stringContaining("does not call token, id rotatable") as string,
  });

  const graph = JSON.parse((await run("graph --env dev -o json")).stdout) as { nodes: object[]; edges: object[] };
  expect(graph).toMatchObject({ nodes: [{ id: "Dependency/dev.vault.common", type: "vault", profile: "vault-two", ready: "True" }], edges: [] });
  expect((await run("graph -o dot")).stdout).toMatch(/^digraph "default" \{\n.*"Dependency\/dev\.vault\.common" \[shape=cylinder/s);
  expect((await run("graph -o mermaid")).stdout).toBe('flowchart LR\n  n0[("dev.vault.common<br/>vault by vault-two")]\n');
  expect(await run("graph nobody -o json")).toMatchObject({ code: 4 });
});

test("a changed profile: what it would change is shown beforehand, what waits is taken by command", async () => {
  const kept = (text: string, updatePolicy = "Never") =>
    profileOf("kept", { type: "kept", updatePolicy, provisioner: { static: {} }, outputs: { text: { value: text } } });
  const need = JSON.stringify({
    apiVersion: "threeport.io/v1alpha1",
    kind: "DependencyClaim",
    metadata: { name: "app.kept" },
    spec: { environment: "dev", targetNamespace: "default-dev", type: "kept", id: "one", workload: "app", resource: "kept" },
  });
  expect(await run("apply -f -", kept("first"))).toMatchObject({ code: 0 });
  expect(await run("apply -f -", need)).toMatchObject({ code: 0 });
  expect(await run("wait dependency/dev.kept.one --for=condition=Ready --timeout=20s")).toMatchObject({ code: 0 });
  expect(await run("dependency update dev.kept.one")).toMatchObject({ code: 0, stdout: "dev.kept.one has what its profile kept says now: nothing waits\n" });
  await writeFile(file("kept.yaml"), kept("second"));
  expect(await home.run(["profile", "diff", file("kept.yaml")])).toMatchObject({ code: 0, stdout: "default/dev.kept.one: nothing would change (0 objects)\n" });
  await writeFile(file("bad.yaml"), profileOf("kept", { type: "kept", provisioner: { static: {} }, outputs: { text: { value: "${params.}" } } }));
  const bad = await home.run(["profile", "diff", file("bad.yaml"), "--exit-code"]);
  expect(bad).toMatchObject({ stdout: "", stderr: expect.stringMatching(/bad\.yaml:1:\d+ spec\.outputs\.text/) as string });
  expect(bad.code).not.toBe(0);
  await writeFile(file("other.yaml"), profileOf("other", { type: "other", provisioner: { static: {} } }));
  expect(await home.run(["profile", "diff", file("other.yaml")])).toMatchObject({
    code: 0,
    stderr: "no dependency is met by profile other: nothing would change\n",
  });
  expect(await home.run(["apply", "-f", file("kept.yaml")])).toMatchObject({ code: 0 });
  await eventually("the newer generation to be noticed", async () =>
    /dev\.kept\.one .*1 → 2 \(Never\)/.test((await run("dependency list")).stdout) ? true : undefined,
  );
  const updated = await run("dependency update dev.kept.one");
  expect(updated).toMatchObject({ code: 0 });
  expect(updated.stdout).toMatch(/^dev\.kept\.one takes generation 2 of profile kept in place of 1; it is used by app\.kept\n/);
  expect(parse((await run("get dependency dev.kept.one -o yaml")).stdout)).toMatchObject({ status: { outputs: { values: { text: "second" } } } });
}, 60_000);

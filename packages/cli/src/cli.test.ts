// tptctl against a real control plane of its own, each command a process, as a user runs it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer as createTlsServer } from "node:https";
import { createServer, type AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createAuthority, issue } from "@threeport/platform/pki";
import { createClient, parseKubeconfig, type KubeClient } from "@threeport/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { writeDefinition } from "./deploy/write-workload.ts";
import { workloadDefinition } from "./kinds.ts";
import { productVersion } from "./version.ts";
import { createTestHome, eventually, type TestHome } from "./testing/tptctl.ts";

const hourMs = 3_600_000;

interface ServerFile {
  readonly pid: number;
  readonly url: string;
}

async function serverFile(home: TestHome): Promise<ServerFile> {
  return JSON.parse(await readFile(join(home.folder, "server.json"), "utf8")) as ServerFile;
}

const configMap = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata: {a: b}\n`;

/** A kubeconfig of a cluster that nobody answers for. */
const unreachable = JSON.stringify({
  apiVersion: "v1",
  kind: "Config",
  "current-context": "gone",
  clusters: [{ name: "gone", cluster: { server: "http://127.0.0.1:1" } }],
  users: [{ name: "gone", user: {} }],
  contexts: [{ name: "gone", context: { cluster: "gone", user: "gone" } }],
});

describe("without a control plane", () => {
  test("help, versions and completions need none", async () => {
    await using home = await createTestHome();
    const [help, version, unknown, completion, words] = await Promise.all([
      home.run(["--help"]),
      home.run(["--version"]),
      home.run(["deplyo"]),
      home.run(["completion", "bash"]),
      home.run(["__complete", "runtime", ""]),
    ]);
    expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining("deploy") as string });
    expect(version).toMatchObject({ code: 0, stdout: `${productVersion}\n` });
    expect(unknown).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(/^error: there is no command "deplyo"; did you mean `deploy`\?\nhint: /) as string,
    });
    expect(completion.stdout).toContain("complete -o default -F _tptctl tptctl");
    expect(words.stdout.split("\n")).toEqual(expect.arrayContaining(["add", "claim", "delete", "list"]));
  });

  test("every command that needs one says how to start it, with the exit code for unavailable", async () => {
    await using home = await createTestHome();
    for (const args of [["get", "ns"], ["deploy", "-", "--name", "x", "--env", "dev"], ["runtime", "list"], ["tree"]]) {
      expect(await home.run(args, { input: configMap("a") })).toMatchObject({
        code: 7,
        stderr: expect.stringMatching(/^error: there is no control plane in .*\nhint: start one with tptctl up/) as string,
      });
    }
    expect(await home.run(["status"])).toMatchObject({ code: 7, stdout: expect.stringContaining("does not run") as string });
    expect(await home.run(["down"])).toMatchObject({ code: 0, stdout: expect.stringContaining("nothing runs") as string });
  });

  test("a port that is taken ends the start with the server's own words, and nothing stays behind", async () => {
    await using home = await createTestHome();
    const squatter = createServer().listen(0, "127.0.0.1");
    await once(squatter, "listening");
    try {
      const { port } = squatter.address() as { port: number };
      const up = await home.run(["up", "--port", String(port)]);
      expect(up).toMatchObject({ code: 7, stderr: expect.stringContaining(`port ${port} on 127.0.0.1 is taken`) as string });
      expect(up.stderr).toContain(join(home.folder, "logs", "server.log"));
      expect(await home.run(["status"])).toMatchObject({ code: 7 });
    } finally {
      squatter.close();
    }
  });
});

describe("the life of a control plane", () => {
  test("up, up again, kill -9, up, down, down again", async () => {
    await using home = await createTestHome();
    const first = await home.run(["up", "--port", "0"]);
    expect(first).toMatchObject({ code: 0, stdout: expect.stringMatching(/next:\n.*\n {2}tptctl runtime add /) as string });
    const server = await serverFile(home);
    const again = await home.run(["up"]);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining(`already runs at ${server.url} (process ${server.pid})`) as string });
    const kubeconfig = parse(await readFile(join(home.folder, "kubeconfig"), "utf8")) as {
      clusters: { cluster: { server: string } }[];
      "current-context": string;
    };
    expect(kubeconfig).toMatchObject({ "current-context": "threeport", clusters: [{ cluster: { server: server.url } }] });

    process.kill(server.pid, "SIGKILL");
    expect(await home.run(["get", "ns"])).toMatchObject({
      code: 7,
      stderr: expect.stringMatching(/cannot be reached: connection refused.*\nhint: .*tptctl up/s) as string,
    });
    expect(await home.run(["status"])).toMatchObject({ code: 7 });
    expect(await home.run(["up", "--port", "0"])).toMatchObject({ code: 0 });
    const second = await serverFile(home);
    expect(second.pid).not.toBe(server.pid);
    expect(second.url).toBe(server.url);

    expect(await home.run(["down"])).toMatchObject({ code: 0, stdout: expect.stringContaining("the control plane has stopped") as string });
    await expect(access(join(home.folder, "server.json"))).rejects.toThrow();
    expect((parse(await readFile(join(home.folder, "kubeconfig"), "utf8")) as { contexts: unknown[] }).contexts).toEqual([]);
    expect(await home.run(["down"])).toMatchObject({ code: 0, stdout: expect.stringContaining("nothing runs") as string });
  });

  test("down never signals a process that only has the number of the server", async () => {
    await using home = await createTestHome();
    const innocent = spawn("sleep", ["600"], { stdio: "ignore" });
    try {
      await mkdir(home.folder, { recursive: true });
      await writeFile(join(home.folder, "server.json"), JSON.stringify({ pid: innocent.pid, url: "https://127.0.0.1:1", version: "0", startedAt: "" }));
      expect(await home.run(["down"])).toMatchObject({ code: 0, stdout: expect.stringContaining("nothing runs") as string });
      expect([innocent.exitCode, innocent.signalCode]).toEqual([null, null]);
    } finally {
      innocent.kill("SIGKILL");
      await once(innocent, "exit");
    }
  });

  test("two starts at the same moment end with one control plane, and both say that it runs", async () => {
    await using home = await createTestHome();
    const both = await Promise.all([home.run(["up", "--port", "0"]), home.run(["up", "--port", "0"])]);
    expect(both.map(({ code, stderr }) => ({ code, stderr }))).toEqual([
      { code: 0, stderr: "" },
      { code: 0, stderr: "" },
    ]);
    expect(await home.run(["status"])).toMatchObject({ code: 0 });
  });

  test("in the foreground it ends with its terminal's signal, as a graceful stop", async () => {
    await using home = await createTestHome();
    const ran = await home.run(["up", "--foreground", "--port", "0"], { endWhen: { output: /for kubectl: export KUBECONFIG=/, signal: "SIGTERM" } });
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining("the control plane stops") as string });
    expect(await home.run(["status"])).toMatchObject({ code: 7 });
  });

  test("without THREEPORT_HOME the context joins the user's kubeconfig and leaves it again", async () => {
    await using home = await createTestHome();
    const kubeconfig = join(home.folder, "..", "kubeconfig-of-the-user");
    const theirs = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "prod", cluster: { server: "https://prod:1" } }],
      contexts: [{ name: "prod", context: { cluster: "prod", user: "" } }],
      users: [],
      "current-context": "prod",
    };
    await writeFile(kubeconfig, JSON.stringify(theirs), { mode: 0o644 });
    // The default home, in a data folder of its own; createTestHome's down stops it by the same path.
    const env = { THREEPORT_HOME: undefined, XDG_DATA_HOME: join(home.folder, "..", "data"), KUBECONFIG: `${kubeconfig}:/nowhere` };
    try {
      expect(await home.run(["up", "--port", "0"], { env })).toMatchObject({
        code: 0,
        stdout: expect.stringContaining("kubectl config use-context threeport") as string,
      });
      const merged = parse(await readFile(kubeconfig, "utf8")) as { contexts: { name: string }[]; "current-context": string };
      expect(merged.contexts.map(({ name }) => name)).toEqual(["prod", "threeport"]);
      expect(merged["current-context"]).toBe("prod");
    } finally {
      expect(await home.run(["down"], { env })).toMatchObject({ code: 0, stdout: expect.stringContaining("context threeport was removed") as string });
    }
    expect(parse(await readFile(kubeconfig, "utf8"))).toEqual(theirs);
  });
});

describe("with a control plane", () => {
  let home: TestHome;
  let cluster: string;
  const folder = (): string => join(home.folder, "..");

  beforeAll(async () => {
    home = await createTestHome();
    cluster = join(folder(), "gone.kubeconfig");
    await writeFile(cluster, unreachable);
    expect(await home.run(["up", "--port", "0", "--no-hints"])).toMatchObject({ code: 0 });
    expect(await home.run(["runtime", "add", "gone", "--kubeconfig", cluster, "--no-wait"])).toMatchObject({ code: 0 });
    expect(await home.run(["env", "create", "dev", "--runtime", "gone"])).toMatchObject({
      code: 0,
      stdout: "environment dev created on runtime gone (development)\n",
    });
    expect(await home.run(["deploy", "-", "--name", "late", "--env", "dev", "--project", "shop", "--no-wait"], { input: configMap("late") })).toMatchObject({
      code: 0,
      stdout:
        "project shop created\nworkload late created (1 object)\ndeployment late-dev created in environment dev\nlook at it with tptctl tree late-dev -n shop\n",
    });
  });
  afterAll(() => home[Symbol.asyncDispose]());

  test("a cluster that does not answer is added, told about, and stays", async () => {
    const added = await home.run(["runtime", "add", "gone", "--kubeconfig", cluster, "--timeout", "1s"]);
    expect(added).toMatchObject({
      code: 8,
      stderr: expect.stringMatching(/^error: runtime gone is not ready after 1.0 s: .*127.0.0.1:1 cannot be reached.*\nhint: /s) as string,
    });
    expect((await home.run(["runtime", "list"])).stdout).toMatch(/^NAME +READY +REASON +PROVIDER +VERSION +AGE\ngone +False +Unreachable +kubeconfig/);
    expect((await home.run(["get", "secret", "runtime-gone", "-n", "threeport-system", "-o", "name"])).stdout).toBe("secret/runtime-gone\n");
  });

  test("an environment needs a runtime, and making it twice is one", async () => {
    expect(await home.run(["env", "create", "dev", "--runtime", "nowhere"])).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("there is no runtime nowhere") as string,
    });
    expect(await home.run(["env", "create", "dev", "--runtime", "gone"])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("there already") as string,
    });
    expect(await home.run(["env", "create", "dev", "--runtime", "gone", "--tier", "production"])).toMatchObject({ code: 5 });
  });

  test("a deploy that does not become healthy in time says why and what next, and goes on", async () => {
    const late = await home.run(["deploy", "-", "--name", "late", "--env", "dev", "--project", "shop", "--timeout", "1s"], { input: configMap("late") });
    expect(late).toMatchObject({ code: 8, stdout: expect.stringContaining("workload late unchanged (1 object)\n") as string });
    expect(late.stderr).toMatch(/^error: late-dev is not ready after 1.0 s: .+\n(?: .*\n)*hint: it goes on by itself; tptctl why late-dev -n shop /);
    expect(late.stdout + late.stderr).not.toMatch(/\u001b/);
    expect((await home.run(["get", "wi", "-n", "shop", "-o", "name"])).stdout).toBe("workloadinstance.threeport.io/late-dev\n");
  });

  test("Ctrl-C while waiting leaves the deployment as it is and says so", async () => {
    const ran = await home.run(["deploy", "-", "--name", "left", "--env", "dev"], {
      input: configMap("left"),
      endWhen: { output: /left-dev: /, signal: "SIGINT" },
    });
    expect(ran).toMatchObject({
      code: 130,
      stderr: expect.stringContaining("the deployment goes on without you; look at it with tptctl tree left-dev") as string,
    });
    expect(await home.run(["get", "wi/left-dev", "-o", "name"])).toMatchObject({ code: 0 });
  });

  test("the same documents again write nothing, other documents make a new generation", async () => {
    const deploy = (value: string) =>
      home.run(["deploy", "-", "--name", "same", "--env", "dev", "--no-wait"], { input: configMap("x").replace("a: b", `a: ${value}`) });
    const version = async () =>
      (JSON.parse((await home.run(["get", "wd/same", "-o", "json"])).stdout) as { metadata: { generation: number } }).metadata.generation;
    expect((await deploy("one")).stdout).toContain("workload same created");
    expect((await deploy("one")).stdout).toContain("workload same unchanged");
    expect(await version()).toBe(1);
    expect((await deploy("two")).stdout).toContain("workload same configured");
    expect(await version()).toBe(2);
  });

  test("what the control plane writes into the definition meanwhile is no reason to refuse a deploy", async () => {
    await home.run(["deploy", "-", "--name", "noted", "--env", "dev", "--no-wait"], { input: configMap("x") });
    await using client = createClient(parseKubeconfig(await readFile(join(home.folder, "kubeconfig"), "utf8")));
    const target = { ...workloadDefinition, namespace: "default", name: "noted" };
    const get: KubeClient["get"] = async (...given) => {
      const read = await client.get(...given);
      await client.patch(target, { metadata: { annotations: { "example.com/noted": "meanwhile" } } });
      return read as never;
    };
    const source = { manifests: { objects: [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" }, data: { a: "other" } }] } };
    const wanted = { project: "default", definition: "noted", instance: "noted-dev", environment: "dev", source, values: undefined, replicas: undefined };
    const written = await writeDefinition({ ...client, get }, wanted, new AbortController().signal);
    expect(written).toEqual({ change: "configured", generation: 2 });
  });

  test("a Score workload is rendered and compared as the control plane would apply it, and deployed with what is different here", async () => {
    const file = join(folder(), "score.yaml");
    await writeFile(
      file,
      `apiVersion: score.dev/v1b1
metadata: {name: app}
service: {ports: {web: {port: 80}}}
containers: {web: {image: ., variables: {LEVEL: "\${resources.env.LEVEL}"}}}
resources: {env: {type: environment}}
`,
    );
    const run = (command: string, ...more: string[]) => home.run([command, file, "--env", "dev", "--image", "example.com/app:1", ...more]);
    expect(await run("render")).toMatchObject({
      code: 8,
      stderr: expect.stringMatching(
        /^error: app would have no objects in environment dev: ScoreInvalid: containers.web.variables.LEVEL: .*resource env has no LEVEL here/,
      ) as string,
    });
    const patch = join(folder(), "env.yaml");
    await writeFile(patch, "apiVersion: threeport.io/v1alpha1\nkind: Environment\nmetadata: {name: dev}\nspec: {runtime: gone, variables: {LEVEL: debug}}\n");
    expect(await home.run(["apply", "-f", patch])).toMatchObject({ code: 0 });
    const rendered = await run("render");
    expect(parseAllDocuments(rendered.stdout).map((document) => (document.toJS() as { kind: string }).kind)).toEqual(["Service", "Deployment"]);
    expect(rendered.stdout).toContain("value: debug");
    expect((await run("render")).stdout).toBe(rendered.stdout);
    expect(await run("diff", "--exit-code")).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/app-dev: 2 would be created \(of 2 objects\)\n$/) as string,
    });
    expect((await run("deploy", "--no-wait", "--replicas", "3", "--override-property", "containers.web.variables.SIZE=large")).stdout).toBe(
      "workload app created (1 container)\ndeployment app-dev created in environment dev\nlook at it with tptctl tree app-dev\n",
    );
    const instance = JSON.parse((await home.run(["get", "wi/app-dev", "-o", "json"])).stdout) as { spec: object };
    expect(instance.spec).toMatchObject({ replicas: 3, values: { containers: { web: { variables: { SIZE: "large" } } } } });
    expect(await run("deploy", "--no-wait")).toMatchObject({ stderr: expect.stringContaining("notice: app-dev keeps values of its own") as string });
    expect((await run("deploy", "--no-wait", "--replicas", "2")).stdout).toContain("deployment app-dev configured\n");
  });

  test("what a workload needs of others is told when it is rendered before it is deployed: what nothing provides, or what only a deployment makes known", async () => {
    const file = join(folder(), "needs.yaml");
    const render = async (resources: string) => {
      await writeFile(file, `apiVersion: score.dev/v1b1\nmetadata: {name: needs}\ncontainers: {web: {image: nginx}}\nresources: ${resources}\n`);
      return home.run(["render", file, "--env", "dev"]);
    };
    expect((await render("{db: {type: postgres}, mail: {type: pigeon, class: grey}}")).stderr).toMatch(
      /^error: needs would have no objects in environment dev: NoProfile: no DependencyProfile provides mail \(pigeon of class grey\) in environment dev; /,
    );
    expect((await render("{db: {type: postgres}, cache: {type: redis}}")).stderr).toBe(
      "error: needs would have no objects in environment dev: WaitingForDependency: needs cache (redis), db (postgres), whose outputs are known once it is deployed\n" +
        "hint: tptctl validate checks a file by itself; tptctl deploy makes what is waited for\n",
    );
  });

  test("releases are listed with where they run; a deployment goes back to one, stays there, and follows again", async () => {
    const out = async (...args: string[]) => (await home.run([...args])).stdout;
    expect(await out("history", "same")).toMatch(/^RELEASE +CREATED +IMAGES +RUNS AS\nsame-2 +\S+Z(?: +same-dev)?\nsame-1 +\S+Z\n$/);
    expect(await out("history", "same-dev")).toBe(await out("history", "same"));
    expect(await out("rollback", "same-dev", "--to", "same-1")).toBe(
      "same-dev goes to release same-1 and stays there; tptctl rollback same-dev --to latest makes it follow again\n",
    );
    expect(await out("rollback", "same-dev", "--to", "same-1")).toBe("same-dev is at same-1 already\n");
    expect(await home.run(["deploy", "-", "--name", "same", "--env", "dev", "--no-wait"], { input: configMap("x") })).toMatchObject({
      stderr: "warning: same-dev is pinned to release same-1 and stays there; tptctl rollback same-dev --to latest makes it follow\n",
    });
    expect(await out("rollback", "same-dev", "--to", "latest")).toBe("same-dev follows its workload again\n");
    expect(await home.run(["rollback", "same-dev", "--to", "same-9"])).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("hint: there are same-") as string,
    });
    expect(await home.run(["history", "nobody"])).toMatchObject({ code: 4, stderr: expect.stringContaining("there are no releases of nobody") as string });
  });

  test("an object is changed in an editor; what is refused comes back with its reason, and giving up keeps the text", async () => {
    const editor = join(folder(), "editor.sh");
    const edit = async (script: string, ...args: string[]) => {
      await writeFile(editor, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      return home.run(["edit", ...args], { env: { EDITOR: `sh ${editor}` } });
    };
    expect(await edit(":", "env/dev")).toMatchObject({ code: 0, stdout: "environment.threeport.io/dev unchanged\n" });
    expect(await edit('sed -i "s/tier: development/tier: staging/" "$1"', "env", "dev")).toMatchObject({
      code: 0,
      stdout: "environment.threeport.io/dev edited\n",
    });
    expect((await home.run(["env", "describe", "dev"])).stdout).toMatch(
      /^name: dev\nruntime: gone\ntier: staging\n(?:.*\n)*ready: .*RuntimeNotReady.*\ndeployments:\n {2}PROJECT +DEPLOYMENT +READY/,
    );
    // The first try is refused; the second sees why, and mends it.
    const twice =
      'if grep -q "Unsupported value\\|supported values" "$1"; then sed -i "s/tier: nonsense/tier: development/" "$1"; else sed -i "s/tier: staging/tier: nonsense/" "$1"; fi';
    expect(await edit(twice, "env/dev")).toMatchObject({ code: 0, stdout: "environment.threeport.io/dev edited\n" });
    const lost = await edit('sed -i "s/tier: development/tier: nonsense/" "$1"', "env/dev");
    expect(lost).toMatchObject({ code: 3, stderr: expect.stringMatching(/hint: nothing was changed; your text is in \S+dev.yaml\n$/) as string });
    const file = /your text is in (\S+)/.exec(lost.stderr)?.[1] ?? "";
    expect(await readFile(file, "utf8")).toContain("tier: nonsense");
    await rm(dirname(file), { recursive: true });
    expect(await edit("exit 1", "env/dev")).toMatchObject({ code: 2, stderr: expect.stringContaining("set EDITOR to the program") as string });
    // An editor that dies takes nothing along.
    const died = await edit('echo "# mine" >> "$1"; exit 1', "env/dev");
    expect(died).toMatchObject({ code: 2, stderr: expect.stringMatching(/hint: nothing was changed; your text is in \S+dev.yaml\n$/) as string });
    await rm(dirname(/your text is in (\S+)/.exec(died.stderr)?.[1] ?? ""), { recursive: true });
  });

  test("what somebody else changed while an object was edited is replaced only by who says so", async () => {
    const editor = join(folder(), "conflicting-editor.sh");
    const program = fileURLToPath(new URL("main.ts", import.meta.url));
    const edit = async (note: string, then: string) => {
      await home.run(["apply", "-f", "-"], { input: configMap("both") });
      await writeFile(
        editor,
        `if grep -q "somebody else" "$1"; then ${then}; else sed -i "s/a: b/a: ${note}/" "$1"; echo '${configMap("both").replace("a: b", "a: theirs")}' | ${process.execPath} ${program} apply -f - >&2; fi\n`,
      );
      return home.run(["edit", "cm/both"], { env: { EDITOR: `sh ${editor}` } });
    };
    const now = async () => (JSON.parse((await home.run(["get", "cm/both", "-o", "json"])).stdout) as { data: object }).data;
    const left = await edit("mine", ":");
    expect(left).toMatchObject({ code: 5, stderr: expect.stringContaining("nothing was changed; your text is in ") as string });
    expect(await now()).toEqual({ a: "theirs" });
    const file = /your text is in (\S+)/.exec(left.stderr)?.[1] ?? "";
    expect(await readFile(file, "utf8")).toContain("a: mine");
    await rm(dirname(file), { recursive: true });
    expect(await edit("mine", 'sed -i 1d "$1"')).toMatchObject({ code: 0, stdout: expect.stringContaining("configmap/both edited\n") as string });
    expect(await now()).toEqual({ a: "mine" });
  });

  test("why leads from any object to what it waits for, here a cluster that does not answer; what is well says so", async () => {
    const unreached = /Cause: KubernetesRuntimeInstance\/gone: .*127\.0\.0\.1:1.*\nSince: 2/;
    for (const args of [["runtime/gone"], ["env", "dev"], ["late-dev", "-n", "shop"], ["wd/late", "-n", "shop"]]) {
      const told = await home.run(["why", ...args]);
      expect(told, told.stderr).toMatchObject({ code: 8, stdout: expect.stringMatching(unreached) as string });
    }
    expect((await home.run(["why", "wd/late", "-n", "shop"])).stdout).toMatch(
      /^WorkloadDefinition\/late \(shop\) .*\n {2}└─ WorkloadInstance\/late-dev \(shop\) .*\n {4}└─ ResourceSet\/namespace-shop-dev.gone \(shop\) .*\n {6}└─ KubernetesRuntimeInstance\/gone/,
    );
    expect(JSON.parse((await home.run(["why", "late-dev", "-n", "shop", "-o", "json"])).stdout)).toMatchObject({
      healthy: false,
      chain: [{ kind: "WorkloadInstance" }, {}, {}],
    });
    expect((await home.run(["why", "release/late-1", "-n", "shop"])).stdout).toMatch(
      /^Release\/late-1 \(shop\) .*\n {2}└─ WorkloadDefinition\/late \(shop\) .*\n {4}└─ WorkloadInstance\/late-dev/,
    );
    expect(await home.run(["why", "ns/default"])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^✔ Namespace\/default is healthy/) as string });
    expect(await home.run(["why", "nobody"])).toMatchObject({ code: 4, stderr: expect.stringContaining("there is no deployment nobody") as string });
    expect((await home.run(["events", "late-dev", "-n", "shop"])).stderr).toContain("warning: events of the cluster are left out");
  });

  test("why names a cluster whose certificate has expired", async () => {
    const nowMs = Date.now();
    const authority = await createAuthority({ nowMs: nowMs - 3 * hourMs, validForMs: 6 * hourMs, subject: { commonName: "ours" } });
    const stale = { usages: ["server"], subject: { commonName: "api" }, hosts: ["127.0.0.1"], nowMs: nowMs - 2 * hourMs, validForMs: hourMs } as const;
    const { certificatePem, privateKeyPem } = await issue(authority, stale);
    const server = createTlsServer({ cert: certificatePem, key: privateKeyPem }, (_, answer) => answer.end()).listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const { port } = server.address() as AddressInfo;
      const reached = JSON.parse(unreachable) as { clusters: [{ cluster: object }] };
      reached.clusters[0].cluster = {
        server: `https://127.0.0.1:${port}`,
        "certificate-authority-data": Buffer.from(authority.certificatePem).toString("base64"),
      };
      const file = join(home.folder, "stale.kubeconfig");
      await writeFile(file, JSON.stringify(reached));
      expect(await home.run(["runtime", "add", "stale", "--kubeconfig", file, "--no-wait"])).toMatchObject({ code: 0 });
      await eventually("the expiry", async () => {
        const told = await home.run(["why", "runtime/stale"]);
        return told.code === 8 && /Cause: KubernetesRuntimeInstance\/stale: .*the server's certificate has expired; renew it/.test(told.stdout)
          ? true
          : undefined;
      });
      expect(await home.run(["runtime", "delete", "stale"])).toMatchObject({ code: 0 });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  test("a deployment is paused, asked for new pods, and goes on, each said once", async () => {
    const spec = async () =>
      (JSON.parse((await home.run(["get", "wi/late-dev", "-n", "shop", "-o", "json"])).stdout) as { spec: Record<string, unknown> }).spec;
    const out = async (command: string) => (await home.run([command, "late-dev", "-n", "shop"])).stdout;
    expect(await out("pause")).toBe("late-dev is paused: what runs stays as it is, and releases wait; tptctl resume late-dev -n shop goes on\n");
    expect(await out("pause")).toBe("late-dev is paused already; tptctl resume late-dev -n shop goes on\n");
    const changed = await home.run(["deploy", "-", "--name", "late", "--env", "dev", "--project", "shop"], {
      input: configMap("late").replace("a: b", "a: while paused"),
    });
    expect(changed).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("late-dev is paused, and this release waits: tptctl resume late-dev -n shop") as string,
    });
    expect(await out("restart")).toContain("it is paused: they come after tptctl resume late-dev -n shop\n");
    expect(await spec()).toMatchObject({ paused: true, restartedAt: expect.stringMatching(/^\d{4}-.*Z$/) as string });
    expect(await out("resume")).toBe("late-dev goes on; look at it with tptctl tree late-dev -n shop\n");
    expect(await out("resume")).toBe("late-dev is not paused\n");
    expect(await spec()).not.toHaveProperty("paused");
    expect(await home.run(["restart", "nowhere"])).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/^error: there is no deployment nowhere in project default\nhint: there are /) as string,
    });
    expect((await home.run(["resume", "late", "-n", "shop"])).stdout).toBe("late-dev is not paused\n"); // the only one of the workload
  });

  test("what is wrong in a file is told with its file, line and column, and nothing is written", async () => {
    const file = join(folder(), "broken.yaml");
    await writeFile(file, `${configMap("a")}---\nkind: ConfigMap\nmetadata: {labels: {x: y}}\n---\n${configMap("a")}`);
    const ran = await home.run(["deploy", file, "--env", "dev"]);
    expect(ran.code).toBe(3);
    expect(ran.stderr.split("\n")).toEqual([
      'error: WorkloadDefinition.threeport.io "broken" is invalid',
      expect.stringMatching(`^  ${file}:7:1 apiVersion: `) as string,
      expect.stringMatching(`^  ${file}:8:1 metadata.name: `) as string,
      expect.stringMatching(`^  ${file}:10:1: Duplicate value: the same object stands at ${file}:1:1`) as string,
      "hint: correct the fields named above and try again",
      "",
    ]);
    expect(await home.run(["get", "wd/broken"])).toMatchObject({ code: 4 });
    await writeFile(file, "a: [\n");
    expect(await home.run(["deploy", file, "--env", "dev"])).toMatchObject({ code: 3, stderr: expect.stringContaining(`error: ${file}:2:1: `) as string });
  });

  test("a deploy to an environment that is not there names those that are", async () => {
    expect(await home.run(["deploy", "-", "--name", "x", "--env", "prod"], { input: configMap("x") })).toMatchObject({
      code: 4,
      stderr: "error: there is no environment prod\nhint: there are dev; tptctl env create prod --runtime RUNTIME makes it\n",
    });
  });

  test("apply creates, configures, and leaves alone; unknown fields and kinds are told with their place", async () => {
    const environment = (tier: string, more = "") =>
      `apiVersion: threeport.io/v1alpha1\nkind: Environment\nmetadata:\n  name: stage\nspec:\n  runtime: gone\n  tier: ${tier}\n${more}`;
    const apply = (input: string) => home.run(["apply", "-f", "-"], { input });
    expect(
      await apply(
        `${environment("staging")}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: made}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: made}\n`,
      ),
    ).toMatchObject({
      code: 0,
      stdout: "namespace/made created\nenvironment.threeport.io/stage created\nconfigmap/c created\n",
    });
    expect((await apply(environment("production"))).stdout).toBe("environment.threeport.io/stage configured\n");
    expect((await apply(environment("production"))).stdout).toBe("environment.threeport.io/stage unchanged\n");
    expect(await apply(environment("production", "  teir: x\n"))).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("<stdin>:8:3 spec.teir: ") as string,
    });
    expect(await apply("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n")).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("tptctl deploy") as string,
    });
    expect((await home.run(["delete", "-f", "-"], { input: environment("x") })).stdout).toBe("environment.threeport.io/stage deleted\n");
  });

  test("apply takes away what left the file, and takes over what others manage only when told to", async () => {
    const config = (...lines: string[]) => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: shared\ndata:\n${lines.map((line) => `  ${line}\n`).join("")}`;
    const apply = (input: string, ...more: string[]) => home.run(["apply", "-f", "-", ...more], { input });
    expect(await apply(config("a: one", "b: one"))).toMatchObject({ code: 0 });
    await using client = createClient(parseKubeconfig(await readFile(join(home.folder, "kubeconfig"), "utf8")));
    await client.request("/api/v1/namespaces/default/configmaps/shared", {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json" },
      query: { fieldManager: "somebody" },
      body: { data: { a: "theirs", c: "theirs" } },
    });
    expect(await apply(config("a: two"))).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(
        /^error: configmap\/shared has fields that others manage\n  <stdin>:6:3 data\.a: conflict with "somebody" using v1 at \S+\nhint: .* --force-conflicts\n$/,
      ) as string,
    });
    expect(await apply(config("a: two"), "--force-conflicts")).toMatchObject({ code: 0, stdout: "configmap/shared configured\n" });
    const { body } = await client.request("/api/v1/namespaces/default/configmaps/shared");
    expect((body as { data: object }).data).toEqual({ a: "two", c: "theirs" });
    expect(await home.run(["delete", "-f", "-"], { input: config("a: two") })).toMatchObject({ code: 0 });
  });

  test("objects are printed as tables, names, JSON and YAML, of one project or all", async () => {
    expect((await home.run(["get", "env,ns"])).stdout).toMatch(
      /^NAME +RUNTIME +TIER +READY +EXPIRES +AGE\ndev +gone +development +False +\S+\n\nNAME +STATUS +AGE\n/,
    );
    expect((await home.run(["get", "wd", "-A"])).stdout).toMatch(/^NAMESPACE +NAME +READY/);
    expect((await home.run(["get", "runtime", "-owide"])).stdout).toMatch(/^NAME +READY +REASON +PROVIDER +VERSION +SERVER +AGE\n/);
    expect(parse((await home.run(["get", "env", "dev", "-oyaml"])).stdout)).toMatchObject({
      kind: "Environment",
      metadata: { name: "dev" },
      spec: { runtime: "gone" },
    });
    expect(JSON.parse((await home.run(["get", "env", "-o", "json"])).stdout)).toMatchObject({
      kind: "List",
      items: expect.arrayContaining([expect.objectContaining({ kind: "Environment" })]) as unknown[],
    });
    expect(await home.run(["get", "configmaps", "-n", "nowhere"])).toMatchObject({ code: 0, stdout: "", stderr: "no configmaps found in project nowhere\n" });
    expect(await home.run(["get", "enviroment"])).toMatchObject({ code: 4, stderr: expect.stringContaining("did you mean environments?") as string });
  });

  test("a watch prints what comes, and Ctrl-C is its end", async () => {
    await home.run(["apply", "-f", "-"], { input: configMap("first") });
    let later: Promise<unknown> = Promise.resolve();
    const ran = await home.run(["get", "cm", "-w"], {
      onFirstOutput: () => (later = home.run(["apply", "-f", "-"], { input: configMap("seen-later") })),
      endWhen: { output: /\nseen-later /, signal: "SIGINT" },
    });
    await later;
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringMatching(/^NAME +DATA +AGE\n(.+\n)*first .*\n(.+\n)*seen-later /) as string });
  });

  test("describe tells conditions and keeps secrets", async () => {
    const described = (await home.run(["describe", "wi", "late-dev", "-n", "shop"])).stdout;
    expect(described).toMatch(/^name: late-dev\nnamespace: shop\n/);
    expect(described).toMatch(/conditions:\n {2}TYPE +STATUS +REASON +SINCE +MESSAGE\n {2}Ready +False/);
    const secret = await home.run(["describe", "secret/runtime-gone", "-n", "threeport-system"]);
    expect(secret.stdout).toMatch(/kubeconfig: \d+ bytes/);
    expect(secret.stdout).not.toContain(Buffer.from(unreachable).toString("base64").slice(0, 20));
  });

  test("wait compares generations, times out with the reason, and knows what is gone", async () => {
    expect(await home.run(["wait", "wi/late-dev", "-n", "shop", "--for=condition=Ready", "--timeout", "1s"])).toMatchObject({ code: 8 });
    expect(await home.run(["wait", "wi/late-dev", "-n", "shop", "--for=condition=Ready=False"])).toMatchObject({ code: 0 });
    expect(await home.run(["wait", "wi/nothing", "--for=delete"])).toMatchObject({ code: 0 });
    expect(await home.run(["wait", "wi/nothing", "--for=condition=Ready"])).toMatchObject({ code: 4 });
    expect(await home.run(["wait", "wi/late-dev", "--for=sometime"])).toMatchObject({ code: 2 });
  });

  test("an environment in use names its users and does not go", async () => {
    expect(await home.run(["env", "delete", "dev"])).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/shop\/late-dev.*\nhint: tptctl env delete dev --cascade/) as string,
    });
    expect(await home.run(["runtime", "delete", "gone"])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("environments.threeport.io/dev") as string,
    });
    expect(await home.run(["get", "env/dev"])).toMatchObject({ code: 0 });
  });

  test("with --cascade its deployments go first, also those that are gone at once", async () => {
    await home.run(["env", "create", "empty", "--runtime", "gone"]);
    const instance =
      "apiVersion: threeport.io/v1alpha1\nkind: WorkloadInstance\nmetadata: {name: of-nothing}\nspec: {definition: nothing, environment: empty}\n";
    expect(await home.run(["apply", "-f", "-"], { input: instance })).toMatchObject({ code: 0 });
    expect(await home.run(["env", "delete", "empty", "--cascade"])).toMatchObject({
      code: 0,
      stderr: "",
      stdout: "deployment default/of-nothing goes\ndeployment default/of-nothing deleted\nenvironment empty deleted\n",
    });
  });

  test("status counts what there is", async () => {
    const { code, stdout } = await home.run(["status"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^control plane +runs\naddress +https:\/\/127\.0\.0\.1:\d+\nversion +0\.1\.0\ndatabase +ok\n/);
    expect(stdout).toMatch(/1 runtime, 1 environment, \d deployments?/);
    expect(stdout).toMatch(/runtime +gone +False +Unreachable: /);
    expect(stdout).toMatch(/environment +dev +False +\w+: .*gone/);
  });

  test("keys rotate and a backup is taken beside the running control plane; what cannot be done says why", async () => {
    const file = join(home.folder, "backup.gz");
    expect(await home.run(["keys", "rotate"])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("data key 2 seals every write from now on") as string,
    });
    expect(await home.run(["keys", "status"])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^data key 1: .*\ndata key 2 \(in use\): /) as string });
    expect(await home.run(["backup", file])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+ rows written to .*backup\.gz\./) as string });
    expect(await home.run(["backup", file])).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(/^error: .*backup\.gz exists; name another file/) as string,
    });
    expect(await home.run(["restore", file])).toMatchObject({ code: 5, stderr: expect.stringContaining("End it first (tptctl down)") as string });
  });

  test("objects go by name, and a second time they are not found", async () => {
    await home.run(["apply", "-f", "-"], { input: configMap("going") });
    expect(await home.run(["delete", "cm", "going"])).toMatchObject({ code: 0, stdout: "configmap/going deleted\n" });
    expect(await home.run(["delete", "cm/going"])).toMatchObject({ code: 4 });
    expect(await home.run(["delete", "cm"])).toMatchObject({ code: 2, stderr: expect.stringContaining("say which of the configmaps goes") as string });
  });
});

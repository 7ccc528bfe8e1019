// tptctl with a real Kubernetes on this machine: a workload from its files to its answer, through a control plane that is killed, to nothing left.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createClient, parseKubeconfig, type KubeClient } from "@threeport/client";
import type { StoredObject } from "@threeport/resource";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deadWebhook, failures, fixed, noneLeft, reserved } from "./testing/failures.ts";
import { whatIsMissing } from "./testing/local-kubernetes.ts";
import { createTestHome, eventually, type TestHome } from "./testing/tptctl.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const example = join(root, "examples", "web");
const scoreExample = join(root, "examples", "score");
const testMs = 240_000;
const callMsMax = 3_000;

const missing = await whatIsMissing();
if (missing !== undefined) console.warn(`the end-to-end tests of tptctl are left out: ${missing}`);

describe.runIf(missing === undefined)("a workload on a real cluster", () => {
  let home: TestHome;
  let cluster: KubeClient;

  beforeAll(async () => {
    home = await createTestHome();
    const up = await home.run(["up", "--port", "0", "--runtime", "local"]);
    expect(up, up.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining("environment dev on runtime local") as string });
    const secret = JSON.parse((await home.run(["get", "secret", "runtime-local", "-n", "threeport-system", "-o", "json"])).stdout) as {
      data: { kubeconfig: string };
    };
    cluster = createClient(parseKubeconfig(Buffer.from(secret.data.kubeconfig, "base64").toString("utf8")));
  }, testMs);
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  }, testMs);

  async function call(path: string, namespace = "default-dev"): Promise<string | undefined> {
    const service = await cluster.get<StoredObject & { spec: { clusterIP: string } }>({
      apiVersion: "v1",
      kind: "Service",
      namespace,
      name: "web",
    });
    try {
      return await (await fetch(`http://${service.spec.clusterIP}${path}`, { signal: AbortSignal.timeout(callMsMax) })).text();
    } catch {
      return undefined; // endpoints reach the node a moment after the pods are ready
    }
  }
  /** The control plane, past tptctl. */
  const openPlane = async (): Promise<KubeClient> => createClient(parseKubeconfig(await readFile(join(home.folder, "admin.kubeconfig"), "utf8")));
  const group = "threeport.io/v1alpha1";
  const definition = (name: string, objects: readonly object[]) => ({
    apiVersion: group,
    kind: "WorkloadDefinition",
    metadata: { name, namespace: "why" },
    spec: { source: { manifests: { objects } } },
  });
  /** Deploys into the environment dev, in the project `why`. */
  async function deployInto(plane: KubeClient, name: string, objects: readonly object[], spec: object = {}): Promise<void> {
    const made = definition(name, objects);
    await plane.create({ apiVersion: group, kind: made.kind, namespace: "why" }, made);
    const instance = {
      apiVersion: group,
      kind: "WorkloadInstance",
      metadata: { name, namespace: "why" },
      spec: { definition: name, environment: "dev", ...spec },
    };
    await plane.create({ apiVersion: group, kind: instance.kind, namespace: "why" }, instance);
  }
  /** Until the last step of `why` is this: `Kind name: sentence`. */
  async function untilCause(plane: KubeClient, name: string, cause: RegExp): Promise<void> {
    interface Step {
      readonly kind: string;
      readonly name: string;
      readonly message: string;
    }
    let told = "";
    await eventually(`the cause of ${name}: ${String(cause)}`, async () => {
      const path = `/apis/${group}/namespaces/why/workloadinstances/${name}/why`;
      const last = ((await plane.request(path)).body as { chain: Step[] }).chain.at(-1);
      told = `${last?.kind} ${last?.name}: ${last?.message}`;
      return cause.test(told) ? true : undefined;
    }).catch((error: unknown) => {
      throw new Error(`${name} says: ${told}`, { cause: error });
    });
  }
  const answers = (path: string, expected: RegExp) =>
    eventually(`the answer of ${path}`, async () => (expected.test((await call(path)) ?? "") ? true : undefined));
  const serverPid = async () => (JSON.parse(await readFile(join(home.folder, "server.json"), "utf8")) as { pid: number }).pid;

  test(
    "is deployed, answers, is told of, changed, broken, mended, and outlives its control plane",
    async () => {
      const first = await home.run(["deploy", example, "--env", "dev"]);
      expect(first, first.stderr).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/web-dev is ready: release web-1, 13\/13 objects healthy/) as string,
      });
      await answers("/", /Hello from Threeport/);
      await answers("/cgi-bin/backend", /the web server asks: the backend is well/);

      const tree = await home.run(["tree", "web"]);
      expect(tree.stdout).toMatch(/^✔ WorkloadInstance\/web-dev {2}Healthy\n/);
      expect(tree.stdout.match(/✔ Pod\/web-/g)).toHaveLength(2);
      expect((await home.run(["logs", "web-dev", "-c", "backend"])).stdout).toMatch(/^backend-\S+ backend \| serving on port 8080$/m);
      const followed = await home.run(["logs", "web-dev", "-f"], { endWhen: { output: /web \| serving/, signal: "SIGINT" } });
      expect(followed.code).toBe(0);

      const again = await home.run(["deploy", example, "--env", "dev"]);
      expect(again).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^workload web unchanged \(13 objects\)\n✔ web-dev is ready: release web-1/) as string,
      });

      const broken = join(home.folder, "..", "web.yaml");
      const text = `${await readFile(join(example, "web.yaml"), "utf8")}---\n${await readFile(join(example, "backend.yaml"), "utf8")}`;
      await writeFile(broken, text.replaceAll("busybox:local", "busybox:not-there"));
      const bad = await home.run(["deploy", broken, "--env", "dev", "--timeout", "90s"]);
      expect(bad).toMatchObject({
        code: 8,
        stderr: expect.stringMatching(
          /^error: web-dev .*\n(?: .*\n)* {2}Deployment\/\w+: (?:ErrImagePull|ImagePullBackOff).*busybox:not-there.*\n(?: .*\n)*hint: /,
        ) as string,
      });
      await answers("/", /Hello from Threeport/); // the pods of the release before stay

      process.kill(await serverPid(), "SIGKILL");
      await answers("/", /Hello from Threeport/);
      expect(await home.run(["up", "--port", "0", "--no-hints"])).toMatchObject({ code: 0 });

      await writeFile(broken, text.replace("replicas: 2", "replicas: 3"));
      const mended = await home.run(["deploy", broken, "--env", "dev"]);
      expect(mended, mended.stderr).toMatchObject({ code: 0, stdout: expect.stringMatching(/web-dev is ready: release web-3/) as string });
      expect((await home.run(["tree", "web-dev"])).stdout.match(/✔ Pod\/web-/g)).toHaveLength(3);
    },
    testMs,
  );

  test(
    "as Score files: two workloads find each other, an unchanged one writes nothing, and a new release loses no request",
    async () => {
      const place = ["-n", "score", "--env", "dev", "--image", "docker.io/library/busybox:local"];
      const deploy = (...more: string[]) => home.run(["deploy", scoreExample, ...place, ...more]);
      const first = await deploy();
      expect(first, first.stderr).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/backend-dev is ready: .*\n(?:.*\n)*.*web-dev is ready: /) as string,
      });
      await eventually("the answer", async () => ((await call("/cgi-bin/backend", "score-dev")) === "web asks: the backend is well\n" ? true : undefined));
      expect((await home.run(["diff", scoreExample, ...place, "--exit-code"])).code).toBe(0);
      const versions = async () => (await home.run(["get", "wd,wi,rset", "-n", "score", "-o", "json"])).stdout;
      const before = await versions();
      expect((await deploy()).stdout).toMatch(/^workload backend unchanged .*\nworkload web unchanged /);
      expect(await versions()).toBe(before);

      const exec = await home.run(["exec", "web-dev", "-n", "score", "-i", "--", "sh", "-c", "cat; echo seen >&2; exit 3"], {
        input: "through the control plane",
      });
      expect(exec).toEqual({ code: 3, stdout: "through the control plane", stderr: "seen\n" });
      expect(await home.run(["exec", "web-dev", "-n", "score", "-i", "--", "true"], { inputStaysOpen: true })).toMatchObject({ code: 0 });
      expect(await home.run(["exec", "web-dev", "-n", "score", "-c", "nobody", "--", "true"])).toMatchObject({
        code: 4,
        stderr: expect.stringMatching(/^error: pod web-\S+ has no container nobody; there are web\n/) as string,
      });
      expect(await home.run(["exec", "web-dev", "-n", "score", "--", "not-there"])).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^error: the program could not be started: error executing .*not-there.*\nhint: name a program that /) as string,
      });
      const probe = createServer().listen(0, "127.0.0.1");
      await once(probe, "listening");
      const { port } = probe.address() as { port: number };
      probe.close();
      await once(probe, "close");
      let page = "";
      const forwarded = await home.run(["port-forward", "web-dev", `${port}:8080`, "-n", "score"], {
        endWhen: {
          output: /Ctrl-C ends it/,
          signal: "SIGINT",
          after: async () => void (page = await (await fetch(`http://127.0.0.1:${port}/cgi-bin/backend`)).text()),
        },
      });
      expect([forwarded.code, page]).toEqual([0, "web asks: the backend is well\n"]);

      const lost: number[] = [];
      let calls = 0;
      const over = new AbortController();
      const visitor = (async () => {
        while (!over.signal.aborted)
          if ((await call("/", "score-dev")) === undefined) lost.push(calls++);
          else calls++;
      })();
      const file = join(scoreExample, "web.yaml");
      const property = "containers.web.variables.GREETING=you";
      expect((await home.run(["diff", file, ...place, "--override-property", property, "--exit-code"])).code).toBe(1);
      const rolled = await home.run(["deploy", file, ...place, "--override-property", property]);
      expect(rolled, rolled.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining("deployment web-dev configured") as string });
      await eventually("the new answer", async () => ((await call("/cgi-bin/backend", "score-dev")) === "you asks: the backend is well\n" ? true : undefined));
      over.abort();
      await visitor;
      expect([lost, calls > 20]).toEqual([[], true]);
    },
    testMs,
  );

  test(
    "why names the cause of each failure in one sentence, down to the container and what it wrote",
    async () => {
      await using plane = await openPlane();
      await plane.create({ apiVersion: "v1", kind: "Namespace" }, { apiVersion: "v1", kind: "Namespace", metadata: { name: "why" } });
      await cluster.create({ apiVersion: deadWebhook.apiVersion, kind: deadWebhook.kind }, deadWebhook);
      // The namespace is there with the first of them, and the quota before the one that it is for.
      for (const { name, objects } of [...failures].sort((a, b) => Number(a.name === "quota") - Number(b.name === "quota"))) {
        if (name === "quota") {
          const target = { apiVersion: "v1", kind: "ResourceQuota", namespace: "why-dev" };
          await eventually("the namespace", () =>
            cluster.create(target, { ...noneLeft, metadata: { ...noneLeft.metadata, namespace: "why-dev" } }).catch(() => undefined),
          );
        }
        await deployInto(plane, name, objects);
      }
      for (const { name, cause } of failures) await untilCause(plane, name, cause);
      // Between two runs of the container it may be well for a moment.
      const told = await eventually("the words of why", async () => {
        const ran = await home.run(["why", "crash-loop", "-n", "why"]);
        return ran.code === 8 && ran.stdout.includes("Last lines of container") ? ran : undefined;
      });
      expect(told.stdout).toMatch(/^WorkloadInstance\/crash-loop \(why\) {2}\w+\n {2}└─ ResourceSet\/crash-loop /);
      expect(told.stdout).toMatch(
        /\n\nCause: Pod\/crash-loop-\S+ \(why-dev\): Container "app" keeps ending: .*\nSince: 2.*\n(?:.*\n)*Last lines of container app.*:\n {2}cannot open \/etc\/app.conf\n/,
      );
      expect((await home.run(["events", "crash-loop", "-n", "why"])).stdout).toMatch(/Pod\/crash-loop-\S+ +Back-off restarting failed container/);
      expect((await home.run(["why", "web-dev"])).stdout).toMatch(/^✔ WorkloadInstance\/web-dev \(default\) is healthy/);
      await cluster.delete({ apiVersion: deadWebhook.apiVersion, kind: deadWebhook.kind, name: deadWebhook.metadata.name });
    },
    testMs,
  );

  test(
    "why names what befell something that ran: no node takes its next pod, what it asks for cannot change, its namespace was deleted",
    async () => {
      await using plane = await openPlane();
      await deployInto(plane, "fixed", [fixed("600")]);
      await untilCause(plane, "fixed", /^Pod fixed-\S+: It runs; it is done when its containers have ended/);
      await plane.apply({ ...definition("fixed", [fixed("601")]) }, { fieldManager: "somebody", force: true });
      await untilCause(plane, "fixed", /^Job fixed: .*spec.template cannot change once it is set/);

      const node = { apiVersion: "v1", kind: "Node", name: (await cluster.list({ apiVersion: "v1", kind: "Node" })).items[0]?.metadata.name ?? "" };
      await cluster.patch(node, { spec: { taints: [{ key: "example.com/reserved", value: "others", effect: "NoSchedule" }] } });
      try {
        await deployInto(plane, "taint", reserved.objects);
        await untilCause(plane, "taint", reserved.cause);
      } finally {
        await cluster.patch(node, { spec: { taints: null } });
      }
      await untilCause(plane, "taint", /^WorkloadInstance taint: release taint-1: /);

      const held = { apiVersion: "v1", kind: "ConfigMap", namespace: "why-held", name: "theirs" };
      await deployInto(plane, "held", [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "ours" } }], { targetNamespace: "why-held" });
      await untilCause(plane, "held", /^WorkloadInstance held: release held-1: /);
      await cluster.create(held, { ...held, metadata: { name: "theirs", finalizers: ["example.com/hold"] } });
      await cluster.delete({ apiVersion: "v1", kind: "Namespace", name: "why-held" });
      await untilCause(plane, "held", /^Namespace why-held: It is being deleted and waits for finalizers of objects in it: .*example.com\/hold/);
      await cluster.patch(held, { metadata: { finalizers: null } });
      await untilCause(plane, "held", /^WorkloadInstance held: release held-1: /);
    },
    testMs,
  );

  test(
    "goes with its environment, and nothing of it stays in the cluster",
    async () => {
      const gone = await home.run(["env", "delete", "dev", "--cascade"]);
      expect(gone, gone.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining("environment dev deleted") as string });
      await eventually(
        "the end of the namespace",
        async () =>
          (await cluster.list({ apiVersion: "v1", kind: "Namespace" })).items.some(({ metadata }) => metadata.name === "default-dev") ? undefined : true,
        60_000,
      );
    },
    testMs,
  );

  test(
    "leaves no process behind when the control plane was killed before it was stopped",
    async () => {
      process.kill(await serverPid(), "SIGKILL");
      expect(await home.run(["down"])).toMatchObject({ code: 0 });
      expect(await processesOf(home.folder)).toEqual([]);
    },
    testMs,
  );
});

test.runIf(missing === undefined)(
  "the demonstration answers, and leaves nothing behind",
  async () => {
    const child = spawn(process.execPath, [join(root, "scripts", "demo.ts"), "--once"], { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")));
    const [code] = (await once(child, "close")) as [number | null];
    expect(code, output).toBe(0);
    expect(output).toContain("<h1>Hello from Threeport</h1>");
    expect(output).not.toMatch(/\u001b/);
    const folder = /starting the control plane in (\S+)/.exec(output)?.[1] ?? "";
    await expect(access(folder)).rejects.toThrow(/ENOENT/);
    expect(await processesOf(folder)).toEqual([]);
  },
  testMs,
);

test(
  "the demonstration goes on with a simulated cluster where no Kubernetes can be had, says so in one line, and leaves nothing behind",
  async () => {
    const cache = await mkdtemp(join(tmpdir(), "threeport-cache-"));
    // No binaries, nobody to have them from, and no build allowed; without root or Linux it does not even come to that.
    const nobody = {
      XDG_CACHE_HOME: cache,
      THREEPORT_KUBERNETES_BIN: "",
      THREEPORT_KUBERNETES_SOURCE: "release",
      THREEPORT_KUBERNETES_MIRROR: "https://127.0.0.1:1",
    };
    const child = spawn(process.execPath, [join(root, "scripts", "demo.ts"), "--once"], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...nobody },
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")));
    const [code] = (await once(child, "close")) as [number | null];
    await rm(cache, { recursive: true, force: true });
    expect(code, output).toBe(0);
    expect(output).toMatch(/^No Kubernetes can be started here: .+\. A simulated cluster stands in for it\.\n/);
    for (const name of ["backend", "web"]) expect(output).toContain(`Deployment default-dev/${name}: 1 of 1 pods are ready`);
    expect(output).toContain("✔ web-dev is ready: release web-1, 3/3 objects healthy");
    expect(output).toMatch(/\nSimulated: .* nothing in it runs/);
    expect(output).not.toContain("Hello from Threeport");
    const folder = /starting the control plane in (\S+)/.exec(output)?.[1] ?? "";
    await expect(access(folder)).rejects.toThrow(/ENOENT/);
    expect(await processesOf(folder)).toEqual([]);
  },
  testMs,
);

/** Command lines that name the folder; a zombie has none. */
async function processesOf(folder: string): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return lines.filter((line) => line.includes(folder)).map((line) => line.replaceAll("\0", " "));
}

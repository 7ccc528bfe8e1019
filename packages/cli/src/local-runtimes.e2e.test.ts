// Local clusters as their user sees them: several at once, parts of them ending, and a machine that restarts.
import { access, readdir, readFile, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createClient, parseKubeconfig } from "@threeport/client";
import { systemExec } from "@threeport/platform";
import type { StoredObject } from "@threeport/resource";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { whatIsMissing } from "./testing/local-kubernetes.ts";
import { createTestHome, eventually, type TestHome } from "./testing/tptctl.ts";

const testMs = 240_000;
const slotsFolder = "/run/threeport/local-kubernetes";
const missing = await whatIsMissing();

interface Slot {
  readonly slot: number;
  readonly id: string;
  readonly name: string;
  readonly stateDir: string;
}

describe.runIf(missing === undefined)("local runtimes", () => {
  let home: TestHome;
  beforeAll(async () => {
    home = await createTestHome();
    expect(await home.run(["up", "--port", "0", "--no-hints"])).toMatchObject({ code: 0 });
  }, testMs);
  afterAll(() => home[Symbol.asyncDispose](), testMs);

  async function slots(): Promise<Slot[]> {
    const names = (await readdir(slotsFolder).catch(() => [])).filter((name) => name.endsWith(".json"));
    const all = await Promise.all(names.map(async (name) => JSON.parse(await readFile(join(slotsFolder, name), "utf8")) as Slot));
    return all.filter(({ stateDir }) => stateDir.startsWith(home.folder));
  }
  const ok = async (...args: string[]): Promise<string> => {
    const ran = await home.run(args);
    expect(ran, `${args.join(" ")}: ${ran.stderr}`).toMatchObject({ code: 0 });
    return ran.stdout;
  };
  /** Calls the load balancer of a deployment, with what its cluster says of it. */
  async function page(runtime: string, environment: string): Promise<string | undefined> {
    const secret = JSON.parse(await ok("get", "secret", `runtime-${runtime}`, "-n", "threeport-system", "-o", "json")) as { data: { kubeconfig: string } };
    await using cluster = createClient(parseKubeconfig(Buffer.from(secret.data.kubeconfig, "base64").toString("utf8")));
    try {
      const service = await cluster.get<StoredObject>({ apiVersion: "v1", kind: "Service", namespace: `default-${environment}`, name: "notes" });
      const address = (service["status"] as { loadBalancer?: { ingress?: { ip: string }[] } }).loadBalancer?.ingress?.[0]?.ip;
      return await (await fetch(`http://${address}/log`, { signal: AbortSignal.timeout(3_000) })).text();
    } catch {
      return undefined; // not there yet
    }
  }
  const says = (runtime: string, environment: string, text: string) =>
    eventually(`${text} from ${runtime}`, async () => ((await page(runtime, environment)) === text ? true : undefined), 90_000);

  /** To what entered the node, and to what it became there. */
  async function signal(runtime: string, { component, name }: { readonly component: string; readonly name: NodeJS.Signals }): Promise<void> {
    const { pid } = JSON.parse(await readFile(join(home.folder, "runtimes", runtime, "pid", `${component}.json`), "utf8")) as { pid: number };
    const children = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim().split(" ").map(Number);
    for (const each of [pid, ...children]) process.kill(each, name);
  }

  /** What a restart of the machine leaves: disks. Everything in memory, /run and the kernel is gone. */
  async function restartMachine(): Promise<void> {
    const ours = await slots();
    const marks = ours.map(({ id }) => `THREEPORT_LOCAL_KUBERNETES=${id}`);
    const read = (pid: string, file: string) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
    await eventually("the end of all processes", async () => {
      let living = 0;
      for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
        const [environment, line] = await Promise.all([read(pid, "environ"), read(pid, "cmdline")]);
        if (!line.includes(home.folder) && !marks.some((mark) => environment.split("\0").includes(mark))) continue;
        living++;
        try {
          process.kill(Number(pid), "SIGKILL");
        } catch {
          // ended by itself meanwhile
        }
      }
      return living === 0 ? true : undefined;
    });
    for (const { slot } of ours) {
      await systemExec.run("ip", ["link", "del", `tp${slot}`]);
      for (const mount of ["", ...(await readdir("/sys/fs/cgroup"))]) await removeGroups(join("/sys/fs/cgroup", mount, `tp-${slot}`));
      await rm(join(slotsFolder, `slot-${slot}.json`));
    }
  }
  async function removeGroups(path: string): Promise<void> {
    for (const entry of await readdir(path, { withFileTypes: true }).catch(() => [])) if (entry.isDirectory()) await removeGroups(join(path, entry.name));
    await rmdir(path).catch(() => {}); // none of this hierarchy
  }

  test(
    "two at once are two clusters; parts that end are started again and told of; a restart of the machine brings both back with their workloads and data; deleting one leaves the other",
    async () => {
      const file = join(home.folder, "..", "notes.yaml");
      await writeFile(file, notes);
      for (const [runtime, environment] of [["one", "red"], ["two", "blue"]] as const) {
        await ok("runtime", "add", runtime, "--provider", "local");
        await ok("env", "create", environment, "--runtime", runtime);
        await ok("deploy", file, "--env", environment);
        await says(runtime, environment, "started\n");
      } // prettier-ignore
      expect(new Set((await slots()).map(({ slot }) => slot)).size).toBe(2);

      await signal("one", { component: "kube-scheduler", name: "SIGKILL" });
      await eventually("the word of it", async () =>
        /NodeMended .*kube-scheduler ended and is started again/.test(await ok("describe", "runtime", "one")) ? true : undefined,
      );
      await ok("wait", "runtime/one", "--for=condition=Ready", "--timeout=60s");

      await restartMachine();
      const up = await ok("up", "--port", "0", "--no-hints");
      for (const runtime of ["one", "two"]) expect(up).toMatch(new RegExp(`\\nruntime ${runtime}: (?:.*\\n)*✔ runtime ${runtime}: Kubernetes v\\S+ answers`));
      expect(up).toContain("workloads are put back");
      await says("one", "red", "started\nstarted\n");
      await says("two", "blue", "started\nstarted\n");

      await ok("env", "delete", "red", "--cascade");
      await ok("runtime", "delete", "one");
      await expect(access(join(home.folder, "volumes", "one"))).rejects.toThrow(/ENOENT/);
      expect((await slots()).map(({ name }) => name)).toEqual(["two"]);
      await says("two", "blue", "started\nstarted\n");

      await ok("down");
      expect(await slots()).toEqual([]);
      expect(await ok("up", "--port", "0", "--no-hints")).toContain("✔ runtime two: Kubernetes");
      await says("two", "blue", "started\nstarted\nstarted\n");
    },
    testMs,
  );

  test(
    "a node whose kubelet hangs makes its runtime say so, and is mended without a restart of what runs on it",
    async () => {
      await signal("two", { component: "kubelet", name: "SIGSTOP" });
      // Kubernetes itself waits 50 s for a silent kubelet.
      await eventually(
        "the word of it",
        async () => (/Ready +False +NodeNotReady .*node two is not Ready: /.test(await ok("describe", "runtime", "two")) ? true : undefined),
        120_000,
      );
      await ok("wait", "runtime/two", "--for=condition=Ready", "--timeout=90s");
      expect(await ok("describe", "runtime", "two")).toMatch(/NodeMended .*kubelet and containerd are started again/);
      await says("two", "blue", "started\nstarted\nstarted\n");
    },
    testMs,
  );
});

/** Writes a line each time it starts, into a volume. */
const notes = `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: notes}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 10Mi}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: notes}
spec:
  strategy: {type: Recreate}
  selector: {matchLabels: {app: notes}}
  template:
    metadata: {labels: {app: notes}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: main
        image: docker.io/library/busybox:local
        command: ["sh", "-c", "echo started >> /data/log; exec httpd -f -p 8080 -h /data"]
        volumeMounts: [{name: data, mountPath: /data}]
        readinessProbe: {httpGet: {path: /log, port: 8080}, periodSeconds: 1}
      volumes: [{name: data, persistentVolumeClaim: {claimName: notes}}]
---
apiVersion: v1
kind: Service
metadata: {name: notes}
spec: {type: LoadBalancer, selector: {app: notes}, ports: [{port: 80, targetPort: 8080}]}
`;

import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdtemp, readdir, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { systemClock, systemExec } from "@threeport/platform";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { busyboxImage } from "./base-images.ts";
import type { KubernetesBinaries } from "./binaries.ts";
import { cgroupHierarchies } from "./cgroups.ts";
import { makeImage, type ImageArchive } from "./image.ts";
import { keptImages, loadLocalImage } from "./load-image.ts";
import { networkPlan } from "./network-plan.ts";
import { livingInit, processMark } from "./node-processes.ts";
import { identify, killExactly, processesWithEnvironment } from "./process-table.ts";
import { findSlot, type SlotRecord, slotsFolderDefault } from "./slots.ts";
import { type LocalKubernetes, startLocalKubernetes } from "./start.ts";
import { livingProcess } from "./state-folder.ts";
import { stopLocalKubernetes } from "./stop.ts";
import { canStartNodes, nodeBinaries, seams } from "./testing/real-node.ts";
import { ensureSystemPackages } from "./system-packages.ts";
import { waitFor } from "./wait.ts";

const script = fileURLToPath(new URL("../../../../../scripts/local-kubernetes.ts", import.meta.url));
const testMs = 180_000;

let work: string;
let binaries: KubernetesBinaries;
let busybox: ImageArchive;
const stateDirs: string[] = [];

async function newStateDir(parent = tmpdir()): Promise<string> {
  const stateDir = await mkdtemp(join(parent, "threeport-e2e-"));
  stateDirs.push(stateDir);
  return stateDir;
}

const start = (name: string, stateDir: string) => startLocalKubernetes({ ...seams, name, stateDir, binaries, images: [busybox] });

async function kubectl(cluster: Pick<LocalKubernetes, "kubectlPath" | "stateDir">, args: readonly string[], input?: string): Promise<string> {
  const result = await systemExec.run(
    cluster.kubectlPath,
    ["--kubeconfig", join(cluster.stateDir, "kubeconfig"), "--cache-dir", join(work, "kubectl"), ...args],
    input === undefined ? {} : { input },
  );
  if (result.code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${result.stderr}`);
  return result.stdout;
}

async function slotOf(stateDir: string): Promise<SlotRecord> {
  const record = await findSlot(slotsFolderDefault, stateDir);
  if (record === undefined) throw new Error(`no cluster has ${stateDir}`);
  return record;
}

/** The namespaces that the node's processes and its pods are in. */
async function namespacesOf(record: SlotRecord): Promise<Set<string>> {
  const own = new Set(await Promise.all(["net", "mnt", "pid"].map((kind) => readlink(`/proc/self/ns/${kind}`))));
  const groups = await processesInGroup(networkPlan(record.slot).cgroupRoot);
  const links = await Promise.all(groups.flatMap((pid) => ["net", "mnt", "pid"].map((kind) => readlink(`/proc/${pid}/ns/${kind}`).catch(() => ""))));
  return new Set(links.filter((link) => link !== "" && !own.has(link)));
}

/** Living processes. A zombie is only an exit code that process 1 of the machine has not fetched yet. */
async function pids(): Promise<number[]> {
  const all = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  return (await Promise.all(all.map(identify))).flatMap((identity) => (identity === undefined ? [] : [identity.pid]));
}

async function processesInGroup(cgroupRoot: string): Promise<number[]> {
  const found = await Promise.all(
    (await pids()).map(async (pid) => ((await readFile(`/proc/${pid}/cgroup`, "utf8").catch(() => "")).includes(`:${cgroupRoot}/`) ? [pid] : [])),
  );
  return found.flat();
}

/** Tests start clusters side by side, and the kernel gives the number of a namespace that ended to a new one at once. */
async function isInAnotherCluster(pid: number, slot: number): Promise<boolean> {
  const group = /:\/tp-(\d+)\//.exec(await readFile(`/proc/${pid}/cgroup`, "utf8").catch(() => ""))?.[1];
  return group !== undefined && Number(group) !== slot;
}

/** Everything on this machine that still tells of the cluster, in words. */
async function traces(record: SlotRecord, namespaces: ReadonlySet<string>): Promise<string[]> {
  const plan = networkPlan(record.slot);
  const found: string[] = [];
  for (const { pid } of await processesWithEnvironment(processMark(record.id), systemClock)) found.push(`process ${pid} is marked`);
  for (const pid of await processesInGroup(plan.cgroupRoot)) found.push(`process ${pid} is in the control group`);
  for (const pid of await pids()) {
    if (await isInAnotherCluster(pid, record.slot)) continue;
    for (const kind of ["net", "mnt", "pid"]) {
      const link = await readlink(`/proc/${pid}/ns/${kind}`).catch(() => "");
      if (namespaces.has(link)) found.push(`process ${pid} is in ${link}`);
    }
  }
  const mounts = await readFile("/proc/self/mounts", "utf8");
  found.push(...mounts.split("\n").filter((line) => line.includes(record.stateDir) || line.includes("threeport") || line.includes("netns")));
  for (const { mountPoint } of await cgroupHierarchies()) {
    if (await exists(join(mountPoint, plan.cgroupRoot))) found.push(`control group in ${mountPoint}`);
  }
  const [links, routes] = await Promise.all([systemExec.run("ip", ["-o", "link"]), systemExec.run("ip", ["-4", "route"])]);
  found.push(...links.stdout.split("\n").filter((line) => line.includes(`${plan.hostLink}@`) || line.includes(`${plan.hostLink}:`)));
  found.push(...routes.stdout.split("\n").filter((line) => line.includes(plan.hostLink) || line.includes(plan.nodeIp)));
  if ((await findSlot(slotsFolderDefault, record.stateDir)) !== undefined) found.push("slot");
  if (await exists(record.stateDir)) found.push("state folder");
  return found;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** What a node would leave on a machine if it were not kept apart. */
async function hostSurface(): Promise<Record<string, string>> {
  const tunables = ["vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "net/ipv4/ip_forward", "kernel/hostname"];
  const settings = await Promise.all(tunables.map(async (name) => [name, await readFile(`/proc/sys/${name}`, "utf8")] as const));
  const paths = [
    "/run/netns",
    "/run/containerd",
    "/run/runc",
    "/run/xtables.lock",
    "/var/lib/cni",
    "/var/lib/kubelet",
    "/var/lib/containerd",
    "/var/log/pods",
    "/var/log/containers",
  ];
  const present = await Promise.all(paths.map(async (path) => [path, String(await exists(path))] as const));
  return Object.fromEntries([...settings, ...present]);
}

describe.skipIf(!canStartNodes)("a real Kubernetes on this machine", () => {
  beforeAll(async () => {
    work = await mkdtemp(join(tmpdir(), "threeport-e2e-work-"));
    binaries = await nodeBinaries();
    const programs = await ensureSystemPackages(seams);
    busybox = await busyboxImage({ out: join(work, "busybox.tar"), busybox: programs.busybox, exec: systemExec });
  }, 30 * 60_000);

  afterAll(async () => {
    for (const stateDir of stateDirs) await stopLocalKubernetes({ ...seams, stateDir });
    await rm(work, { recursive: true, force: true });
  }, testMs);

  test("runs an app that the host, names and logs reach; is adopted and mended by a second start; leaves no trace", { timeout: testMs }, async () => {
    const before = await hostSurface();
    const stateDir = await newStateDir();
    const cluster = await start("first", stateDir);
    const init = await livingInit(stateDir);

    await kubectl(cluster, ["apply", "-f", "-"], testApp);
    await kubectl(cluster, ["wait", "deployment/web", "--for=condition=Available", "--timeout=60s"]);
    const clusterIp = await kubectl(cluster, ["get", "service/web", "-o", "jsonpath={.spec.clusterIP}"]);
    const answer = async (host: string, port: number) => (await fetch(`http://${host}:${port}/`).catch(() => undefined))?.text();
    expect(await waitFor("an answer of the Service", () => answer(clusterIp, 80), { clock: systemClock, deadlineMs: 10_000 })).toMatch(/^web-/);
    const nodePort = Number(await kubectl(cluster, ["get", "service/web", "-o", "jsonpath={.spec.ports[0].nodePort}"]));
    expect(await answer(cluster.nodeIp, nodePort)).toMatch(/^web-/);
    expect(await kubectl(cluster, ["exec", "deployment/web", "--", "nslookup", "web.default.svc.cluster.local"])).toContain(clusterIp);
    expect(await kubectl(cluster, ["logs", "deployment/web"])).toMatch(/^started on web-/);
    expect(await hostSurface()).toEqual(before);

    // containerd's client cuts long names where it tells of its work, and takes a dash for the beginning of a digest.
    const ownImage = "registry.example.com/a-team/its-own-application:2.0-alpine";
    const image = await makeImage({ out: join(work, "own.tar"), name: ownImage, files: [{ path: "hello", content: "hello" }] });
    const request = { name: "first", stateDir, keptFolder: join(work, "kept"), binariesFolder: binaries.folder, exec: systemExec };
    expect(await loadLocalImage({ ...request, tarPath: image.path })).toEqual([ownImage]);
    expect(await loadLocalImage({ ...request, tarPath: image.path })).toHaveLength(1);
    expect(await keptImages(request.keptFolder)).toHaveLength(1);
    await expect(loadLocalImage({ ...request, tarPath: script })).rejects.toThrow(/must be an archive of images/);
    await expect(loadLocalImage({ ...request, tarPath: join(work, "nowhere.tar") })).rejects.toMatchObject({ code: "TP_NOT_FOUND" });
    await expect(loadLocalImage({ ...request, stateDir: work, tarPath: image.path })).rejects.toMatchObject({ code: "TP_UNAVAILABLE" });

    const scheduler = await livingProcess(stateDir, "kube-scheduler");
    if (scheduler === undefined) throw new Error("the scheduler should run");
    await killExactly(scheduler, "SIGKILL");
    for (const { pid } of await processesWithEnvironment(processMark((await slotOf(stateDir)).id), systemClock)) {
      const name = (await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")).trim();
      if (name === "kube-scheduler") process.kill(pid, "SIGKILL");
    }
    const again = await start("first", stateDir);
    expect(again.kubeconfig).toBe(cluster.kubeconfig);
    expect(await livingInit(stateDir)).toEqual(init);
    await kubectl(again, ["scale", "deployment/web", "--replicas=3"]);
    await kubectl(again, ["wait", "deployment/web", "--for=jsonpath={.status.readyReplicas}=3", "--timeout=60s"]);

    const record = await slotOf(stateDir);
    const namespaces = await namespacesOf(record);
    expect(namespaces.size).toBeGreaterThan(3); // the node's own and its pods'
    await again.stop();
    expect(await traces(record, namespaces)).toEqual([]);
    expect(await hostSurface()).toEqual(before);
    expect(await stopLocalKubernetes({ ...seams, stateDir })).toEqual({ remained: [] });
  });

  test("two clusters run side by side, and stopping one leaves the other", { timeout: testMs }, async () => {
    const [one, two] = await Promise.all([newStateDir(), newStateDir("/var/lib")]); // /var/lib is hidden inside the node
    const [first, second] = await Promise.all([start("one", one), start("two", two)]);
    expect(first.nodeIp).not.toBe(second.nodeIp);
    expect(await kubectl(first, ["get", "nodes", "-o", "name"])).toBe("node/one\n");
    expect(await kubectl(second, ["get", "nodes", "-o", "name"])).toBe("node/two\n");
    const record = await slotOf(one);
    const namespaces = await namespacesOf(record);
    await first.stop();
    expect(await traces(record, namespaces)).toEqual([]);
    await kubectl(second, ["create", "deployment", "alive", "--image=docker.io/library/busybox:local", "--", "sleep", "1000"]);
    await kubectl(second, ["wait", "deployment/alive", "--for=condition=Available", "--timeout=60s"]);
    const secondRecord = await slotOf(two);
    await second.stop();
    expect(await traces(secondRecord, new Set())).toEqual([]);
  });

  /** Starts a cluster in a process of its own and kills that with -9 as soon as `reached` says so. */
  async function killedStarter(stateDir: string, reached: (lines: readonly string[]) => Promise<boolean>): Promise<void> {
    const lines: string[] = [];
    const starter = spawn(process.execPath, [script, "up", "--state", stateDir, "--name", "killed"], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, TMPDIR: work },
    });
    const exited = once(starter, "exit");
    createInterface({ input: starter.stderr }).on("line", (line) => lines.push(line));
    try {
      await waitFor("the moment to kill", async () => (await reached(lines)) || undefined, { clock: systemClock, deadlineMs: 60_000, pollMs: 2 });
    } finally {
      starter.kill("SIGKILL");
      await exited;
    }
  }

  const moments = [
    {
      name: "as its slot is claimed",
      because: "nothing else is made yet",
      reached: async (stateDir: string) => (await findSlot(slotsFolderDefault, stateDir)) !== undefined,
    },
    { name: "as its first process starts", because: "the process is not recorded yet", reached: hasProcess },
    {
      name: "when the namespaces are there",
      because: "the components are just being started",
      reached: async (_: string, lines: readonly string[]) => lines.some((line) => line.startsWith("node namespaces")),
    },
    {
      name: "when the API server is ready",
      because: "kubelet and containers are just being started",
      reached: async (_: string, lines: readonly string[]) => lines.some((line) => line.startsWith("API server")),
    },
    {
      name: "when the node is Ready",
      because: "containers are just being started",
      reached: async (_: string, lines: readonly string[]) => lines.some((line) => line.startsWith("node is Ready")),
    },
  ];
  async function hasProcess(stateDir: string): Promise<boolean> {
    const record = await findSlot(slotsFolderDefault, stateDir);
    return record !== undefined && (await processesWithEnvironment(processMark(record.id), systemClock)).length > 0;
  }

  test.each(moments)("a starter killed with -9 $name leaves nothing after stop, because $because", { timeout: testMs }, async ({ reached }) => {
    const stateDir = await newStateDir();
    await killedStarter(stateDir, (lines) => reached(stateDir, lines));
    const record = await slotOf(stateDir);
    const namespaces = await namespacesOf(record);
    expect(await stopLocalKubernetes({ ...seams, stateDir })).toEqual({ remained: [] });
    expect(await traces(record, namespaces)).toEqual([]);
  });

  test("a start after a killed starter completes the same cluster", { timeout: testMs }, async () => {
    const stateDir = await newStateDir();
    await killedStarter(stateDir, async (lines) => lines.some((line) => line.startsWith("API server")));
    const init = await livingInit(stateDir);
    expect(init).toBeDefined();
    // As if it had been killed between the start of a program and the note of it.
    const note = join(stateDir, "pid", "etcd.json");
    const noted = await readFile(note, "utf8");
    await rm(note);
    const cluster = await start("killed", stateDir);
    expect(await livingInit(stateDir)).toEqual(init);
    expect(await readFile(note, "utf8")).toBe(noted);
    expect(await kubectl(cluster, ["get", "nodes", "-o", "name"])).toBe("node/killed\n");
    const record = await slotOf(stateDir);
    await cluster.stop();
    expect(await traces(record, new Set())).toEqual([]);
  });
});

const testApp = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: httpd
        image: docker.io/library/busybox:local
        imagePullPolicy: IfNotPresent
        command: ["sh", "-c", "echo started on $HOSTNAME; hostname > /www/index.html; exec httpd -f -v -p 8080 -h /www"]
        ports: [{containerPort: 8080}]
        resources: {requests: {cpu: 10m, memory: 8Mi}, limits: {memory: 32Mi, cpu: 200m}}
        readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}], type: NodePort}
`;

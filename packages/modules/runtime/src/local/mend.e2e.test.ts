// A real local cluster of which parts end or hang.
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, parseKubeconfig } from "@threeport/client";
import { systemClock } from "@threeport/platform";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { componentsEnded, endHanging, nodeTrouble } from "./mend.ts";
import type { KubernetesBinaries } from "./binaries.ts";
import { networkPlan } from "./network-plan.ts";
import { livingInit, processMark } from "./node-processes.ts";
import { processesWithEnvironment } from "./process-table.ts";
import { findSlot, slotsFolderDefault } from "./slots.ts";
import { startLocalKubernetes } from "./start.ts";
import { stopLocalKubernetes } from "./stop.ts";
import { canStartNodes, nodeBinaries, seams } from "./testing/real-node.ts";
import { waitFor } from "./wait.ts";

const testMs = 240_000;

describe.skipIf(!canStartNodes)("a local cluster that is looked after", () => {
  let stateDir: string;
  let binaries: KubernetesBinaries;
  const lines: string[] = [];
  const start = () => startLocalKubernetes({ ...seams, name: "mended", stateDir, binaries, onProgress: (line) => lines.push(line) });

  beforeAll(async () => {
    stateDir = await mkdtemp(join(tmpdir(), "threeport-mend-"));
    binaries = await nodeBinaries();
    await start();
  }, testMs);
  afterAll(async () => {
    await stopLocalKubernetes({ ...seams, stateDir });
    await rm(stateDir, { recursive: true, force: true });
  }, testMs);

  /** Sends the signal to every process of the component, those that entered the node and those inside. */
  async function signal(component: string, name: NodeJS.Signals): Promise<void> {
    const record = await findSlot(slotsFolderDefault, stateDir);
    const all = await processesWithEnvironment(processMark(record?.id ?? ""), systemClock);
    const lineOf = (pid: number) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    const word = component === "node-agent" ? "/node-agent/main.ts\0" : `${join(binaries.folder, component)}\0`;
    const those = await Promise.all(all.map(async ({ pid }) => ((await lineOf(pid)).includes(word) ? [pid] : [])));
    expect(those.flat().length).toBeGreaterThan(0);
    for (const pid of those.flat()) process.kill(pid, name);
  }
  const trouble = async () => {
    const kubeconfig = await readFile(join(stateDir, "kubeconfig"), "utf8");
    await using cluster = createClient(parseKubeconfig(kubeconfig));
    return await nodeTrouble({ name: "mended", stateDir }, { cluster, clock: systemClock, signal: new AbortController().signal });
  };

  test(
    "components that ended, and the host's link, are made again in the same node",
    async () => {
      const init = await livingInit(stateDir);
      const killed = ["etcd", "kube-scheduler", "containerd", "kubelet", "node-agent"];
      for (const component of killed) await signal(component, "SIGKILL");
      await waitFor("the end of them", async () => ((await componentsEnded(stateDir)).length === killed.length ? true : undefined), {
        clock: systemClock,
        deadlineMs: 10_000,
      });
      expect(await componentsEnded(stateDir)).toEqual(killed);
      const { slot = -1 } = (await findSlot(slotsFolderDefault, stateDir)) ?? {};
      expect(await seams.exec.run("ip", ["link", "del", networkPlan(slot).hostLink])).toMatchObject({ code: 0 });
      await start();
      expect(await componentsEnded(stateDir)).toEqual([]);
      expect(await livingInit(stateDir)).toEqual(init);
      expect(await trouble()).toBeUndefined();
    },
    testMs,
  );

  test(
    "an API server that hangs is started again, and so are a kubelet and a containerd",
    async () => {
      lines.length = 0;
      await signal("kube-apiserver", "SIGSTOP");
      await start();
      expect(lines.some((line) => line.startsWith("the API server does not answer; it and etcd are started again"))).toBe(true);
      for (const component of ["kubelet", "containerd"]) await signal(component, "SIGSTOP");
      await endHanging(stateDir, { binariesFolder: binaries.folder, clock: systemClock });
      // Others may end by themselves when the API server was away for long, as kube-proxy does; they are started again too.
      expect(await componentsEnded(stateDir)).toEqual(expect.arrayContaining(["containerd", "kubelet"]));
      await start();
      expect(await componentsEnded(stateDir)).toEqual([]);
      expect(await trouble()).toBeUndefined();
    },
    testMs,
  );

  test(
    "a component that breaks down at each start is told with its own last word",
    async () => {
      await signal("etcd", "SIGKILL");
      const members = join(stateDir, "etcd", "member");
      const logs = (await readdir(join(members, "wal"))).filter((name) => name.endsWith(".wal")).map((name) => join(members, "wal", name));
      for (const path of [join(members, "snap", "db"), ...logs]) await writeFile(path, Buffer.alloc(4_096, 0xff), { flag: "r+" });
      await expect(start()).rejects.toMatchObject({
        code: "TP_LOCAL_KUBERNETES_FAILED",
        message: expect.stringMatching(/^etcd ended\. .*etcd\.log:\npanic: \S.*$/),
      });
      // Nothing of it can be continued: made anew, it is well.
      await stopLocalKubernetes({ ...seams, stateDir });
      await start();
      expect(await trouble()).toBeUndefined();
    },
    testMs,
  );
});

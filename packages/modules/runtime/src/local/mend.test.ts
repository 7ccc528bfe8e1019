import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { componentNames } from "./component-commands.ts";
import { componentsEnded, nodeTrouble } from "./mend.ts";
import { identify } from "./process-table.ts";
import { recordProcess, stateFolders } from "./state-folder.ts";

let stateDir: string;
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), "threeport-mend-"));
  await mkdir(join(stateDir, stateFolders.pid));
});
afterEach(() => rm(stateDir, { recursive: true }));

/** A process that has been there since the machine started. */
async function oldProcess() {
  const identity = await identify(1);
  if (identity === undefined) throw new Error("process 1 should be there");
  return identity;
}

test("a component has ended when its process has, or when the number is another process's now", async () => {
  const alive = await oldProcess();
  for (const name of componentNames) await recordProcess(stateDir, name, alive);
  expect(await componentsEnded(stateDir)).toEqual([]);
  await recordProcess(stateDir, "kubelet", { ...alive, startTicks: alive.startTicks + 1 });
  await rm(join(stateDir, stateFolders.pid, "etcd.json"));
  expect(await componentsEnded(stateDir)).toEqual(["etcd", "kubelet"]);
});

const agoMs = (ms: number) => new Date(systemClock.now() - ms).toISOString();
const cases = [
  { name: "Ready", because: "nothing is wrong", condition: { status: "True", lastTransitionTime: agoMs(0) }, expected: undefined },
  {
    name: "not Ready for a moment",
    because: "it may mend itself",
    condition: { status: "False", lastTransitionTime: agoMs(1_000) },
    expected: { hangs: false },
  },
  { name: "silent for long", because: "its kubelet hangs", condition: { status: "Unknown", lastTransitionTime: agoMs(60_000) }, expected: { hangs: true } },
  { name: "not registered", because: "its kubelet never said a word", condition: undefined, expected: { hangs: true } },
];
test.each(cases)("a node that is $name: $because", async ({ condition, expected }) => {
  await recordProcess(stateDir, "kubelet", await oldProcess());
  const get = async <T>() => {
    if (condition === undefined) throw new PlatformError("TP_NOT_FOUND");
    return { status: { conditions: [{ type: "Ready", message: "says why.", ...condition }] } } as T;
  };
  const trouble = await nodeTrouble({ name: "local", stateDir }, { cluster: { get }, clock: systemClock, signal: new AbortController().signal });
  if (expected === undefined) return expect(trouble).toBeUndefined();
  expect(trouble).toMatchObject({ reason: "NodeNotReady", ...expected });
  expect(trouble?.message).toMatch(/^node local is not Ready: (says why|it is not registered) \(log: .*kubelet\.log\)/);
  expect(trouble?.message.includes("started again")).toBe(!expected.hangs);
});

test("a kubelet that was just started is given time, however long the node has been silent", async () => {
  const child = spawn("sleep", ["60"]);
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "spawn");
  const young = await identify(child.pid ?? 0);
  if (young === undefined) throw new Error("a process that was just started should be there");
  await recordProcess(stateDir, "kubelet", young);
  const clock = { ...systemClock, now: () => Date.parse("2026-01-01T01:00:00Z") };
  const get = async <T>() => ({ status: { conditions: [{ type: "Ready", status: "Unknown", lastTransitionTime: "2026-01-01T00:00:00Z" }] } }) as T;
  expect(await nodeTrouble({ name: "local", stateDir }, { cluster: { get }, clock, signal: new AbortController().signal })).toMatchObject({ hangs: false });
});

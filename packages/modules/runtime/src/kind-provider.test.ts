import { silentLogger, systemClock, type Exec, type RunResult } from "@threeport/platform";
import type { ReconcileContext } from "@threeport/engine";
import { expect, test } from "vitest";
import { clusterName, kindProvider } from "./kind-provider.ts";
import type { KubernetesRuntimeInstance } from "./runtime-kind.ts";

// The program kind as its commands answer (0.30: get clusters, get kubeconfig, create cluster, delete cluster); there is no Docker where tests run.

interface Fake {
  readonly exec: Exec;
  readonly calls: string[];
  readonly clusters: Map<string, "whole" | "half">;
}

function fakeKind(failing?: { readonly command: string; readonly stderr: string }): Fake {
  const calls: string[] = [];
  const clusters = new Map<string, "whole" | "half">();
  const ok = (stdout = ""): RunResult => ({ code: 0, stdout, stderr: "" });
  const bad = (stderr: string): RunResult => ({ code: 1, stdout: "", stderr });
  const answer = (args: readonly string[]): RunResult => {
    const [verb = "", what = ""] = args;
    const name = args[args.indexOf("--name") + 1] ?? "";
    if (failing !== undefined && `${verb} ${what}` === failing.command) return bad(failing.stderr);
    if (what === "clusters") return clusters.size === 0 ? { ...ok(), stderr: "No kind clusters found.\n" } : ok(`${[...clusters.keys()].join("\n")}\n`);
    if (what === "kubeconfig")
      return clusters.get(name) === "whole" ? ok(`kubeconfig of ${name}`) : bad(`ERROR: could not locate any control plane nodes for cluster named '${name}'`);
    if (verb === "delete") clusters.delete(name);
    if (verb === "create") clusters.set(name, "whole");
    return ok();
  };
  const exec: Exec = {
    run: async (program, args) => {
      calls.push([program, ...args.filter((arg) => !arg.startsWith("/"))].join(" "));
      return Promise.resolve(answer(args));
    },
    start: () => {
      throw new Error("nothing is started");
    },
  };
  return { exec, calls, clusters };
}

const runtime = {
  apiVersion: "threeport.io/v1alpha1",
  kind: "KubernetesRuntimeInstance",
  metadata: { name: "dev" },
  spec: { provider: "kind" },
} as KubernetesRuntimeInstance;
const context = { signal: new AbortController().signal, clock: systemClock, log: silentLogger } as unknown as ReconcileContext;
const name = clusterName("dev", "abc");
const ensure = (fake: Fake, told: string[] = []) =>
  kindProvider({ exec: fake.exec, controlPlaneId: "abc" }).ensure(runtime, context, (line) => told.push(line));

test("a cluster is made once, found again by its name, and removed", async () => {
  const fake = fakeKind();
  const told: string[] = [];
  expect(await ensure(fake, told)).toEqual({ kubeconfig: `kubeconfig of ${name}` });
  expect(told).toEqual([expect.stringContaining(`kind makes the cluster ${name}`)]);
  expect(await ensure(fake)).toEqual({ kubeconfig: `kubeconfig of ${name}` });
  expect(fake.calls.filter((call) => call.startsWith("kind create"))).toEqual([`kind create cluster --name ${name} --wait 5m --kubeconfig`]);
  await kindProvider({ exec: fake.exec, controlPlaneId: "abc" }).remove(runtime, context);
  expect(fake.clusters.size).toBe(0);
});

test("one that was only half made is made anew, and that of another control plane is left alone", async () => {
  const fake = fakeKind();
  fake.clusters.set(name, "half").set(clusterName("dev", "other"), "whole");
  await ensure(fake);
  expect(fake.calls).toContain(`kind delete cluster --name ${name}`);
  expect([...fake.clusters.values()]).toEqual(["whole", "whole"]);
});

test("what is missing is told: the program, or Docker", async () => {
  const none: Exec = { ...fakeKind().exec, run: () => Promise.reject(Object.assign(new Error("spawn kind ENOENT"), { code: "ENOENT" })) };
  await expect(kindProvider({ exec: none, controlPlaneId: "abc" }).ensure(runtime, context, () => {})).rejects.toMatchObject({
    code: "TP_TOOL_MISSING",
    message: expect.stringContaining("there is no program kind") as string,
  });
  const failing = fakeKind({ command: "create cluster", stderr: "ERROR: failed to create cluster: Cannot connect to the Docker daemon\n" });
  await expect(ensure(failing)).rejects.toMatchObject({
    code: "TP_UNAVAILABLE",
    message: "kind create cluster failed: failed to create cluster: Cannot connect to the Docker daemon; see that Docker or Podman runs",
  });
});

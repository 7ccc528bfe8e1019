import { describe, expect, test } from "vitest";
import { treeLines } from "./render-tree.ts";
import { treeChanges } from "./tree-changes.ts";
import { readTree, withoutSets, type TreeNode } from "./tree-node.ts";

const plain = { paint: (_: string, text: string) => text };
const picture = { terminal: plain, columns: 60, rows: 100, progressMark: "*" };

function node(kind: string, name: string, more: Partial<TreeNode> = {}): TreeNode {
  return { kind, name, namespace: undefined, state: "Healthy", reason: "", message: "", children: [], ...more };
}

const pods = [node("Pod", "web-a"), node("Pod", "web-b", { state: "Progressing", reason: "Starting", message: 'Container "web" is being created.' })];
const root = node("WorkloadInstance", "web-dev", {
  state: "Progressing",
  reason: "RollingOut",
  message: "1 of 2",
  children: [
    node("ResourceSet", "web-dev", {
      children: [
        node("ConfigMap", "page"),
        node("Deployment", "web", { state: "Progressing", reason: "RollingOut", message: "1 of 2 replicas", children: pods }),
        node("Job", "migrate", { state: "Degraded", reason: "Failed", message: "exit code 1" }),
      ],
    }),
  ],
});

describe("a tree in lines", () => {
  test("branches, marks, and what is wrong; what is well says nothing", () => {
    expect(treeLines(withoutSets(root), picture)).toEqual([
      "* WorkloadInstance/web-dev  RollingOut: 1 of 2",
      "├─ ✔ ConfigMap/page",
      "├─ * Deployment/web  RollingOut: 1 of 2 replicas",
      "│  ├─ ✔ Pod/web-a",
      '│  └─ * Pod/web-b  Starting: Container "web" is being creat…',
      "└─ ✘ Job/migrate  Failed: exit code 1",
    ]);
  });

  test("a failure is told once, by the deepest object that has it", () => {
    const failed = { state: "Degraded", reason: "ImagePullBackOff", message: "no such image" };
    const pod = node("Pod", "p", failed);
    expect(
      treeLines(node("WorkloadInstance", "x", { ...failed, children: [node("Deployment", "d", { ...failed, children: [pod] })] }), { ...picture, columns: 80 }),
    ).toEqual(["✘ WorkloadInstance/x  ImagePullBackOff", "└─ ✘ Deployment/d  ImagePullBackOff", "   └─ ✘ Pod/p  ImagePullBackOff: no such image"]);
  });

  test("no line is longer than the terminal is wide, however narrow", () => {
    for (const columns of [1, 5, 12, 30])
      for (const line of treeLines(root, { ...picture, columns })) expect([...line].length).toBeLessThanOrEqual(Math.max(columns, 12));
  });

  test("where it is too long, what is healthy is folded first", () => {
    const many = node("WorkloadInstance", "x", {
      children: [
        node("Deployment", "well", { children: Array.from({ length: 20 }, (_, index) => node("Pod", `p${index}`)) }),
        node("Job", "ill", { state: "Degraded", reason: "Failed" }),
      ],
    });
    expect(treeLines(many, { ...picture, rows: 5 })).toEqual(["✔ WorkloadInstance/x", "├─ ✔ Deployment/well  and 20 below it", "└─ ✘ Job/ill  Failed"]);
  });

  test("where that is not enough, the rest is counted", () => {
    const many = node("WorkloadInstance", "x", {
      state: "Degraded",
      children: Array.from({ length: 50 }, (_, index) => node("Job", `j${index}`, { state: "Degraded" })),
    });
    const lines = treeLines(many, { ...picture, rows: 10 });
    expect(lines).toHaveLength(10);
    expect(lines.at(-1)).toBe("… and 42 more");
  });
});

describe("a tree from the wire", () => {
  test("what is no node is left out, and texts cannot write to the terminal", () => {
    const read = readTree({ root: { kind: "A", name: "\u001b[2Jx", state: "Healthy", children: [null, 3, "x", { kind: "B", name: "b" }] } });
    expect(read).toMatchObject({ name: "x", children: [{ kind: "B", name: "b", state: "" }] });
    expect(readTree({})).toBeUndefined();
    expect(readTree("nonsense")).toBeUndefined();
  });

  test("an endless one is bounded in depth and in number", () => {
    let deep: object = { kind: "X", name: "x" };
    for (let depth = 0; depth < 500; depth++) deep = { kind: "X", name: "x", children: [deep] };
    const depthOf = (each: TreeNode | undefined): number => (each === undefined ? 0 : 1 + depthOf(each.children[0]));
    expect(depthOf(readTree({ root: deep }))).toBeLessThan(20);
    const wide = readTree({ root: { kind: "X", name: "x", children: Array.from({ length: 20_000 }, () => ({ kind: "Y", name: "y" })) } });
    expect(wide?.children.length).toBeLessThanOrEqual(5_000);
  });

  test("an object that nobody has looked at yet is on its way, not in trouble", () => {
    expect(readTree({ root: { kind: "A", name: "a", state: "Unknown" } })?.state).toBe("Progressing");
    expect(readTree({ root: { kind: "A", name: "a", state: "Unknown", reason: "CannotRead", message: "…" } })?.state).toBe("Unknown");
  });
});

describe("changes of a tree, for a pipe", () => {
  test("each object is told once, and again when its state or reason changes", () => {
    const first = treeChanges(new Map(), withoutSets(root));
    expect(first.lines).toEqual([
      "ConfigMap/page: Healthy",
      "Deployment/web: Progressing: RollingOut: 1 of 2 replicas",
      "Pod/web-a: Healthy",
      'Pod/web-b: Progressing: Starting: Container "web" is being created.',
      "Job/migrate: Degraded: Failed: exit code 1",
    ]);
    expect(treeChanges(first.told, withoutSets(root)).lines).toEqual([]);
    const healed = node("WorkloadInstance", "web-dev", {
      children: [node("ConfigMap", "page"), node("Deployment", "web", { children: pods.map((pod) => ({ ...pod, state: "Healthy" })) })],
    });
    expect(treeChanges(first.told, healed).lines).toEqual(["Deployment/web: Healthy", "Pod/web-b: Healthy", "Job/migrate: gone"]);
  });
});

import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "@threeport/platform";
import { waitFor } from "./wait.ts";

/** A mounted control group hierarchy: one for all controllers (version 2), or one each (version 1), or both kinds. */
export interface CgroupHierarchy {
  readonly version: 1 | 2;
  readonly mountPoint: string;
  readonly controllers: readonly string[];
}

/** The group of the node's own components, beside the kubelet's `kubepods`. Version 2 allows processes in leaves only. */
const componentsGroup = "system";
const controllersForPods = ["cpu", "cpuset", "memory", "pids", "io", "hugetlb"];

export async function cgroupHierarchies(): Promise<CgroupHierarchy[]> {
  return parseHierarchies(await readFile("/proc/self/mountinfo", "utf8"));
}

/** `36 35 0:30 / /sys/fs/cgroup/memory rw,relatime shared:16 - cgroup cgroup rw,memory` */
export function parseHierarchies(mountInfo: string): CgroupHierarchy[] {
  return mountInfo.split("\n").flatMap((line): CgroupHierarchy[] => {
    const [before, after] = line.split(" - ");
    const mountPoint = before?.split(" ")[4];
    const [type, , options] = after?.split(" ") ?? [];
    if (mountPoint === undefined || (type !== "cgroup" && type !== "cgroup2")) return [];
    return [{ version: type === "cgroup" ? 1 : 2, mountPoint, controllers: (options ?? "").split(",").slice(1) }];
  });
}

/** Makes the node's group in every hierarchy; returns the files through which a process enters the components' group. */
export async function createCgroups(root: string, hierarchies: readonly CgroupHierarchy[]): Promise<string[]> {
  const entrances: string[] = [];
  for (const hierarchy of hierarchies) {
    const node = join(hierarchy.mountPoint, root);
    const components = join(node, componentsGroup);
    if (hierarchy.version === 2) await passControllers(hierarchy.mountPoint);
    await mkdir(components, { recursive: true });
    if (hierarchy.controllers.includes("cpuset")) await inheritCpuset(hierarchy.mountPoint, [node, components]);
    entrances.push(join(components, "cgroup.procs"));
  }
  return entrances;
}

/** Removes the node's group and all below it, once their processes are gone. Returns what is still there at the deadline. */
export async function removeCgroups(root: string, options: { readonly clock: Clock; readonly deadlineMs: number }): Promise<string[]> {
  const nodes = (await cgroupHierarchies()).map((hierarchy) => join(hierarchy.mountPoint, root));
  const remove = async () => {
    const left = await Promise.all(nodes.map(removeTree));
    return left.every(Boolean) ? true : undefined;
  };
  await waitFor("the removal of control groups", remove, options).catch(() => {}); // what is left is looked up below
  const left = await Promise.all(nodes.map(async (node) => ((await removeTree(node)) ? [] : [node])));
  return left.flat();
}

/** True when nothing is left. A group that still has a process answers EBUSY. */
async function removeTree(path: string): Promise<boolean> {
  const children = await readdir(path, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT" && error.code !== "ENODEV") throw error;
  });
  if (children === undefined) return true;
  for (const child of children) {
    if (child.isDirectory()) await removeTree(join(path, child.name));
  }
  return rmdir(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code === "ENOENT",
  );
}

/** Lets groups below the root use the controllers that the kubelet needs; systemd has usually done so already. */
async function passControllers(mountPoint: string): Promise<void> {
  for (const controller of controllersForPods) {
    // A controller that this kernel lacks, or that version 1 has, is refused; the kubelet names the one it misses.
    await writeFile(join(mountPoint, "cgroup.subtree_control"), `+${controller}`).catch(() => {});
  }
}

/** A new cpuset of version 1 is empty, and nothing can run in it before it has processors and memory. */
async function inheritCpuset(mountPoint: string, groups: readonly string[]): Promise<void> {
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    const all = await readFile(join(mountPoint, file), "utf8");
    for (const group of groups) await writeFile(join(group, file), all);
  }
}

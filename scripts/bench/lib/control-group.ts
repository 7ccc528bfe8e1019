import { existsSync } from "node:fs";
import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Limits for a tree of processes, by control groups of Linux. */
export interface ControlGroup extends AsyncDisposable {
  /** These and what they start from now on. */
  take(pids: readonly number[]): Promise<void>;
  /** The most bytes that were ever charged to it, with what is cached of files. */
  mostBytes(): Promise<number>;
}

const root = "/sys/fs/cgroup";
const periodUs = 100_000;

/**
 * A new control group, of version 2 or 1. Undefined where it cannot be made, as without root.
 * `cores`: CPU time for each second. `memoryBytes`: more of it makes the kernel reclaim, and then end processes.
 */
export async function controlGroup(name: string, limits: { readonly cores: number; readonly memoryBytes: number }): Promise<ControlGroup | undefined> {
  const quotaUs = Math.round(limits.cores * periodUs);
  const unified = existsSync(join(root, "cgroup.controllers"));
  const [cpu, memory] = unified ? [join(root, name), join(root, name)] : [join(root, "cpu", name), join(root, "memory", name)];
  const folders = [...new Set([cpu, memory])];
  const settings: readonly (readonly [file: string, value: string])[] = unified
    ? [
        [join(cpu, "cpu.max"), `${quotaUs} ${periodUs}`],
        [join(memory, "memory.max"), String(limits.memoryBytes)],
      ]
    : [
        [join(cpu, "cpu.cfs_period_us"), String(periodUs)],
        [join(cpu, "cpu.cfs_quota_us"), String(quotaUs)],
        [join(memory, "memory.limit_in_bytes"), String(limits.memoryBytes)],
      ];
  const remove = async (): Promise<void> => {
    for (const folder of folders) await rmdir(folder).catch(() => {}); // perhaps it was never made, or the kernel still counts what has ended
  };
  try {
    if (unified) await writeFile(join(root, "cgroup.subtree_control"), "+cpu +memory", { flag: "r+" });
    for (const folder of folders) await mkdir(folder);
    for (const [file, value] of settings) await writeFile(file, value, { flag: "r+" }); // a file that is not there is no setting
  } catch {
    await remove();
    return undefined;
  }
  return {
    async take(pids) {
      for (const pid of pids) for (const folder of folders) await writeFile(join(folder, "cgroup.procs"), String(pid), { flag: "r+" });
    },
    mostBytes: async () => Number(await readFile(join(memory, unified ? "memory.peak" : "memory.max_usage_in_bytes"), "utf8")),
    [Symbol.asyncDispose]: remove,
  };
}

import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Limits for a tree of processes, by a control group of Linux (v2). */
export interface ControlGroup extends AsyncDisposable {
  /** These and what they start from now on. */
  take(pids: readonly number[]): Promise<void>;
  /** Bytes that are charged to it now, and the most that ever were. */
  memory(): Promise<{ readonly now: number; readonly most: number }>;
}

const root = "/sys/fs/cgroup";
const periodUs = 100_000;

/**
 * A new control group. Undefined where it cannot be made: without root, or where control groups are not those of version 2.
 * `cores`: CPU time for each second. `memoryBytes`: more of it makes the kernel reclaim, and then end processes.
 */
export async function controlGroup(name: string, limits: { readonly cores: number; readonly memoryBytes: number }): Promise<ControlGroup | undefined> {
  const folder = join(root, name);
  try {
    await writeFile(join(root, "cgroup.subtree_control"), "+cpu +memory");
    await mkdir(folder);
    await writeFile(join(folder, "cpu.max"), `${Math.round(limits.cores * periodUs)} ${periodUs}`);
    await writeFile(join(folder, "memory.max"), String(limits.memoryBytes));
  } catch {
    await rmdir(folder).catch(() => {}); // perhaps it was never made
    return undefined;
  }
  const bytes = async (file: string): Promise<number> => Number(await readFile(join(folder, file), "utf8"));
  return {
    async take(pids) {
      for (const pid of pids) await writeFile(join(folder, "cgroup.procs"), String(pid));
    },
    memory: async () => ({ now: await bytes("memory.current"), most: await bytes("memory.peak").catch(() => Number.NaN) }),
    [Symbol.asyncDispose]: () => rmdir(folder),
  };
}

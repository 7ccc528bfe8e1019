import { readFile, readdir } from "node:fs/promises";

/** Linux' unit of CPU times in /proc: 100 ticks a second on every platform that Node runs on. */
const tickMs = 10;

interface Stat {
  readonly pid: number;
  readonly parent: number;
  /** Of the process itself and of its children that have ended. */
  readonly cpuMs: number;
}

async function readStat(pid: number): Promise<Stat | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined); // it has ended
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" "); // from field 3, the state, on
  const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0); // utime, stime, cutime, cstime
  return { pid, parent: Number(fields[1]), cpuMs: ticks * tickMs };
}

/** These processes and all that descend from them. */
export async function processTree(roots: readonly number[]): Promise<readonly number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const stats = (await Promise.all(pids.map(readStat))).filter((stat) => stat !== undefined);
  const found = new Set(roots);
  for (let grown = true; grown;) {
    grown = false;
    for (const { pid, parent } of stats) {
      if (!found.has(parent) || found.has(pid)) continue;
      found.add(pid);
      grown = true;
    }
  }
  return [...found];
}

/** CPU time that a tree of processes has used, children that have ended included, in milliseconds. */
export async function cpuMs(roots: readonly number[]): Promise<number> {
  const stats = await Promise.all((await processTree(roots)).map(readStat));
  return stats.reduce((sum, stat) => sum + (stat?.cpuMs ?? 0), 0);
}

/** Memory of a tree of processes, shared pages counted once (PSS), in MiB. */
export async function pssMiB(roots: readonly number[]): Promise<number> {
  const texts = await Promise.all((await processTree(roots)).map((pid) => readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => "")));
  return texts.reduce((sum, text) => sum + Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0), 0) / 1024;
}

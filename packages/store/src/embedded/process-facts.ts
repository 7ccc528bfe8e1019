import { readdir, readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import type { Exec } from "@threeport/platform";

/** A process, told apart from a later one with the same pid. */
export interface ProcessFacts {
  readonly pid: number;
  /** When it started, in the system's own words: equal text and equal pid mean the same process. */
  readonly started: string;
  readonly command: readonly string[];
  /** `device:inode` of its working folder, which is the same seen from any mount namespace; undefined where the system does not tell. */
  readonly workingFolder: string | undefined;
}

const hasProc = process.platform === "linux";

/** Undefined when no such process runs. A zombie does not run: it holds no file and no socket, it only waits to be reaped. */
export async function lookAtProcess(pid: number, exec: Exec): Promise<ProcessFacts | undefined> {
  if (!hasProc) return askPs(pid, exec);
  const started = await startTicks(pid);
  if (started === undefined) return undefined;
  const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return { pid, started, command: command.split("\0"), workingFolder: await folderIdentity(`/proc/${pid}/cwd`) };
}

/** Whether that very process still runs. */
export async function stillRuns(process: { readonly pid: number; readonly started: string }): Promise<boolean> {
  if (process.pid <= 1) return false; // a signal to such a number goes to a whole group, or to everybody
  return hasProc ? (await startTicks(process.pid)) === process.started : answersSignals(process.pid);
}

/** All PostgreSQL processes that work in `pgdata`, the postmaster's orphans too. Empty where the system does not tell. */
export async function serverProcessesIn(pgdata: string, exec: Exec): Promise<readonly ProcessFacts[]> {
  const folder = await folderIdentity(pgdata);
  if (!hasProc || folder === undefined) return [];
  const found: ProcessFacts[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name) || (await folderIdentity(`/proc/${name}/cwd`)) !== folder) continue;
    const facts = await lookAtProcess(Number(name), exec);
    if (facts !== undefined && isServerCommand(facts.command)) found.push(facts);
  }
  return found;
}

/** The postmaster is `…/postgres -D …`; its children call themselves `postgres: checkpointer` and the like. */
function isServerCommand(command: readonly string[]): boolean {
  const name = command[0] ?? "";
  return name.startsWith("postgres:") || basename(name) === "postgres";
}

/** `device:inode` of a folder; undefined when it is not there or not for us to see. */
export async function folderIdentity(path: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(path);
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

/** Field 22 of /proc/pid/stat, counted behind the name, which may hold blanks and brackets. */
async function startTicks(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function askPs(pid: number, exec: Exec): Promise<ProcessFacts | undefined> {
  const { code, stdout } = await exec.run("ps", ["-o", "stat=,lstart=,command=", "-p", String(pid)]);
  const [, state = "Z", started = "", command = ""] = /^\s*(\S+)\s+(\S+\s+\S+\s+\S+\s+\S+\s+\S+)\s+(.*)/.exec(stdout) ?? [];
  if (code !== 0 || state.startsWith("Z")) return undefined;
  return { pid, started, command: command.split(" "), workingFolder: undefined };
}

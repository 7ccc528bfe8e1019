import { readdir, readFile } from "node:fs/promises";

/** A process beyond doubt: numbers are used again, a number with its start time is not. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks between boot and the start of the process: field 22 of /proc/PID/stat. */
  readonly startTicks: number;
}

/** Who has this number now; undefined when nobody does or only a zombie that waits for its parent. */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const stat = await readProc(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // the name in front may hold blanks and brackets
  const [state, startTicks] = [fields[0], fields[19]];
  if (state === "Z" || state === "X" || startTicks === undefined) return undefined;
  return { pid, startTicks: Number(startTicks) };
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await identify(identity.pid))?.startTicks === identity.startTicks;
}

/** Every living process that was started with `assignment` (`NAME=value`) in its environment, itself or by an ancestor. */
export async function processesWithEnvironment(assignment: string): Promise<ProcessIdentity[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map(async (pid) => ((await hasEnvironment(pid, assignment)) ? identify(pid) : undefined)));
  return found.filter((identity) => identity !== undefined);
}

async function hasEnvironment(pid: number, assignment: string): Promise<boolean> {
  const environment = await readProc(`/proc/${pid}/environ`);
  return environment?.split("\0").includes(assignment) ?? false;
}

/** Whether the process is number 1 of a namespace of its own: the kernel ends everything in there with it. */
export async function isNamespaceInit(pid: number): Promise<boolean> {
  const numbers = /^NSpid:\s+(.*)$/m.exec((await readProc(`/proc/${pid}/status`)) ?? "")?.[1]?.split(/\s+/) ?? [];
  return numbers.length > 1 && numbers.at(-1) === "1";
}

/** Ends exactly this process; false when it had ended already. */
export async function killExactly(identity: ProcessIdentity, signal: NodeJS.Signals): Promise<boolean> {
  if (!(await isAlive(identity))) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

async function readProc(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** The process ended while we looked, or belongs to a user whose processes are not ours to read. */
function isGone(error: unknown): boolean {
  return ["ENOENT", "ESRCH", "EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "");
}

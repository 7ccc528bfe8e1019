import { readdir, readFile } from "node:fs/promises";
import type { Clock } from "@threeport/platform";

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
export async function processesWithEnvironment(assignment: string, clock: Clock): Promise<ProcessIdentity[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map(async (pid) => ((await hasEnvironment(pid, { assignment, clock })) ? identify(pid) : undefined)));
  return found.filter((identity) => identity !== undefined);
}

async function hasEnvironment(pid: number, { assignment, clock }: { readonly assignment: string; readonly clock: Clock }): Promise<boolean> {
  const untilMs = clock.monotonic() + execMsMax;
  const read = (): Promise<string | undefined> => readProc(`/proc/${pid}/environ`);
  for (let environment = await read(); ; environment = await read()) {
    if (environment !== undefined && environment !== "") return environment.split("\0").includes(assignment);
    if (clock.monotonic() > untilMs) return false;
    if (await isBetweenPrograms(pid)) await clock.sleep(1);
    else return (await read())?.split("\0").includes(assignment) ?? false; // it may just have arrived
  }
}

/** Loading a program takes longer than this only when the disk does not answer. */
const execMsMax = 2_000;
/** PF_KTHREAD in field 9 of /proc/PID/stat. */
const kernelThreadFlag = 0x20_0000;

/**
 * Whether the process is just leaving one program for another (execve): for that moment the kernel shows neither
 * arguments nor environment of it, so that it cannot be told whose it is. Kernel threads and zombies never have any.
 */
async function isBetweenPrograms(pid: number): Promise<boolean> {
  const [stat, commandLine] = await Promise.all([readProc(`/proc/${pid}/stat`), readProc(`/proc/${pid}/cmdline`)]);
  if (stat === undefined || commandLine !== "") return false;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] !== "Z" && fields[0] !== "X" && (Number(fields[6]) & kernelThreadFlag) === 0;
}

/** The words that a process was started with; none when it is gone. */
export async function commandLine(pid: number): Promise<readonly string[]> {
  return ((await readProc(`/proc/${pid}/cmdline`)) ?? "").split("\0");
}

/** Whether the process is number 1 of a namespace of its own: the kernel ends everything in there with it. */
export async function isNamespaceInit(pid: number): Promise<boolean> {
  const numbers = /^NSpid:\s+(.*)$/m.exec((await readProc(`/proc/${pid}/status`)) ?? "")?.[1]?.split(/\s+/) ?? [];
  return numbers.length > 1 && numbers.at(-1) === "1";
}

/** Clock ticks in a second, as /proc counts them for programs on every architecture of Linux. */
const ticksPerSecond = 100;

/** How long the process has been there, milliseconds. */
export async function ageMs(identity: ProcessIdentity): Promise<number> {
  const uptimeSeconds = Number((await readFile("/proc/uptime", "utf8")).split(" ")[0]);
  return Math.max(0, (uptimeSeconds - identity.startTicks / ticksPerSecond) * 1000);
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

import { readFile, readlink } from "node:fs/promises";
import { resolve } from "node:path";
import type { HomePaths } from "../environment.ts";
import { readIfThere } from "../files.ts";

/** What a running server writes about itself; a killed one leaves it behind. */
export interface ServerRecord {
  readonly pid: number;
  readonly url: string;
  readonly version: string;
  readonly startedAt: string;
}

/** The server of this home, when the process that wrote the record still runs. */
export async function runningServer(home: HomePaths): Promise<ServerRecord | undefined> {
  const record = await readRecord(home);
  return record !== undefined && (await isServerProcess(record.pid, home)) ? record : undefined;
}

async function readRecord(home: HomePaths): Promise<ServerRecord | undefined> {
  const text = await readIfThere(home.serverFile);
  if (text === undefined) return undefined;
  try {
    const { pid, url, version, startedAt } = JSON.parse(text) as Partial<ServerRecord>;
    if (!Number.isInteger(pid) || typeof url !== "string") return undefined;
    return { pid: pid ?? 0, url, version: version ?? "", startedAt: startedAt ?? "" };
  } catch {
    return undefined; // half a file of a full disk: as good as none
  }
}

/**
 * Whether this pid is a server of this home. The number may belong to another program by now, which must never be signalled: the
 * command line has to be a server's, and must not name another home.
 */
export async function isServerProcess(pid: number, home: Pick<HomePaths, "folder">): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 1) return false;
  const [line, variables, state] = await Promise.all([procText(pid, "cmdline"), procText(pid, "environ"), procText(pid, "stat")]);
  if (/^\d+ \(.*\) [ZX]/s.test(state)) return false; // ended; only its exit code is left
  const args = line.split("\0");
  if (!args.some((arg) => /(^|\/)server\/src\/main\.ts$/.test(arg))) return false;
  const stated =
    flagValue(args, "home") ??
    variables
      .split("\0")
      .find((entry) => entry.startsWith("THREEPORT_HOME="))
      ?.slice("THREEPORT_HOME=".length);
  if (stated === undefined) return true;
  const folder = resolve(await readlink(`/proc/${pid}/cwd`).catch(() => "/"), stated);
  return folder === resolve(home.folder);
}

/** "" for a process that is gone, or that belongs to somebody else. */
async function procText(pid: number, file: string): Promise<string> {
  return readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
}

function flagValue(args: readonly string[], name: string): string | undefined {
  const index = args.findIndex((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
  if (index < 0) return undefined;
  const arg = args[index] ?? "";
  return arg.includes("=") ? arg.slice(arg.indexOf("=") + 1) : args[index + 1];
}

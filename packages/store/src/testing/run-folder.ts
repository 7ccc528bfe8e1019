import { chmod, lstat, mkdtemp, readdir, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Clock, Exec } from "@threeport/platform";
import { stopPostmaster } from "../embedded/postmaster.ts";
import { findPostmaster } from "../embedded/postmaster-file.ts";
import { lookAtProcess, stillRuns } from "../embedded/process-facts.ts";

/** Linux' file system in memory: copies of databases are made there in a tenth of the time. */
const memoryFolder = "/dev/shm";
/** Taken only with this much room, in bytes: a run of hundreds of databases holds a few dozen at a time, of 8 MB each, and the log. Containers often have 64 MB. */
const memoryBytesMin = 2 * 1024 ** 3;

const prefix = "threeport-test-";
/** `threeport-test-<pid>-<start time of that process>-<chance>`: whose folder it is can be told after that process is gone. */
const nameForm = /^threeport-test-(\d+)-(\w+)-\w+$/;

/** A folder for one test run, which others may pass but not read: as root, the server's user must get through it. */
export async function makeRunFolder(exec: Exec): Promise<string> {
  const self = await lookAtProcess(process.pid, exec);
  const folder = await mkdtemp(join(await parentFolder(), `${prefix}${process.pid}-${startedWord(self?.started)}-`));
  await chmod(folder, 0o711);
  return folder;
}

/** Ends the servers and removes the folders of runs that were killed before they could. */
export async function sweepRunFolders(seams: { readonly exec: Exec; readonly clock: Clock }): Promise<void> {
  for (const folder of await runFolders()) {
    const [, pid, started] = nameForm.exec(basename(folder)) ?? [];
    if (pid === undefined) continue;
    const found = await lstat(folder).catch(() => undefined);
    if (found === undefined || !found.isDirectory() || found.uid !== process.getuid?.()) continue;
    const owner = await lookAtProcess(Number(pid), seams.exec);
    if (owner !== undefined && startedWord(owner.started) === started && (await stillRuns(owner))) continue;
    await removeRunFolder(folder, seams);
  }
}

async function runFolders(): Promise<readonly string[]> {
  const parents = [tmpdir(), memoryFolder];
  const lists = await Promise.all(parents.map(async (parent) => (await readdir(parent).catch(() => [])).map((name) => join(parent, name))));
  return lists.flat();
}

async function parentFolder(): Promise<string> {
  const memory = await statfs(memoryFolder).catch(() => undefined);
  return memory !== undefined && memory.bavail * memory.bsize >= memoryBytesMin ? memoryFolder : tmpdir();
}

async function removeRunFolder(folder: string, { exec, clock }: { readonly exec: Exec; readonly clock: Clock }): Promise<void> {
  const pgdata = join(dataDirOf(folder), "pgdata");
  const postmaster = await findPostmaster(pgdata, exec);
  if (postmaster !== undefined) await stopPostmaster({ postmaster, pgdata, exec, clock });
  await rm(folder, { recursive: true, force: true });
}

export function dataDirOf(runFolder: string): string {
  return join(runFolder, "data");
}

export function deskOf(runFolder: string): string {
  return join(runFolder, "desk");
}

function startedWord(started: string | undefined): string {
  return (started ?? "unknown").replaceAll(/\W/g, "");
}

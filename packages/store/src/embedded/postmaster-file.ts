import { lchown, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Exec } from "@threeport/platform";
import { folderIdentity, lookAtProcess, type ProcessFacts } from "./process-facts.ts";

/** What PostgreSQL writes about its running server (`postmaster.pid`, one fact a line). Later lines appear as the server gets there. */
export interface PostmasterFile {
  readonly pid: number;
  readonly socketFolder: string;
  readonly status: "starting" | "ready" | "stopping" | "unknown";
}

export async function readPostmasterFile(pgdata: string): Promise<PostmasterFile | undefined> {
  const text = await readFile(pathIn(pgdata), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return undefined;
  });
  if (text === undefined) return undefined;
  const lines = text.split("\n").map((line) => line.trim());
  const status = lines[7] ?? "";
  return {
    pid: Number(lines[0]),
    socketFolder: lines[4] ?? "",
    status: status === "ready" || status === "starting" || status === "stopping" ? status : "unknown",
  };
}

/** The running postmaster of `pgdata`, if the file names one: that very process must be a PostgreSQL server that works in this very folder. */
export async function findPostmaster(pgdata: string, exec: Exec): Promise<ProcessFacts | undefined> {
  const file = await readPostmasterFile(pgdata);
  if (file === undefined || !Number.isInteger(file.pid) || file.pid <= 1) return undefined;
  const facts = await lookAtProcess(file.pid, exec);
  if (facts === undefined || basename(facts.command[0] ?? "") !== "postgres") return undefined;
  if (facts.workingFolder !== undefined) return facts.workingFolder === (await folderIdentity(pgdata)) ? facts : undefined;
  return facts.command.includes(pgdata) ? facts : undefined;
}

/**
 * Makes PostgreSQL look past a file whose pid now belongs to another process, or to a zombie. It takes a file that names its own parent for stale,
 * and still checks the shared memory that the file names; removing the file would skip that check.
 */
export async function disownPostmasterFile(pgdata: string): Promise<void> {
  const path = pathIn(pgdata);
  const [, ...rest] = (await readFile(path, "utf8")).split("\n");
  const { uid, gid } = await stat(path);
  const draft = `${path}.draft`;
  await rm(draft, { force: true });
  await writeFile(draft, [String(process.pid), ...rest].join("\n"), { mode: 0o600, flag: "wx" });
  if (process.getuid?.() === 0) await lchown(draft, uid, gid);
  await rename(draft, path);
}

function pathIn(pgdata: string): string {
  return join(pgdata, "postmaster.pid");
}

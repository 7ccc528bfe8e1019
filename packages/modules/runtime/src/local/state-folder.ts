import { mkdir, readFile, rm, rmdir, writeFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { identify, isAlive, type ProcessIdentity } from "./process-table.ts";

/** Where the parts of a cluster keep their files, below its state folder. */
export const stateFolders = {
  log: "log",
  pid: "pid",
  pki: "pki",
  config: "config",
  images: "images",
  etcd: "etcd",
  /** Mounted at the usual places inside the node, so that pods which look there find them. */
  containerd: "containerd",
  kubelet: "kubelet",
  podLogs: "pod-logs",
} as const;

export const kubeconfigFile = "kubeconfig";
/** Written while {@link stateFolders.pki} is being made, then renamed to it. */
export const pkiPartialFolder = "pki.partial";

/** The lock under which the cluster of a state folder is started or stopped. */
export function stateLockName(stateDir: string): string {
  return `local-kubernetes ${stateDir}`;
}

/** Private to root: private keys and Secrets (in etcd's files) are in there. */
export async function createStateFolders(stateDir: string): Promise<void> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const { pki: _made, ...others } = stateFolders;
  for (const name of Object.values(others)) await mkdir(join(stateDir, name), { recursive: true, mode: 0o700 });
}

/** Removes what we put there, and the folder if nothing else is in it. */
export async function removeStateFolders(stateDir: string): Promise<void> {
  for (const name of [...Object.values(stateFolders), kubeconfigFile, pkiPartialFolder]) await rm(join(stateDir, name), { recursive: true, force: true, maxRetries: 3 });
  await rmdir(stateDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTEMPTY" && error.code !== "ENOENT") throw error; // files of others stay, with the folder
  });
}

/** Notes that `pid` is the process of `component`. Whole or not at all, so a reader never sees half a number. */
export async function recordProcess(stateDir: string, component: string, identity: ProcessIdentity): Promise<void> {
  const path = processPath(stateDir, component);
  await writeFile(`${path}.partial`, JSON.stringify(identity));
  await rename(`${path}.partial`, path);
}

/** The recorded process of `component`, if that very process still lives. */
export async function livingProcess(stateDir: string, component: string): Promise<ProcessIdentity | undefined> {
  const text = await readFile(processPath(stateDir, component), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
  if (text === undefined) return undefined;
  const identity = JSON.parse(text) as ProcessIdentity;
  return (await isAlive(identity)) ? identity : undefined;
}

/** Records a process just started by us, before it can have been replaced by another one of its number. */
export async function recordStarted(stateDir: string, component: string, pid: number): Promise<ProcessIdentity | undefined> {
  const identity = await identify(pid);
  if (identity !== undefined) await recordProcess(stateDir, component, identity);
  return identity;
}

function processPath(stateDir: string, component: string): string {
  return join(stateDir, stateFolders.pid, `${component}.json`);
}

import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PlatformError } from "@threeport/resource";
import { identify, isAlive, type ProcessIdentity } from "./process-table.ts";

/** Where the parts of a cluster keep their files, below its state folder. */
export const stateFolders = {
  log: "log",
  pid: "pid",
  pki: "pki",
  config: "config",
  images: "images",
  etcd: "etcd",
  /** These three are mounted at the usual places inside the node, so that pods which look there find them. */
  containerd: "containerd",
  kubelet: "kubelet",
  podLogs: "pod-logs",
  /** Where volumes are, unless the starter keeps them elsewhere. */
  volumes: "volumes",
} as const;

export const kubeconfigFile = "kubeconfig";
/** Written while {@link stateFolders.pki} is being made, then renamed to it. */
export const pkiPartialFolder = "pki.partial";

/** Says that the folder is ours. Written before and removed after everything else, because only what we made is removed. */
const markFile = ".threeport-local-kubernetes";

/** The lock under which the cluster of a state folder is started or stopped. */
export function stateLockName(stateDir: string): string {
  return `local-kubernetes ${stateDir}`;
}

/** Makes the folders of a new cluster. Fails with TP_INVALID when somebody else's files are in `stateDir`. Safe to repeat. */
export async function createStateFolders(stateDir: string): Promise<void> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 }); // Secrets are in etcd's files, private keys in others
  await requireOurs(stateDir);
  await writeFile(join(stateDir, markFile), "");
  const { pki: _madeWhole, etcd, ...others } = stateFolders;
  await mkdir(join(stateDir, etcd), { recursive: true, mode: 0o700 });
  for (const name of Object.values(others)) await mkdir(join(stateDir, name), { recursive: true, mode: 0o755 });
}

/** Removes what we put there, and the folder when nothing else is in it. A folder that is not ours is left alone. */
export async function removeStateFolders(stateDir: string): Promise<void> {
  const content = await contentOf(stateDir);
  if (content.includes(markFile)) {
    for (const name of [...Object.values(stateFolders), kubeconfigFile, pkiPartialFolder])
      await rm(join(stateDir, name), { recursive: true, force: true, maxRetries: 3 });
    await rm(join(stateDir, markFile));
  }
  await rmdir(stateDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTEMPTY" && error.code !== "ENOENT") throw error; // files of others stay, with the folder
  });
}

async function requireOurs(stateDir: string): Promise<void> {
  const content = await contentOf(stateDir);
  if (content.length === 0 || content.includes(markFile)) return;
  throw new PlatformError("TP_INVALID", {
    message: `${stateDir} holds files that are not a local cluster's (${content.slice(0, 3).join(", ")}). Name an empty or new folder.`,
  });
}

async function contentOf(stateDir: string): Promise<string[]> {
  return readdir(stateDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return [];
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

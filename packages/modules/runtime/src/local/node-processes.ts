import { open, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Exec } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import type { ComponentCommand } from "./component-commands.ts";
import { configPath, type NodeSettings } from "./node-config.ts";
import { nodeInitScript } from "./node-init-script.ts";
import { commandLine, isAlive, isNamespaceInit, killExactly, type ProcessIdentity, processesWithEnvironment } from "./process-table.ts";
import { livingProcess, recordStarted, stateFolders } from "./state-folder.ts";
import { waitFor } from "./wait.ts";

// The node is a set of namespaces (network, mounts, processes, IPC, host name) around one process, its init.
//   N1  Everything of the node runs inside: when init ends, the kernel ends every process in there, and with the last
//       process go its mounts, its network and its containers. To stop a node is to kill one process.
//   N2  Every process that we start carries the cluster's id in its environment, so it is found even when its starter died
//       before it could note the number.

const markName = "THREEPORT_LOCAL_KUBERNETES";
const initName = "init";
const initReadyFile = "init.ready";
/** Making namespaces and a dozen mounts takes 50 ms; more than this means that the machine is stuck. */
const initDeadlineMs = 20_000;

export interface NodeContext {
  readonly id: string;
  readonly settings: NodeSettings;
  /** Files through which a process enters the node's control groups. */
  readonly cgroupEntrances: readonly string[];
  /** The node was there before: an earlier start was ended, and programs of it may run. */
  readonly continued: boolean;
  readonly exec: Exec;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** What marks a process as belonging to the cluster `id`. */
export function processMark(id: string): string {
  return `${markName}=${id}`;
}

/** The node's init, if it lives. */
export function livingInit(stateDir: string): Promise<ProcessIdentity | undefined> {
  return livingProcess(stateDir, initName);
}

const newNamespaces = ["unshare", "--net", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--propagation", "slave"];

/** Why namespaces cannot be made, as in a container that has root without its rights; undefined when they can. */
export async function whyNoNamespaces(exec: Exec): Promise<string | undefined> {
  const [command = "", ...args] = newNamespaces;
  const { code, stderr } = await exec.run(command, [...args, "true"]);
  return code === 0 ? undefined : `no namespaces can be made here (${stderr.trim()})`;
}

/** Starts the node's namespaces with its init, and waits until its mounts are made. */
export async function startInit(context: NodeContext): Promise<ProcessIdentity> {
  const { stateDir, nodeName, binariesFolder, volumesFolder } = context.settings;
  const scriptPath = configPath(context.settings, "node-init.sh");
  const readyPath = join(stateDir, stateFolders.pid, initReadyFile);
  await writeFile(scriptPath, nodeInitScript, { mode: 0o700 });
  await rm(readyPath, { force: true });
  const pid = await launch(context, {
    name: initName,
    command: [...newNamespaces, "sh", scriptPath, stateDir, binariesFolder, nodeName, readyPath, volumesFolder],
    env: {},
  });
  const look = async () => {
    const text = await readFile(readyPath, "utf8").catch(() => undefined);
    if (text !== undefined) return Number(text);
    if ((await livingProcess(stateDir, `${initName}-parent`)) === undefined) throw await componentFailed(stateDir, initName);
    return undefined;
  };
  if ((await recordStarted(stateDir, `${initName}-parent`, pid)) === undefined) throw await componentFailed(stateDir, initName);
  const initPid = await waitFor("the start of the node's init", look, {
    clock: context.clock,
    deadlineMs: initDeadlineMs,
    ...(context.signal === undefined ? {} : { signal: context.signal }),
  });
  const init = await recordStarted(stateDir, initName, initPid);
  if (init === undefined) throw await componentFailed(stateDir, initName);
  return init;
}

/** Starts `command` inside the node, unless it runs. It outlives us; its output goes to `log/<name>.log`. */
export async function startComponent(context: NodeContext, init: ProcessIdentity, command: ComponentCommand): Promise<void> {
  const { stateDir, binariesFolder } = context.settings;
  if ((await livingProcess(stateDir, command.name)) !== undefined) return;
  const [unrecorded] = context.continued ? await processesOf(command, context) : [];
  if (unrecorded !== undefined) {
    await recordStarted(stateDir, command.name, unrecorded.pid);
    return;
  }
  const nsenter = ["nsenter", "--target", String(init.pid), "--net", "--pid", "--ipc", "--uts", ...(command.hostFiles ? [] : ["--mount"])];
  // containerd starts the shim, and the kubelet mount programs, by name: our own come first.
  const env = { PATH: `${binariesFolder}:${searchPath}`, GOMEMLIMIT: `${command.memoryMiB}MiB` };
  const pid = await launch(context, { name: command.name, command: [...nsenter, command.program, ...command.args], env });
  await recordStarted(stateDir, command.name, pid);
}

/**
 * The processes of a component, noted or not: a starter that was killed between the start of a program and the note of it left one (N2),
 * and a second one would meet its ports and end. What entered the node comes before what it became there; it is what is noted.
 */
async function processesOf(command: Pick<ComponentCommand, "mark">, { id, clock }: Pick<NodeContext, "id" | "clock">): Promise<ProcessIdentity[]> {
  const found = await processesWithEnvironment(processMark(id), clock);
  const those = await Promise.all(found.map(async (identity) => ((await commandLine(identity.pid)).includes(command.mark) ? [identity] : [])));
  return those.flat().sort((a, b) => a.startTicks - b.startTicks || a.pid - b.pid);
}

/** Kills a component with all processes of it, also one that hangs. What it started (containers of containerd) lives on. */
export async function killComponent(command: Pick<ComponentCommand, "name" | "mark">, context: Pick<NodeContext, "id" | "clock">): Promise<void> {
  const processes = await processesOf(command, context);
  for (const identity of processes) await killExactly(identity, "SIGKILL");
  const ended = async () => ((await livingOf(processes)).length === 0 ? true : undefined);
  await waitFor(`the end of ${command.name}`, ended, { clock: context.clock, deadlineMs: killedDeadlineMs });
}

/** The kernel ends a killed process at once, unless it waits for a disk. */
const killedDeadlineMs = 10_000;

/** Throws, with the end of its log, when the component has ended. */
export async function requireComponent(stateDir: string, name: string): Promise<void> {
  if ((await livingProcess(stateDir, name)) === undefined) throw await componentFailed(stateDir, name);
}

/** How long the node's init may take to end with all that is in there, before the processes around it are killed too. */
const initEndMs = 5_000;

/** Kills every process of the cluster; returns those that are still there at the deadline. Safe to repeat. */
export async function killNode(id: string, options: { readonly clock: Clock; readonly deadlineMs: number }): Promise<ProcessIdentity[]> {
  const seen = new Map<number, ProcessIdentity>();
  const inits = new Map<number, ProcessIdentity>();
  const patientUntilMs = options.clock.monotonic() + initEndMs;
  const look = async () => {
    const found = await processesWithEnvironment(processMark(id), options.clock);
    for (const identity of found) {
      seen.set(identity.pid, identity);
      if (await isNamespaceInit(identity.pid)) inits.set(identity.pid, identity);
    }
    for (const init of inits.values()) await killExactly(init, "SIGKILL");
    // A dying init has lost its environment, but stays until the last process in its namespace has been reaped. The
    // processes that entered from outside (nsenter) do that for their children: killed at once, they would leave it to
    // process 1 of the machine, which may take its time.
    const initsEnded = (await livingOf(inits.values())).length === 0;
    if (initsEnded || options.clock.monotonic() > patientUntilMs) {
      for (const identity of found) await killExactly(identity, "SIGKILL");
    }
    return (await livingOf(seen.values())).length === 0 ? true : undefined;
  };
  await waitFor("the end of the node's processes", look, options).catch(() => {}); // who is left is looked up below
  return livingOf(seen.values());
}

async function livingOf(identities: Iterable<ProcessIdentity>): Promise<ProcessIdentity[]> {
  const checked = await Promise.all([...identities].map(async (identity) => ((await isAlive(identity)) ? [identity] : [])));
  return checked.flat();
}

interface Launch {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Enters each control group named in `$1`, then becomes the rest of the command line. */
const enterCgroupsThenExec = 'umask 022; for entrance in $1; do echo 0 >"$entrance"; done; shift; exec "$@"';

/**
 * A new session, in the node's control groups: nothing of the starter's life (terminal, service, scope) ends it. And an
 * environment of its own: the starter's may hold secrets, or a proxy that Go programs would use to reach each other.
 */
async function launch(context: NodeContext, { name, command, env }: Launch): Promise<number> {
  await using log = await open(logPath(context.settings.stateDir, name), "a", 0o600);
  const environment = Object.entries({ PATH: searchPath, HOME: "/root", ...env, [markName]: context.id }).map(([key, value]) => `${key}=${value}`);
  const started = context.exec.start("sh", ["-c", enterCgroupsThenExec, "launch", context.cgroupEntrances.join(" "), "env", "-i", ...environment, ...command], {
    cwd: "/",
    env: { [markName]: context.id },
    detached: true,
    outputFd: log.fd,
  });
  return started.pid;
}

/** Where a component's output goes. */
export function logPath(stateDir: string, name: string): string {
  return join(stateDir, stateFolders.log, `${name}.log`);
}

const logTailLines = 5;
const breakdownLines = 100;
/** A Go program that breaks down writes why, then many lines of where. */
const breakdown = /^(panic|fatal error): /;

async function componentFailed(stateDir: string, name: string): Promise<PlatformError> {
  const log = await readFile(logPath(stateDir, name), "utf8").catch(() => "");
  const lines = log.trim().split("\n");
  const why = lines.slice(-breakdownLines).findLast((line) => breakdown.test(line));
  const tail = why ?? lines.slice(-logTailLines).join("\n");
  return new PlatformError("TP_LOCAL_KUBERNETES_FAILED", {
    message: `${name} ended. The end of ${logPath(stateDir, name)}:\n${tail}`,
    detail: { component: name },
  });
}

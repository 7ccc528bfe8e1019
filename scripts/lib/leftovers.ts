import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { stopLocalKubernetes } from "../../packages/modules/runtime/src/local/index.ts";
import { identify, isAlive, killExactly, type ProcessIdentity } from "../../packages/modules/runtime/src/local/process-table.ts";
import { slotsFolderDefault, type SlotRecord } from "../../packages/modules/runtime/src/local/slots.ts";
import { silentLogger, systemClock, systemExec } from "../../packages/platform/src/index.ts";

// What a test run may leave behind, and how it is known to be the run's own:
//   - a process: the run's mark stands in its environment, or the run's folder in its command line;
//   - a local Kubernetes: its state folder lies in the run's folder.
// Nothing else is ever touched, so other runs and other people's clusters on the machine are safe.

export interface RunTraces {
  /** `NAME=value`, inherited by everything that the run starts. */
  readonly mark: string;
  /** The run's folder for temporary files, links resolved. */
  readonly folder: string;
}

/** Servers that end with their parent need a moment to write their files. */
const patienceMs = 5_000;
const killAfterMs = 5_000;
const pollMs = 50;

export interface Leftovers {
  /** What was there, in words; normally nothing. */
  readonly found: readonly string[];
  /** What of it could not be removed. */
  readonly remained: readonly string[];
}

/** Ends what a run left behind. `patient`: what ends by itself within a few seconds is no leftover. */
export async function endLeftovers(traces: RunTraces, { patient }: { readonly patient: boolean }): Promise<Leftovers> {
  if (process.platform !== "linux") return { found: [], remained: [] }; // without /proc nobody can tell whose a process is
  if (patient) await waitUntilGone(() => findProcesses(traces), patienceMs);
  const processes = await findProcesses(traces);
  const found = await Promise.all(processes.map(async (identity) => `process ${identity.pid} (${await commandOf(identity.pid)})`));
  await end(processes); // first: a control plane would start its cluster again
  const remaining: string[] = [];
  for (const { stateDir, name } of await findClusters(traces.folder)) {
    const { remained } = await stopLocalKubernetes({ stateDir, exec: systemExec, clock: systemClock, log: silentLogger });
    found.push(`local Kubernetes ${name} (${stateDir})`);
    remaining.push(...remained);
  }
  return { found, remained: remaining };
}

async function end(processes: readonly ProcessIdentity[]): Promise<void> {
  for (const identity of processes) await killExactly(identity, "SIGTERM");
  const living = async () => (await Promise.all(processes.map(async (identity) => ((await isAlive(identity)) ? [identity] : [])))).flat();
  await waitUntilGone(living, killAfterMs);
  for (const identity of await living()) await killExactly(identity, "SIGKILL");
}

async function waitUntilGone(find: () => Promise<readonly unknown[]>, ms: number): Promise<void> {
  const deadline = systemClock.monotonic() + ms;
  while ((await find()).length > 0 && systemClock.monotonic() < deadline) await systemClock.sleep(pollMs);
}

async function findProcesses({ mark, folder }: RunTraces): Promise<ProcessIdentity[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map(async (pid) => ((await belongs(pid, mark, folder)) ? identify(pid) : undefined)));
  return found.filter((identity) => identity !== undefined);
}

async function belongs(pid: number, mark: string, folder: string): Promise<boolean> {
  if (pid === process.pid) return false;
  if ((await readProc(pid, "environ")).split("\0").includes(mark)) return true;
  return (await readProc(pid, "cmdline")).includes(folder);
}

async function commandOf(pid: number): Promise<string> {
  return (await readProc(pid, "cmdline")).replaceAll("\0", " ").trim().slice(0, 120);
}

/** Empty when the process has ended or is not ours to read. */
async function readProc(pid: number, file: "environ" | "cmdline"): Promise<string> {
  return readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
}

async function findClusters(folder: string): Promise<SlotRecord[]> {
  const names = await readdir(slotsFolderDefault).catch(() => []); // no cluster was ever started
  const texts = await Promise.all(
    names.filter((name) => name.endsWith(".json")).map((name) => readFile(join(slotsFolderDefault, name), "utf8").catch(() => undefined)),
  );
  return texts.flatMap((text) => (text === undefined ? [] : [JSON.parse(text) as SlotRecord])).filter(({ stateDir }) => stateDir.startsWith(`${folder}/`));
}

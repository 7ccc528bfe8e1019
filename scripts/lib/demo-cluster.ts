import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { binariesPlace, ensureSystemPackages, requireRoot, whyNoBinaries, whyNoNamespaces } from "../../packages/modules/runtime/src/local/index.ts";
import { systemClock, systemExec, systemRandom } from "../../packages/platform/src/index.ts";
import { toPlatformError } from "../../packages/resource/src/index.ts";

const simProgram = fileURLToPath(new URL("../../packages/sim/src/main.ts", import.meta.url));
const seams = { exec: systemExec, clock: systemClock, random: systemRandom };

/** Why this machine cannot run a Kubernetes, in a sentence without its point; undefined when it can, after a download or a build of minutes maybe. */
export async function whyNoRealCluster(signal: AbortSignal, say: (line: string) => void): Promise<string | undefined> {
  if (process.platform !== "linux") return "a Kubernetes on this machine needs Linux";
  try {
    requireRoot();
    await ensureSystemPackages({ exec: systemExec, signal, onProgress: say });
  } catch (error) {
    signal.throwIfAborted();
    return toPlatformError(error).message.replace(/\.$/, "");
  }
  return (await whyNoNamespaces(systemExec)) ?? (await whyNoBinaries({ ...binariesPlace(process.env), ...seams, signal }));
}

/** A cluster of packages/sim, in a process of its own. */
export interface SimulatedCluster extends AsyncDisposable {
  /** Path of its kubeconfig. */
  readonly kubeconfig: string;
}

/** Starts one; its files go into `folder` and away again at the end. */
export async function startSimulatedCluster(folder: string, signal: AbortSignal): Promise<SimulatedCluster> {
  // In a session of its own: Ctrl-C ends this script, which then ends it, last.
  const child = spawn(process.execPath, [simProgram, "--folder", folder], { stdio: ["ignore", "pipe", "inherit"], detached: true });
  const exited = once(child, "exit");
  const end = async (): Promise<void> => {
    child.kill("SIGTERM");
    await exited;
  };
  for await (const line of createInterface({ input: child.stdout, signal })) {
    if (line.startsWith("ready")) return { kubeconfig: join(folder, "sim-1.kubeconfig"), [Symbol.asyncDispose]: end };
  }
  await end();
  signal.throwIfAborted();
  throw new Error("the simulated cluster ended before it was ready");
}

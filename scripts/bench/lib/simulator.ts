import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseKubeconfig, type ConnectionConfig } from "../../../packages/client/src/index.ts";
import { systemExec } from "../../../packages/platform/src/index.ts";
import { endWithUs } from "./end-with-us.ts";

const main = resolve(import.meta.dirname, "../../../packages/sim/src/main.ts");

export interface Simulator extends AsyncDisposable {
  readonly pid: number;
  readonly kubeconfigs: readonly string[];
  readonly connections: readonly ConnectionConfig[];
}

/** Simulated clusters in a process of their own, as `npm run sim` starts them. */
export async function startSimulator(folder: string, clusters: number): Promise<Simulator> {
  const ready = new EventTarget();
  const process = systemExec.start(globalThis.process.execPath, [main, "--folder", folder, "--clusters", String(clusters)], {
    onLine: (line) => {
      if (line.startsWith("ready: ")) ready.dispatchEvent(new Event("ready"));
    },
    killAfterMs: 15_000,
  });
  endWithUs(process);
  await Promise.race([
    once(ready, "ready"),
    process.exited.then(() => {
      throw new Error("the simulator ended before it was ready");
    }),
  ]);
  const kubeconfigs = await Promise.all(Array.from({ length: clusters }, (_, n) => readFile(join(folder, `sim-${n + 1}.kubeconfig`), "utf8")));
  return {
    pid: process.pid,
    kubeconfigs,
    connections: kubeconfigs.map((text) => parseKubeconfig(text)),
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { systemExec, type RunResult } from "@threeport/platform";
import { kubernetesPrograms } from "@threeport/cluster/testing";
import type { ServerHome } from "./server-process.ts";

export interface RunKubectlOptions {
  readonly input?: string;
  readonly env?: Record<string, string>;
  readonly timeoutMs?: number;
}

/** The real kubectl as the administrator of a control plane. */
export interface Kubectl {
  run(args: readonly string[], options?: RunKubectlOptions): Promise<RunResult>;
  /** What it prints; an exit code other than 0 fails the test with what it said. */
  prints(...args: string[]): Promise<string>;
  /** What it says when it fails. */
  refused(...args: string[]): Promise<string>;
  /** A file with this text, for `-f`. */
  file(text: string): Promise<string>;
}

export function kubectlOf(home: Pick<ServerHome, "folder">): Kubectl {
  const programs = kubernetesPrograms();
  if (programs === undefined) throw new Error("kubectl is not built; npm test builds it");
  const always = ["--kubeconfig", join(home.folder, "admin.kubeconfig"), "--cache-dir", join(home.folder, "kubectl-cache")];
  let files = 0;
  const run: Kubectl["run"] = (args, options = {}) => systemExec.run(join(programs, "kubectl"), [...always, ...args], { timeoutMs: 30_000, ...options });
  return {
    run,
    async prints(...args) {
      const result = await run(args);
      expect(`${result.code}: ${result.stderr}`, args.join(" ")).toMatch(/^0: /);
      return result.stdout;
    },
    async refused(...args) {
      const result = await run(args);
      expect(result.code, `${args.join(" ")} printed ${result.stdout}`).not.toBe(0);
      return result.stderr;
    },
    async file(text) {
      const path = join(home.folder, `kubectl-input-${files++}.yaml`);
      await writeFile(path, text);
      return path;
    },
  };
}

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";

/** The release that tests run against; the same that local runtimes get. */
const version = "v1.36.4";
const needed = ["etcd", "kube-apiserver", "kube-controller-manager"];

/** Folder of the Kubernetes programs, or undefined when they are not on this machine. */
export function kubernetesPrograms(): string | undefined {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const folder = process.env["THREEPORT_KUBERNETES_BIN"] ?? join(cache, "threeport", "kubernetes", version, "bin");
  return needed.every((name) => existsSync(join(folder, name))) ? folder : undefined;
}

/** As `describe`, for tests that need a real API server: without its programs they are left out with a word, and fail where CI asks for all tests. */
export function describeWithKubernetes(name: string, body: () => void): void {
  if (kubernetesPrograms() !== undefined || process.env["CI"] === "true") {
    describe(name, body); // without the programs, starting fails with a sentence
    return;
  }
  process.stderr.write(`left out: ${name}: there are no Kubernetes ${version} programs; a first local runtime gets them, or set THREEPORT_KUBERNETES_BIN\n`);
  describe.skip(name, body);
}

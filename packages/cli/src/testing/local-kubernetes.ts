import { access, readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/** Why a test cannot have a local Kubernetes. A build of it takes minutes, which is no test's business; and its namespaces are root's. */
export async function whatIsMissing(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return "a local Kubernetes needs root";
  const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "threeport", "kubernetes");
  const folders =
    process.env["THREEPORT_KUBERNETES_BIN"] === undefined
      ? (await readdir(cache).catch(() => [])).map((version) => join(cache, version, "bin"))
      : [process.env["THREEPORT_KUBERNETES_BIN"]];
  const complete = await Promise.all(
    folders.map((folder) =>
      access(join(folder, "kubelet")).then(
        () => true,
        () => false,
      ),
    ),
  );
  return complete.includes(true) ? undefined : "the Kubernetes binaries are not there; node scripts/local-kubernetes.ts up gets them";
}

// Clusters by kind (kind.sigs.k8s.io), where Docker or Podman is: each is known by its name alone, so whatever was interrupted is found again.
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Exec } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import type { RuntimeProvider } from "./provider.ts";

export interface KindProviderOptions {
  readonly exec: Exec;
  /** Of this control plane: two of them on one machine have clusters of their own. */
  readonly controlPlaneId: string;
}

/** An image of a node has to be fetched first. */
const createMs = 10 * 60_000;
const readyWait = "5m";
const callMs = 60_000;
const idShown = 6;

/** A Kubernetes in containers on this machine, made by the program kind. */
export function kindProvider(options: KindProviderOptions): RuntimeProvider {
  const nameOf = (runtime: string): string => clusterName(runtime, options.controlPlaneId);
  return {
    async ensure(runtime, { signal }, progress) {
      const name = nameOf(runtime.metadata.name);
      const call = { exec: options.exec, signal };
      const there = (await kind(call, ["get", "clusters"])).split("\n").includes(name);
      const known = there ? await kubeconfigOf(call, name) : undefined;
      if (known !== undefined) return { kubeconfig: known };
      // Half of one is of no use: it was not finished.
      if (there) await kind(call, ["delete", "cluster", "--name", name]);
      progress(`kind makes the cluster ${name}; the first one of a machine fetches an image of some hundred MB`);
      await create(call, name);
      return { kubeconfig: await kind(call, ["get", "kubeconfig", "--name", name]) };
    },
    // One that answers is asked nothing more.
    mend: async () => Promise.resolve(undefined),
    async remove(runtime, { signal }) {
      await kind({ exec: options.exec, signal }, ["delete", "cluster", "--name", nameOf(runtime.metadata.name)]);
    },
  };
}

/** Docker's names of nodes are made of it. */
export function clusterName(runtime: string, controlPlaneId: string): string {
  return `threeport-${runtime}-${createHash("sha256").update(controlPlaneId).digest("hex").slice(0, idShown)}`;
}

interface Call {
  readonly exec: Exec;
  readonly signal: AbortSignal;
}

async function kubeconfigOf(call: Call, name: string): Promise<string | undefined> {
  try {
    return await kind(call, ["get", "kubeconfig", "--name", name]);
  } catch (error) {
    call.signal.throwIfAborted();
    if (error instanceof PlatformError && error.code === "TP_UNAVAILABLE") return undefined;
    throw error;
  }
}

async function create(call: Call, name: string): Promise<void> {
  // Its user's own kubeconfig is left alone.
  const folder = await mkdtemp(join(tmpdir(), "threeport-kind-"));
  try {
    await kind(call, ["create", "cluster", "--name", name, "--wait", readyWait, "--kubeconfig", join(folder, "kubeconfig")], createMs);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function kind({ exec, signal }: Call, args: readonly string[], timeoutMs = callMs): Promise<string> {
  const result = await exec.run("kind", args, { signal, timeoutMs }).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw new PlatformError("TP_TOOL_MISSING", {
      message: "there is no program kind on the control plane's machine: install it (kind.sigs.k8s.io) and Docker or Podman, or use another provider",
      cause,
    });
  });
  if (result.code === 0) return result.stdout;
  const said = result.stderr.trim().split("\n").at(-1) ?? "";
  throw new PlatformError("TP_UNAVAILABLE", {
    message: `kind ${args.slice(0, 2).join(" ")} ${result.code === null ? `took longer than ${timeoutMs / 60_000} min` : `failed: ${said.replace(/^ERROR: /, "")}`}; see that Docker or Podman runs`,
  });
}

import { constants } from "node:fs";
import { access, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Exec } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import { type BuildStep, buildSteps, goMinorMin, goModules, kubernetesVersion } from "./go-modules.ts";
import { takeProcessLock } from "./process-lock.ts";

/** Everything a node needs, in one folder: Kubernetes, etcd, containerd, CNI plugins, CoreDNS. */
export interface KubernetesBinaries {
  readonly version: string;
  /** Absolute path of the folder that holds them. */
  readonly folder: string;
}

export interface BinariesRequest {
  /** Threeport's cache folder. Default `~/.cache/threeport`; callers pass `$XDG_CACHE_HOME/threeport`. */
  readonly cacheDir?: string;
  /** Binaries that somebody put there. When given, it must be complete: nothing is built instead of what was asked for. */
  readonly folder?: string;
  readonly exec: Exec;
  readonly signal?: AbortSignal;
  readonly onProgress?: (line: string) => void;
}

// Building binaries into a folder that several processes share.
//   B1  A binary stands under its name only when it is whole: it is built under another name and renamed.
//   B2  Two callers never build into one folder at once; a caller that dies frees the way (process-lock.ts L2).
//   B3  What is there is not built again: a build that was interrupted goes on where it stopped.

/**
 * Finds the binaries: `folder`, else the cache, else builds them from Go modules into the cache (about 10 minutes on two
 * cores, 4 GB of Go cache). Fails with TP_TOOL_MISSING when `folder` is incomplete, Go is missing or too old, or a build fails.
 */
export async function ensureKubernetesBinaries(request: BinariesRequest): Promise<KubernetesBinaries> {
  if (request.folder !== undefined) {
    const missing = await missingSteps(request.folder);
    if (missing.length === 0) return { version: kubernetesVersion, folder: request.folder };
    throw new PlatformError("TP_TOOL_MISSING", {
      message: `${request.folder} does not hold ${missing.map((step) => step.binary).join(", ")}. Put them there, or do not name a folder and they are built.`,
    });
  }
  const folder = kubernetesCacheFolder(request.cacheDir);
  if ((await missingSteps(folder)).length > 0) await build(folder, request);
  return { version: kubernetesVersion, folder };
}

/** Where built binaries are kept. */
export function kubernetesCacheFolder(cacheDir = join(homedir(), ".cache", "threeport")): string {
  return join(cacheDir, "kubernetes", kubernetesVersion, "bin");
}

/** True when nothing would have to be built. */
export async function hasKubernetesBinaries(folder: string): Promise<boolean> {
  return (await missingSteps(folder)).length === 0;
}

async function missingSteps(folder: string): Promise<BuildStep[]> {
  const present = await Promise.all(buildSteps.map((step) => isExecutable(join(folder, step.binary))));
  return buildSteps.filter((_, index) => present[index] === false);
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false; // absent and unusable are the same to the caller: it must be built
  }
}

async function build(folder: string, request: BinariesRequest): Promise<void> {
  const lockOptions = {
    ...(request.signal === undefined ? {} : { signal: request.signal }),
    onWait: () => request.onProgress?.("waiting for another process that builds Kubernetes"),
  };
  await using _lock = await takeProcessLock(folder, lockOptions); // B2
  const missing = await missingSteps(folder); // B3: what another caller finished while we waited counts
  if (missing.length === 0) return;
  await requireGo(request);
  const workFolder = join(folder, "..", "build"); // one name, so that a killed build leaves one small folder at most
  await rm(workFolder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const prepared = new Set<keyof typeof goModules>();
  for (const [index, step] of missing.entries()) {
    request.onProgress?.(`building ${step.binary} (${index + 1} of ${missing.length}, about ${step.minutes} min)`);
    if (step.module !== undefined && !prepared.has(step.module)) {
      await prepareModule(join(workFolder, step.module), step.module, request);
      prepared.add(step.module);
    }
    await buildOne(step, { folder, workFolder, request });
  }
  await rm(workFolder, { recursive: true, force: true });
}

async function prepareModule(moduleFolder: string, module: keyof typeof goModules, request: BinariesRequest): Promise<void> {
  await mkdir(moduleFolder, { recursive: true });
  await writeFile(join(moduleFolder, "go.mod"), goModules[module]);
  await go(["mod", "tidy"], { cwd: moduleFolder, env: { GOFLAGS: "-mod=mod" }, request });
}

async function buildOne(step: BuildStep, where: { readonly folder: string; readonly workFolder: string; readonly request: BinariesRequest }): Promise<void> {
  const outFolder = join(where.workFolder, "out");
  await mkdir(outFolder, { recursive: true });
  const built = join(outFolder, step.binary);
  if (step.module === undefined) {
    await go(["install", "-ldflags", step.ldflags, step.package], {
      cwd: where.workFolder,
      env: { GOFLAGS: "-trimpath", GOBIN: outFolder },
      request: where.request,
    });
  } else {
    const cwd = join(where.workFolder, step.module);
    await go(["build", "-ldflags", step.ldflags, "-o", built, step.package], { cwd, env: { GOFLAGS: "-trimpath -mod=mod" }, request: where.request });
  }
  await rename(built, join(where.folder, step.binary)); // B1
}

interface GoOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly request: BinariesRequest;
}

async function go(args: readonly string[], { cwd, env, request }: GoOptions): Promise<void> {
  const result = await request.exec.run("go", args, {
    cwd,
    env: { GOTOOLCHAIN: "local", CGO_ENABLED: "0", ...env },
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  });
  if (result.code === 0) return;
  const lastLines = result.stderr.trim().split("\n").slice(-5).join("\n");
  throw new PlatformError("TP_TOOL_MISSING", {
    message: `go ${args[0]} failed while building Kubernetes ${kubernetesVersion}:\n${lastLines}`,
    detail: { args, code: result.code },
  });
}

async function requireGo({ exec }: BinariesRequest): Promise<void> {
  const advice = `Install Go 1.${goMinorMin} or newer and have it in PATH, or name a folder that holds the Kubernetes binaries.`;
  let version: string;
  try {
    version = (await exec.run("go", ["version"])).stdout.trim();
  } catch (cause) {
    throw new PlatformError("TP_TOOL_MISSING", { message: `Building Kubernetes needs Go, and there is no go command. ${advice}`, cause });
  }
  const minor = Number(/go1\.(\d+)/.exec(version)?.[1] ?? 0);
  if (minor < goMinorMin) throw new PlatformError("TP_TOOL_MISSING", { message: `Building Kubernetes needs a newer Go than "${version}". ${advice}` });
}

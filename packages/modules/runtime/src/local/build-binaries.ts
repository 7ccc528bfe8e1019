import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Exec } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import { type BuildStep, goMinorMin, goModules } from "./go-modules.ts";

export interface BuildRequest {
  readonly exec: Exec;
  /** What is built, for people: `Kubernetes v1.36.4`. */
  readonly what: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (line: string) => void;
}

/**
 * Builds `missing` from Go modules into `folder`, whose lock the caller holds.
 * @throws PlatformError TP_TOOL_MISSING when Go is missing or too old, or a build fails
 */
export async function buildBinaries(folder: string, missing: readonly BuildStep[], request: BuildRequest): Promise<void> {
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

async function prepareModule(moduleFolder: string, module: keyof typeof goModules, request: BuildRequest): Promise<void> {
  await mkdir(moduleFolder, { recursive: true });
  await writeFile(join(moduleFolder, "go.mod"), goModules[module]);
  await go(["mod", "tidy"], { cwd: moduleFolder, env: { GOFLAGS: "-mod=mod" }, request });
}

async function buildOne(step: BuildStep, where: { readonly folder: string; readonly workFolder: string; readonly request: BuildRequest }): Promise<void> {
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
  await rename(built, join(where.folder, step.binary)); // binaries.ts B1
}

interface GoOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly request: BuildRequest;
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
    message: `go ${args[0]} failed while building ${request.what}:\n${lastLines}`,
    detail: { args, code: result.code },
  });
}

/** @throws PlatformError TP_TOOL_MISSING when there is no Go that builds them */
export async function requireGo({ exec, what }: Pick<BuildRequest, "exec" | "what">): Promise<void> {
  const advice = `Install Go 1.${goMinorMin} or newer and have it in PATH, or name what is there already (docs/runtimes.md, binaries).`;
  let version: string;
  try {
    version = (await exec.run("go", ["version"])).stdout.trim();
  } catch (cause) {
    throw new PlatformError("TP_TOOL_MISSING", { message: `Building ${what} needs Go, and there is no go command. ${advice}`, cause });
  }
  const minor = Number(/go1\.(\d+)/.exec(version)?.[1] ?? 0);
  if (minor < goMinorMin) throw new PlatformError("TP_TOOL_MISSING", { message: `Building ${what} needs a newer Go than "${version}". ${advice}` });
}

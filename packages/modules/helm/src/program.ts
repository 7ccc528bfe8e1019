// The helm program: named by the operator, there already, or had once from its own releases (or its Go module).
import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Exec, Random } from "@threeport/platform";
import { binariesCacheFolder, ensureBinaries, type BinariesPlace, type BinarySet } from "@threeport/module-runtime";
import { PlatformError } from "@threeport/resource";

const version = "v4.3.1";
/** The oldest whose `helm template` takes what is asked of it. */
const oldest = { major: 3, minor: 14 };

const helmSet: BinarySet = {
  title: "Helm",
  name: "helm",
  version,
  steps: [
    {
      binary: "helm",
      package: `helm.sh/helm/v4/cmd/helm@${version}`,
      ldflags: `-s -w -X helm.sh/helm/v4/internal/version.version=${version}`,
      minutes: 4,
    },
  ],
  releaseFiles: (architecture) => {
    const file = `get.helm.sh/helm-${version}-linux-${architecture}.tar.gz`;
    return [{ address: file, sums: `${file}.sha256sum`, binaries: { helm: `linux-${architecture}/helm` }, isArchive: true }];
  },
};

export interface ProgramOptions {
  readonly exec: Exec;
  readonly clock: Clock;
  readonly random: Random;
  /** Where the program is had from, as the programs of a local Kubernetes are. */
  readonly place: BinariesPlace;
  /** THREEPORT_HELM: a program that somebody put there, which is then used. */
  readonly program?: string | undefined;
  readonly signal?: AbortSignal;
  readonly onProgress?: (line: string) => void;
}

/**
 * Path of a helm that renders charts: the named one, the one in the cache, the one in PATH, else the one that is had now.
 * @throws PlatformError TP_TOOL_MISSING with what to do; TP_UNAVAILABLE when trying again later may help
 */
export async function ensureHelm(options: ProgramOptions): Promise<string> {
  const { program, place } = options;
  if (program !== undefined) return usable(program, options);
  const there = await findHelm(options);
  if (there !== undefined) return there;
  // The folder that may be named is one of Kubernetes' binaries.
  const { folder: _kubernetes, ...anywhere } = place;
  const { folder } = await ensureBinaries(helmSet, { ...options, ...anywhere });
  return join(folder, "helm");
}

/** Whether nothing would have to be downloaded or built. */
export async function hasHelm(options: ProgramOptions): Promise<boolean> {
  return options.program !== undefined || (await findHelm(options)) !== undefined;
}

async function findHelm(options: ProgramOptions): Promise<string | undefined> {
  const cached = join(binariesCacheFolder(helmSet, options.place.cacheDir), "helm");
  if (await isExecutable(cached)) return cached;
  return usable("helm", options).catch(() => undefined);
}

async function usable(program: string, { exec, signal }: ProgramOptions): Promise<string> {
  const advice = `set THREEPORT_HELM to a helm of version ${oldest.major}.${oldest.minor} or newer, or unset it and one is had`;
  const answer = await exec.run(program, ["version", "--short"], { timeoutMs: 10_000, ...(signal === undefined ? {} : { signal }) }).catch((cause: unknown) => {
    throw new PlatformError("TP_TOOL_MISSING", { message: `${program} cannot be started as helm; ${advice}`, cause });
  });
  const [, major, minor] = /^v(\d+)\.(\d+)\./.exec(answer.stdout.trim()) ?? [];
  const isNew = Number(major) > oldest.major || (Number(major) === oldest.major && Number(minor) >= oldest.minor);
  if (answer.code === 0 && isNew) return program;
  throw new PlatformError("TP_TOOL_MISSING", {
    message: `${program} is not the helm that is needed (it says ${JSON.stringify(answer.stdout.trim())}); ${advice}`,
  });
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

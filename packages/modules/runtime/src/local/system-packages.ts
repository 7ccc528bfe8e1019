import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { join } from "node:path";
import type { Exec } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";

/** Programs of the operating system that a node needs, by path. */
export interface SystemPrograms {
  readonly runc: string;
  readonly busybox: string;
}

export interface SystemPackagesRequest {
  readonly exec: Exec;
  readonly signal?: AbortSignal;
  readonly onProgress?: (line: string) => void;
  /** Where programs are looked for; PATH is not asked. */
  readonly searchFolders?: readonly string[];
  /** Default: whether this process is root. */
  readonly mayInstall?: boolean;
}

const standardFolders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** The same seam, finding the system's programs whatever the caller's PATH: that of a user often lacks the sbin folders. */
export function withSystemPath(exec: Exec): Exec {
  const env = { PATH: ["/usr/local/sbin", "/usr/local/bin", ...standardFolders].join(":") };
  return {
    run: (command, args, options) => exec.run(command, args, { ...options, env: { ...env, ...options?.env } }),
    start: (command, args, options) => exec.start(command, args, { ...options, env: { ...env, ...options?.env } }),
  };
}

/** Program → Debian package. */
const packageOf = {
  runc: "runc",
  busybox: "busybox-static",
  ip: "iproute2",
  iptables: "iptables",
  nft: "nftables",
  nsenter: "util-linux",
  unshare: "util-linux",
  mount: "mount",
} as const;

/**
 * Finds what the node needs from the operating system; installs Debian packages that are missing when we are root.
 * Fails with TP_TOOL_MISSING, naming the packages, when it may not or cannot.
 */
export async function ensureSystemPackages(request: SystemPackagesRequest): Promise<SystemPrograms> {
  const missing = await missingPackages(request);
  if (missing.length > 0) {
    if (!(request.mayInstall ?? process.getuid?.() === 0)) throw unavailable(missing, "Installing them needs root.");
    await install(missing, request);
    const stillMissing = await missingPackages(request);
    if (stillMissing.length > 0) throw unavailable(stillMissing, "They were installed, but their programs are not where they should be.");
  }
  const [runc, busybox] = await Promise.all([find("runc", request), find("busybox", request)]);
  return { runc: runc ?? "runc", busybox: busybox ?? "busybox" };
}

async function missingPackages(request: SystemPackagesRequest): Promise<string[]> {
  const missing = new Set<string>();
  for (const [program, name] of Object.entries(packageOf)) {
    const path = await find(program, request);
    if (path === undefined || (program === "busybox" && !(await isStatic(path, request.exec)))) missing.add(name);
  }
  return [...missing];
}

async function find(program: string, { searchFolders = standardFolders }: SystemPackagesRequest): Promise<string | undefined> {
  for (const folder of searchFolders) {
    const path = join(folder, program);
    const usable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) return path;
  }
  return undefined;
}

/** Images made from busybox hold nothing else, so it must not need libraries. `ldd` fails exactly for static programs. */
async function isStatic(path: string, exec: Exec): Promise<boolean> {
  return (await exec.run("ldd", [path])).code !== 0;
}

async function install(packages: readonly string[], request: SystemPackagesRequest): Promise<void> {
  const options = { env: { DEBIAN_FRONTEND: "noninteractive" }, ...(request.signal === undefined ? {} : { signal: request.signal }) };
  request.onProgress?.(`installing Debian packages: ${packages.join(", ")}`);
  for (const args of [["update"], ["install", "-y", "--no-install-recommends", ...packages]]) {
    const result = await request.exec.run("apt-get", args, options).catch((cause: unknown) => {
      throw unavailable(packages, "This system has no apt-get; install what provides them here.", cause);
    });
    // A failed update is no reason to stop: the package lists that are there may be enough.
    if (result.code !== 0 && args[0] === "install") throw unavailable(packages, `apt-get install failed: ${result.stderr.trim().split("\n").at(-1) ?? ""}`);
  }
}

function unavailable(packages: readonly string[], why: string, cause?: unknown): PlatformError {
  return new PlatformError("TP_TOOL_MISSING", {
    message: `A local Kubernetes needs these Debian packages: ${packages.join(", ")}. ${why}`,
    detail: { packages },
    cause,
  });
}

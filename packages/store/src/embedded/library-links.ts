import { lstat, mkdir, readFile, stat, symlink, unlink } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";

interface Link {
  /** Paths as the package writes them, relative to its root: the file that is there, and the name it must also have. */
  readonly source: string;
  readonly target: string;
}

/**
 * npm packages carry no links, so the package recreates its library links (`libpq.so.5 → libpq.so.5.18`) in a postinstall script, which many
 * installations do not run. Makes what is missing. Where the package cannot be written, the links are made in `fallbackDir`, and the answer is
 * a search path for the loader.
 */
export async function ensureLibraryLinks(packageRoot: string, fallbackDir: string): Promise<string | undefined> {
  const links = await readLinks(packageRoot);
  const missing: Link[] = [];
  for (const link of links) if (!(await exists(join(packageRoot, link.target)))) missing.push(link);
  if (missing.length === 0) return undefined;
  try {
    for (const { source, target } of missing) {
      await place(join(packageRoot, target), relative(dirname(target), source));
    }
    return undefined;
  } catch (error) {
    if (!["EACCES", "EPERM", "EROFS"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
  await mkdir(fallbackDir, { recursive: true, mode: 0o755 });
  for (const { source, target } of links) {
    const path = join(fallbackDir, basename(target));
    await unlink(path).catch(ignoreMissing); // it may point to a package that was moved since
    await place(path, join(packageRoot, source));
  }
  return `${fallbackDir}:${join(packageRoot, "native", "lib")}`; // a library that is found by a link looks for its own libraries beside the link
}

async function readLinks(packageRoot: string): Promise<readonly Link[]> {
  try {
    return JSON.parse(await readFile(join(packageRoot, "native", "pg-symlinks.json"), "utf8")) as Link[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return []; // a platform whose package needs no links
    throw error;
  }
}

/** False for a link that leads nowhere, too. */
function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function place(path: string, to: string): Promise<void> {
  const old = await lstat(path).catch(ignoreMissing);
  if (old?.isSymbolicLink() === true && !(await exists(path))) await unlink(path).catch(ignoreMissing);
  await symlink(to, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error; // another process made it first
  });
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

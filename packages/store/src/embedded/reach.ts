import { stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import type { ServerUser } from "./server-user.ts";

/** A folder that the server's user may not pass, and what behind it the server needs. */
export interface Barrier {
  readonly folder: string;
  readonly behind: readonly string[];
}

/** The outermost folder on the way to `path` (itself included) that `user` may not enter; undefined when the way is free. Goes by mode bits. */
export async function firstClosedFolder(path: string, user: ServerUser): Promise<string | undefined> {
  for (const folder of wayTo(path)) {
    const { mode, uid, gid } = await stat(folder);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return folder;
  }
  return undefined;
}

/** Groups `paths` by what closes the way to them. A path that is itself closed comes back as `folder` with itself behind it. */
export async function barriersTo(paths: readonly string[], user: ServerUser): Promise<readonly Barrier[]> {
  const behind = new Map<string, string[]>();
  for (const path of paths) {
    const folder = await firstClosedFolder(path, user);
    if (folder !== undefined) behind.set(folder, [...(behind.get(folder) ?? []), path]);
  }
  return [...behind].map(([folder, needed]) => ({ folder, behind: needed }));
}

/**
 * A shell script for a private mount namespace: behind each barrier an empty folder that everybody may pass takes its place, holding nothing but
 * what the server needs, at the very same paths. So the server, its files and its tools agree on every path, inside and outside.
 * `stage` is an empty folder to prepare each one on.
 */
export function openBarriersScript(barriers: readonly Barrier[], stage: string): string {
  const lines = ["set -e", "umask 022"];
  for (const { folder, behind } of barriers) {
    lines.push(`mount -t tmpfs -o mode=0711,size=1m threeport ${quote(stage)}`); // size: it holds a few folder entries only
    for (const path of behind) {
      const place = join(stage, relative(folder, path));
      lines.push(`mkdir -p ${quote(place)}`, `mount --bind ${quote(path)} ${quote(place)}`);
    }
    lines.push(`mount --move ${quote(stage)} ${quote(folder)}`);
  }
  return lines.join("\n");
}

export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function wayTo(path: string): readonly string[] {
  const parent = dirname(path);
  return parent === path ? [path] : [...wayTo(parent), path];
}

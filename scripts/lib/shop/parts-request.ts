import { homedir } from "node:os";
import { join } from "node:path";
import type { Exec } from "../../../packages/platform/src/index.ts";
import { PlatformError } from "../../../packages/resource/src/index.ts";

export interface PartsRequest {
  readonly exec: Exec;
  /** Threeport's cache folder, which outlives the checkout: programs are had once a machine. Default `~/.cache/threeport`. */
  readonly cacheDir?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly say?: ((line: string) => void) | undefined;
}

/** Where programs for the shop's images are kept. */
export function shopCache(request: PartsRequest): string {
  return join(request.cacheDir ?? join(homedir(), ".cache", "threeport"), "shop");
}

export interface ToolOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Runs a program to its end, and gives what it printed. @throws PlatformError TP_TOOL_MISSING with the end of what it said */
export async function runTool(request: PartsRequest, [program = "", ...args]: readonly string[], options: ToolOptions = {}): Promise<string> {
  const { exec, signal } = request;
  const result = await exec.run(program, args, { ...options, ...(signal === undefined ? {} : { signal }) }).catch((cause: unknown) => {
    signal?.throwIfAborted();
    throw new PlatformError("TP_TOOL_MISSING", { message: `there is no ${program} to make the shop's images with`, cause });
  });
  if (result.code === 0) return result.stdout;
  const last = result.stderr.trim().split("\n").slice(-5).join("\n");
  throw new PlatformError("TP_TOOL_MISSING", { message: `${program} ${args[0] ?? ""} failed while the shop's images were made:\n${last}` });
}

import { basename, join, normalize } from "node:path";
import type { ImageFile } from "../../../packages/modules/runtime/src/local/index.ts";
import { PlatformError } from "../../../packages/resource/src/index.ts";
import type { PartsRequest } from "./parts-request.ts";

/** Where Debian's loader looks without being told. */
const libraryFolder = "/usr/lib";

export interface LibrariesInput {
  /** Programs and loaded modules, wherever they are on this machine. */
  readonly of: readonly string[];
  /** Folders of this machine with libraries that go before the system's. */
  readonly from?: readonly string[];
  /** Libraries below this folder come into the image in another way. */
  readonly except?: string;
}

/** The shared libraries that programs load, where their loader finds them in an image; and the loader. @throws PlatformError TP_TOOL_MISSING naming what is not there */
export async function librariesOf(request: PartsRequest, { of, from = [], except }: LibrariesInput): Promise<ImageFile[]> {
  const found = new Map<string, string>();
  for (const program of of) {
    const { stdout } = await request.exec.run("ldd", [program], { env: { LD_LIBRARY_PATH: from.join(":") || undefined } });
    const missing = /^\s*(\S+) => not found/m.exec(stdout)?.[1];
    if (missing !== undefined)
      throw new PlatformError("TP_TOOL_MISSING", { message: `${basename(program)} needs ${missing}, which this system does not have: install its package` });
    for (const [, loader, library] of stdout.matchAll(/^\s*(?:(\/\S+)|\S+ => (\/\S+)) \(0x/gm)) {
      const path = normalize(loader ?? library ?? "");
      if (except !== undefined && path.startsWith(`${except}/`)) continue;
      // A program names its loader by a full path, and its libraries by their names.
      found.set(loader ?? join(libraryFolder, basename(path)), path);
    }
  }
  return [...found].map(([path, source]) => ({ path, from: source }));
}

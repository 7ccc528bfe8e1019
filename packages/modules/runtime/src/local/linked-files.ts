import type { Exec } from "@threeport/platform";
import type { ImageFile } from "./image.ts";

/**
 * A program of this machine with the shared libraries and the loader it links against, each at the same path in the
 * image: enough to run Node.js or PostgreSQL from an image that holds nothing else. Empty of libraries when it is static.
 */
export async function linkedFiles(exec: Exec, program: { readonly from: string; readonly path: string }): Promise<ImageFile[]> {
  const { code, stdout } = await exec.run("ldd", [program.from]);
  const libraries = code === 0 ? librariesOf(stdout) : []; // ldd fails for static programs
  return [{ path: program.path, from: program.from, mode: 0o755 }, ...libraries.map((library) => ({ path: library, from: library }))];
}

/** `libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x…)` and `/lib64/ld-linux-x86-64.so.2 (0x…)`; the vdso has no path. */
function librariesOf(lddOutput: string): string[] {
  return lddOutput.split("\n").flatMap((line) => {
    const path = /(?:=>\s*)?(\/\S+)\s+\(0x/.exec(line)?.[1];
    return path === undefined ? [] : [path];
  });
}

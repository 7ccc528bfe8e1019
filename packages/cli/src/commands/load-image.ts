import { resolve } from "node:path";
import type { CliContext } from "../context.ts";
import { inServerProgram } from "../server/in-server-program.ts";

/** Puts images of an archive into a local cluster of this machine, which may reach no registry. */
export async function loadImage(this: CliContext, _flags: object, name: string, file: string): Promise<void> {
  await inServerProgram(this, ["load-image", name, resolve(file)]);
}

import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeWithUs } from "./end-with-us.ts";

export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

/** A folder that is removed in the end. Others may pass through it but not read it: a database started by root runs as somebody else. */
export async function temporaryFolder(prefix: string): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), prefix));
  await chmod(path, 0o711);
  removeWithUs(path);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }) };
}

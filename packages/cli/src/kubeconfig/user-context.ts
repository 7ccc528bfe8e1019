import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { PlatformError } from "@threeport/resource";
import { note, type CliContext } from "../context.ts";
import { userKubeconfigPath, type HomePaths } from "../environment.ts";
import { readIfThere, writePrivateFile } from "../files.ts";
import { accessOf, contextName, withContext, withoutContext, type Access } from "./context-entry.ts";

/** The file that `tptctl up` writes the context to. An explicit home keeps everything, so nothing outside it is touched. */
export function kubeconfigFor(context: CliContext, home: HomePaths): string {
  return home.explicit ? home.kubeconfig : userKubeconfigPath(context.environment);
}

/** Brings the context `threeport` up to date. Returns the lines that tell what kubectl needs to reach it. */
export async function publishContext(context: CliContext, home: HomePaths): Promise<string[]> {
  const path = kubeconfigFor(context, home);
  const access = accessOf((await readIfThere(home.adminKubeconfig)) ?? "");
  const merged = await naming(path, async () => withContext(await readIfThere(path), access));
  if (merged === undefined) {
    note(context, `warning: ${path} has a context ${contextName} of another control plane, which stays as it is`);
    return [`export KUBECONFIG=${home.adminKubeconfig}`];
  }
  if (merged.changed) {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writePrivateFile(path, merged.text);
  }
  if (home.explicit) return [`export KUBECONFIG=${path}`];
  return merged.current ? [] : [`kubectl config use-context ${contextName}`];
}

/** Takes our context out again; one of another control plane stays. Returns whether anything changed. */
export async function withdrawContext(context: CliContext, home: HomePaths): Promise<boolean> {
  const path = kubeconfigFor(context, home);
  const [admin, text] = [await readIfThere(home.adminKubeconfig), await readIfThere(path)];
  if (admin === undefined || text === undefined) return false;
  const access: Access = accessOf(admin);
  const rest = await naming(path, async () => withoutContext(text, access));
  if (rest !== undefined) await writePrivateFile(path, rest);
  return rest !== undefined;
}

/** Which of the user's files an error is about. */
async function naming<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    throw new PlatformError(error.code, {
      message: `${path}: ${error.message}`,
      detail: { ...error.detail, hint: `correct ${path}, or set KUBECONFIG to another file` },
      cause: error,
    });
  }
}

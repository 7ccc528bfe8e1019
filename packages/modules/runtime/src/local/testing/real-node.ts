import { homedir } from "node:os";
import { join } from "node:path";
import { silentLogger, systemClock, systemExec, systemRandom } from "@threeport/platform";
import { ensureKubernetesBinaries, hasKubernetesBinaries, type KubernetesBinaries, kubernetesCacheFolder } from "../binaries.ts";

// Tests that start real clusters run as root where the binaries are (a folder in THREEPORT_KUBERNETES_BIN, or the cache);
// THREEPORT_E2E=1 gets them first, which may take 10 minutes.

const folder = process.env["THREEPORT_KUBERNETES_BIN"];
const cacheDir = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "threeport");
const isRoot = process.getuid?.() === 0;

export const canStartNodes = isRoot && (process.env["THREEPORT_E2E"] === "1" || (await hasKubernetesBinaries(folder ?? kubernetesCacheFolder(cacheDir))));

export const seams = { exec: systemExec, clock: systemClock, random: systemRandom, log: silentLogger };

export function nodeBinaries(): Promise<KubernetesBinaries> {
  return ensureKubernetesBinaries({ ...seams, cacheDir, ...(folder === undefined ? {} : { folder }) });
}

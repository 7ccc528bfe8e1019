import { silentLogger, systemClock, systemExec, systemRandom } from "@threeport/platform";
import { binariesPlace } from "../binaries-place.ts";
import { ensureKubernetesBinaries, hasKubernetesBinaries, type KubernetesBinaries, kubernetesCacheFolder } from "../binaries.ts";

// Tests that start real clusters run as root where the binaries are (a folder in THREEPORT_KUBERNETES_BIN, or the cache);
// THREEPORT_E2E=1 gets them first, which may take 10 minutes.

const place = binariesPlace(process.env);
const isRoot = process.getuid?.() === 0;

export const canStartNodes =
  isRoot && (process.env["THREEPORT_E2E"] === "1" || (await hasKubernetesBinaries(place.folder ?? kubernetesCacheFolder(place.cacheDir))));

export const seams = { exec: systemExec, clock: systemClock, random: systemRandom, log: silentLogger };

export function nodeBinaries(): Promise<KubernetesBinaries> {
  return ensureKubernetesBinaries({ ...seams, ...place });
}

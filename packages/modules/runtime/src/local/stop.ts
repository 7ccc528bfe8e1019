import { realpath } from "node:fs/promises";
import type { Clock, Exec, Logger } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import { takeProcessLock } from "./process-lock.ts";
import { removeTraces } from "./remove-traces.ts";
import { requireRoot } from "./require-root.ts";
import { findSlot, freeSlot, slotsFolderDefault } from "./slots.ts";
import { removeStateFolders, stateLockName } from "./state-folder.ts";
import { withSystemPath } from "./system-packages.ts";

export interface StopRequest {
  readonly stateDir: string;
  readonly exec: Exec;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface StopReport {
  /** What could not be removed, in words; normally empty. The state folder is then kept, and stopping can be tried again. */
  readonly remained: readonly string[];
}

/** Another process that starts this cluster may be about to finish; one that hangs longer is told about. */
const lockDeadlineMs = 60_000;

/**
 * Removes the cluster of `stateDir` without a trace, with its data: also one whose starter died half way, also twice.
 * Fails with TP_IN_USE while another process is starting it.
 */
export async function stopLocalKubernetes({ stateDir, clock, log, ...request }: StopRequest): Promise<StopReport> {
  const exec = withSystemPath(request.exec);
  const folder = await realpath(stateDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return stateDir; // somebody removed it under the running cluster; the slot still tells what to end
  });
  await using _lock = await lockState(folder, clock);
  const record = await findSlot(slotsFolderDefault, folder);
  if (record !== undefined) requireRoot();
  const remained = record === undefined ? [] : await removeTraces(record, { exec, clock });
  if (remained.length > 0) {
    log.info("local Kubernetes could not be removed completely", { stateDir: folder, remained });
    return { remained };
  }
  await removeStateFolders(folder);
  if (record !== undefined) {
    await freeSlot(slotsFolderDefault, record); // last: until here a stop that dies can be repeated (slots.ts S2)
    log.info("local Kubernetes stopped", { name: record.name, stateDir: folder });
  }
  return { remained };
}

async function lockState(folder: string, clock: Clock): Promise<AsyncDisposable> {
  const patience = new AbortController();
  using _timer = clock.after(lockDeadlineMs, () =>
    patience.abort(new PlatformError("TP_IN_USE", { message: `Another process is starting or stopping the cluster of ${folder}. End it, then stop again.` })),
  );
  return await takeProcessLock(stateLockName(folder), { signal: patience.signal });
}

import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PlatformError } from "@threeport/resource";
import { type NetworkPlan, networkPlan, slotCount } from "./network-plan.ts";
import { takeProcessLock } from "./process-lock.ts";

// Which cluster has which slot: one small file a slot, in a folder that a reboot empties, as it ends all clusters.
//   S1  A slot belongs to one cluster: claims happen under one lock of the machine.
//   S2  The file is written before anything else of a cluster is made, and deleted after everything else is gone. So whoever
//       finds the file can find and remove all that its cluster may have left, at whatever point its starter died.
//   S3  A slot is taken over only from a cluster that `isDead`, and only after `removeTraces` removed what it left.

/** Default folder of the slot files. */
export const slotsFolderDefault = "/run/threeport/local-kubernetes";

export interface SlotRecord {
  readonly slot: number;
  /** Unique; every process of the cluster carries it in its environment. */
  readonly id: string;
  readonly name: string;
  /** Absolute, links resolved. */
  readonly stateDir: string;
}

export interface ClaimRequest {
  readonly folder: string;
  readonly id: string;
  readonly name: string;
  readonly stateDir: string;
  /** Whether the host uses these addresses for something else. */
  readonly collides: (plan: NetworkPlan) => boolean;
  /** Whether nothing of that cluster runs and nobody is starting it. */
  readonly isDead: (record: SlotRecord) => Promise<boolean>;
  /** Returns what it could not remove. */
  readonly removeTraces: (record: SlotRecord) => Promise<readonly string[]>;
  readonly signal?: AbortSignal;
}

/** The record of the cluster whose state is in `stateDir`; undefined when it has none. */
export async function findSlot(folder: string, stateDir: string): Promise<SlotRecord | undefined> {
  return (await readSlots(folder)).find((record) => record.stateDir === stateDir);
}

/** Gives the cluster a slot: a free one, else one whose cluster is dead. Fails with TP_TOO_MANY_REQUESTS when all are in use. */
export async function claimSlot(request: ClaimRequest): Promise<SlotRecord> {
  await using _lock = await lockSlots(request.folder, request.signal); // S1
  const taken = new Map((await readSlots(request.folder)).map((record) => [record.slot, record]));
  const usable = Array.from({ length: slotCount }, (_, slot) => slot).filter((slot) => taken.has(slot) || !request.collides(networkPlan(slot)));
  for (const slot of usable) {
    if (!taken.has(slot)) return await writeSlot(request, slot); // awaited here: the lock ends with this scope
  }
  for (const record of taken.values()) {
    if (!(await request.isDead(record)) || (await request.removeTraces(record)).length > 0) continue; // S3
    return await writeSlot(request, record.slot);
  }
  throw new PlatformError("TP_TOO_MANY_REQUESTS", {
    message: `This machine runs ${taken.size} local clusters and has no address range for another one. Stop one of them, or free 10.200.0.0/16, 10.201.0.0/16 and 10.202.0.0/16.`,
  });
}

/** Gives the slot back. The folder goes with the last one. */
export async function freeSlot(folder: string, record: SlotRecord): Promise<void> {
  await using _lock = await lockSlots(folder);
  const current = await findSlot(folder, record.stateDir);
  if (current?.id !== record.id) return;
  await rm(slotPath(folder, record.slot), { force: true });
  for (const path of [folder, dirname(folder)]) {
    if (!(await removeIfEmpty(path))) return;
  }
}

function lockSlots(folder: string, signal?: AbortSignal): Promise<AsyncDisposable> {
  return takeProcessLock(`slots ${folder}`, signal === undefined ? {} : { signal });
}

async function writeSlot(request: ClaimRequest, slot: number): Promise<SlotRecord> {
  const record: SlotRecord = { slot, id: request.id, name: request.name, stateDir: request.stateDir };
  await mkdir(request.folder, { recursive: true, mode: 0o755 });
  const partial = join(request.folder, "claim.partial"); // one name: only the holder of the lock writes it
  await writeFile(partial, JSON.stringify(record));
  await rename(partial, slotPath(request.folder, slot));
  return record;
}

function slotPath(folder: string, slot: number): string {
  return join(folder, `slot-${slot}.json`);
}

async function readSlots(folder: string): Promise<SlotRecord[]> {
  const names = await readdir(folder).catch(absent);
  const records = await Promise.all(
    (names ?? []).filter((name) => /^slot-\d+\.json$/.test(name)).map((name) => readFile(join(folder, name), "utf8").catch(absent)),
  );
  return records.filter((text) => text !== undefined).map((text) => JSON.parse(text) as SlotRecord);
}

/** A file may go while we look: that is the same as not having been there. */
function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

async function removeIfEmpty(path: string): Promise<boolean> {
  await rm(join(path, "claim.partial"), { force: true });
  return rmdir(path).then(
    () => true,
    () => false, // others use it
  );
}

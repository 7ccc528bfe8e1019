/**
 * Runs once around a whole test run (vitest's `globalSetup`; node's `--test-global-setup` takes the names at the end). What must always hold:
 * after the run nothing is left, neither a process nor a file; if the run is killed, the server ends with it and the next run removes the folder.
 */
import { rm } from "node:fs/promises";
import { silentLogger, systemClock, systemExec } from "@threeport/platform";
import { openFolder, type EmbeddedPostgres } from "../embedded/open-folder.ts";
import { maintenanceDatabase } from "../embedded/sign-in.ts";
import { openDesk } from "./desk.ts";
import { dataDirOf, deskOf, makeRunFolder, sweepRunFolders } from "./run-folder.ts";
import { deskVariable } from "./test-cluster.ts";

/** Every test file holds a pool or two; files run side by side. */
const connectionsMax = 200;
/** Many small databases at a time, all of them short-lived. */
const sharedBuffersMiB = 128;

let teardownRun: (() => Promise<void>) | undefined;

export async function setup(): Promise<void> {
  const seams = { exec: systemExec, clock: systemClock };
  await sweepRunFolders(seams);
  const folder = await makeRunFolder(systemExec);
  let server: Promise<EmbeddedPostgres> | undefined;
  const start = async () => {
    server = openFolder({
      ...seams,
      log: silentLogger,
      dataDir: dataDirOf(folder),
      settings: { sharedBuffersMiB, connectionsMax, durability: "none" },
      endsWithParent: true,
    });
    return { ...(await server).connectionOptions, database: maintenanceDatabase };
  };
  const desk = await openDesk(deskOf(folder), start);
  process.env[deskVariable] = deskOf(folder);
  teardownRun = async () => {
    await desk[Symbol.asyncDispose]();
    const running = await server?.catch(() => undefined); // whoever asked for it has been told
    await running?.stop();
    await rm(folder, { recursive: true, force: true });
  };
}

export async function teardown(): Promise<void> {
  await teardownRun?.();
  teardownRun = undefined;
}

export { setup as globalSetup, teardown as globalTeardown };

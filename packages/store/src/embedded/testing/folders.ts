import { chmod, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { silentLogger, systemClock, systemExec, type Exec } from "@threeport/platform";
import { withClient } from "../sign-in.ts";
import type { EmbeddedPostgres } from "../open-folder.ts";
import { openEmbedded, type OpenEmbeddedOptions } from "../open-embedded.ts";
import { endOrphans, stopPostmaster } from "../postmaster.ts";
import { findPostmaster, readPostmasterFile } from "../postmaster-file.ts";

const seams = { exec: systemExec, clock: systemClock, log: silentLogger };

export function open(dataDir: string, options: Partial<OpenEmbeddedOptions> = {}): Promise<EmbeddedPostgres> {
  return openEmbedded({ ...seams, dataDir, ...options });
}

/** A folder that others may pass, as /var/lib is. Disposing ends every server in it, however the test went, and removes it. */
export async function temporaryFolder(parent = "/tmp"): Promise<AsyncDisposable & { readonly path: string; readonly dataDir: string }> {
  const path = await mkdtemp(join(parent, "threeport-store-"));
  await chmod(path, 0o711);
  const dataDir = join(path, "data");
  return {
    path,
    dataDir,
    async [Symbol.asyncDispose]() {
      await endServers(dataDir);
      await rm(path, { recursive: true, force: true });
    },
  };
}

/** The same, with a data folder that has been used and closed: a copy, which takes a tenth of initdb's time. */
export async function usedFolder(original: string): Promise<Awaited<ReturnType<typeof temporaryFolder>>> {
  const folder = await temporaryFolder();
  await copyFolder(original, folder.dataDir, systemExec);
  return folder;
}

/** Keeps owners and modes, which node's `cp` does not. */
export async function copyFolder(from: string, to: string, exec: Exec): Promise<void> {
  const { code, stderr } = await exec.run("cp", ["-a", from, to]);
  if (code !== 0) throw new Error(`cp failed: ${stderr}`);
}

async function endServers(dataDir: string): Promise<void> {
  const pgdata = join(dataDir, "pgdata");
  const postmaster = await findPostmaster(pgdata, systemExec);
  if (postmaster !== undefined) await stopPostmaster({ ...seams, postmaster, pgdata });
  await endOrphans(pgdata, seams);
  if ((await readPostmasterFile(pgdata)) !== undefined) await (await open(dataDir)).stop(); // frees the shared memory of a server that was killed
}

/** Runs one statement on a connection of its own and answers its rows. */
export async function query(database: Pick<EmbeddedPostgres, "connectionOptions">, text: string): Promise<unknown[]> {
  return withClient(database.connectionOptions, async (client) => (await client.query<Record<string, unknown>>(text)).rows);
}

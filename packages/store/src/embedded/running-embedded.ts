import { stat } from "node:fs/promises";
import type { Exec } from "@threeport/platform";
import type { ConnectionOptions } from "./connection-options.ts";
import { databaseUser, readPassword } from "./init-cluster.ts";
import { layoutOf } from "./layout.ts";
import { databaseName } from "./open-folder.ts";
import { findPostmaster, readPostmasterFile } from "./postmaster-file.ts";
import { signIn } from "./sign-in.ts";
import { socketPort } from "./socket-folder.ts";

/**
 * How to reach the server that runs in `dataDir`, as one more client of it: for a look or a copy while a control plane uses it. Undefined when none runs there, or it does
 * not answer as ours. It may end at any time: the folder's lock is not taken.
 */
export async function runningEmbedded(dataDir: string, exec: Exec): Promise<ConnectionOptions | undefined> {
  if ((await stat(dataDir).catch(() => undefined)) === undefined) return undefined;
  const layout = await layoutOf(dataDir);
  if ((await findPostmaster(layout.pgdata, exec)) === undefined) return undefined;
  const file = await readPostmasterFile(layout.pgdata);
  if (file?.status !== "ready") return undefined;
  const connection: ConnectionOptions = {
    host: file.socketFolder,
    port: socketPort,
    user: databaseUser,
    password: await readPassword(layout),
    database: databaseName,
    ssl: false,
  };
  const facts = await signIn(connection).catch(() => undefined);
  return facts?.dataDirectory === layout.pgdata ? connection : undefined;
}

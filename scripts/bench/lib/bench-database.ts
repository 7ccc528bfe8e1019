import { join } from "node:path";
import { silentLogger, systemClock, systemExec } from "@threeport/platform";
import { openEmbedded, type EmbeddedPostgres } from "../../../packages/store/src/embedded/index.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** The embedded PostgreSQL as a control plane runs it, durable, in a temporary folder that goes with it. */
export interface BenchDatabase extends AsyncDisposable {
  readonly connection: EmbeddedPostgres["connectionOptions"];
  readonly version: string;
}

export async function openBenchDatabase(): Promise<BenchDatabase> {
  await using opening = new AsyncDisposableStack();
  const folder = opening.use(await temporaryFolder("threeport-bench-queue-"));
  const server = opening.use(await openEmbedded({ dataDir: join(folder.path, "data"), exec: systemExec, clock: systemClock, log: silentLogger }));
  const opened = opening.move();
  return { connection: server.connectionOptions, version: server.version, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

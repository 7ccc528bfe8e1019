import { existsSync } from "node:fs";
import { join } from "node:path";
import { stopLocalRuntimes } from "@threeport/module-runtime";
import type { Configuration } from "./configuration.ts";
import type { Tools } from "./tools.ts";
import { openHome } from "./home.ts";

/**
 * Ends what a control plane of this home may have left behind, also after it was killed: local clusters and the embedded
 * database server. The data stays. Returns what could not be removed, in words.
 */
export async function stopLeftovers(configuration: Configuration, tools: Tools): Promise<readonly string[]> {
  const home = await openHome(configuration.home);
  const remained = await stopLocalRuntimes(home.runtimes, tools);
  if (configuration.databaseUrl === undefined && existsSync(join(home.database, "pgdata", "PG_VERSION"))) {
    // Opening adopts a server that was left behind; closing ends it.
    const { openEmbedded } = await import("@threeport/store/embedded");
    const postgres = await openEmbedded({
      dataDir: home.database,
      exec: tools.exec,
      clock: tools.clock,
      log: tools.log,
      ...(configuration.pgBinDir === undefined ? {} : { pgBinDir: configuration.pgBinDir }),
    });
    await postgres.stop();
  }
  return remained;
}

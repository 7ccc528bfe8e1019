import { backoffMs } from "@threeport/platform";
import type { ConnectionOptions } from "@threeport/store";
import type { EmbeddedPostgres } from "@threeport/store/embedded";
import type { Configuration } from "./configuration.ts";
import type { Tools } from "./tools.ts";
import type { Home } from "./home.ts";

const restartPolicy = { baseMs: 200, capMs: 10_000 };

export interface SupervisedDatabase extends AsyncDisposable {
  readonly connectionOptions: ConnectionOptions;
}

/**
 * The embedded database for as long as the control plane runs: one that dies is started again at the same place, and
 * meanwhile callers hear 503. What was acknowledged is on disk (S1).
 */
export async function superviseDatabase(configuration: Configuration, home: Home, tools: Tools): Promise<SupervisedDatabase> {
  const { openEmbedded } = await import("@threeport/store/embedded");
  const { clock, log, random, exec } = tools;
  const stopping = new AbortController();
  const open = (): Promise<EmbeddedPostgres> =>
    openEmbedded({
      dataDir: home.database,
      exec,
      clock,
      log,
      ...(configuration.pgBinDir === undefined ? {} : { pgBinDir: configuration.pgBinDir }),
      ...(tools.environment["XDG_RUNTIME_DIR"] === undefined ? {} : { runtimeDir: tools.environment["XDG_RUNTIME_DIR"] }),
    });
  let current = await open();

  async function watch(): Promise<void> {
    while (!stopping.signal.aborted) {
      const ended = await current.exited;
      if (ended.expected || stopping.signal.aborted) return;
      log.info("the embedded database ended unexpectedly and is started again", { code: ended.code, signal: ended.signal });
      for (let attempt = 1; !stopping.signal.aborted; attempt++) {
        try {
          await current.stop();
          current = await open();
          break;
        } catch (error) {
          log.info("the embedded database could not be started", { attempt, error: error instanceof Error ? error.message : String(error) });
          await clock.sleep(backoffMs(attempt, restartPolicy, random), stopping.signal).catch(() => {});
        }
      }
    }
  }
  const watching = watch();
  return {
    connectionOptions: current.connectionOptions as ConnectionOptions,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await current.stop();
      await watching;
    },
  };
}

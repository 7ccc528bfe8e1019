/**
 * A program for tests that need a process of its own: opens the folder of its first argument, says so on a line, and holds it until SIGTERM.
 * Says which error it met instead, if so.
 */
import { silentLogger, systemClock, systemExec } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import { openEmbedded } from "../open-embedded.ts";

const [dataDir = "", pgBinDir] = process.argv.slice(2);
try {
  const database = await openEmbedded({ dataDir, exec: systemExec, clock: systemClock, log: silentLogger, ...(pgBinDir === undefined ? {} : { pgBinDir }) });
  const keepAlive = setInterval(() => {}, 60_000);
  process.once("SIGTERM", () => {
    clearInterval(keepAlive);
    void database.stop();
  });
  console.log(
    JSON.stringify({ pid: process.pid, serverPid: database.pid, adopted: database.adopted, version: database.version, connection: database.connectionOptions }),
  );
} catch (error) {
  if (!(error instanceof PlatformError)) throw error;
  console.log(JSON.stringify({ pid: process.pid, error: error.code, message: error.message }));
}

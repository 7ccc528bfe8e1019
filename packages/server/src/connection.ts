import type { ConnectionOptions } from "@threeport/store";
import type { Configuration } from "./configuration.ts";
import { superviseDatabase } from "./embedded-database.ts";
import type { Home } from "./home.ts";
import type { Tools } from "./tools.ts";

/** Where the database is: the one that is configured, or the embedded one of the home, which `stack` then owns. */
export async function openConnection(configuration: Configuration, home: Home, tools: Tools, stack: AsyncDisposableStack): Promise<ConnectionOptions> {
  if (configuration.databaseUrl !== undefined) {
    const { externalDatabase } = await import("@threeport/store/embedded");
    return externalDatabase(configuration.databaseUrl) as ConnectionOptions;
  }
  return stack.use(await superviseDatabase(configuration, home, tools)).connectionOptions;
}

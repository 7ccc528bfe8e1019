import type { ConnectionOptions } from "@threeport/store";
import type { Configuration } from "./configuration.ts";
import { superviseDatabase } from "./embedded-database.ts";
import type { Home } from "./home.ts";
import type { Tools } from "./tools.ts";

/** Disposing ends an embedded database. */
export interface OpenConnection extends AsyncDisposable {
  readonly connection: ConnectionOptions;
}

/** Where the database is: the one that is configured, or the embedded one of the home. */
export async function openConnection(configuration: Configuration, home: Home, tools: Tools): Promise<OpenConnection> {
  if (configuration.databaseUrl !== undefined) {
    const { externalDatabase } = await import("@threeport/store/embedded");
    return { connection: externalDatabase(configuration.databaseUrl) as ConnectionOptions, async [Symbol.asyncDispose]() {} };
  }
  const database = await superviseDatabase(configuration, home, tools);
  return { connection: database.connectionOptions, [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() };
}

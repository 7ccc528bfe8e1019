import { existsSync } from "node:fs";
import { join } from "node:path";
import { backup, dataKeyStatus, migrate, openDatabase, restore, rotateDataKey, type ConnectionOptions, type Database } from "@threeport/store";
import { PlatformError } from "@threeport/resource";
import type { Configuration } from "./configuration.ts";
import { openConnection } from "./connection.ts";
import { homeKeys, rotateKeyEncryptionKey } from "./home-keys.ts";
import { openHome, type Home } from "./home.ts";
import type { Tools } from "./tools.ts";

/** A command of the server's program beside serving. */
export interface ProgramCommand {
  /** How many words of the command line are not flags. */
  readonly words: number;
  run(words: readonly string[], configuration: Configuration, tools: Tools): Promise<string>;
}

/** Commands of the server's program that work on the database, beside a running control plane where they can (design.md S7, S9). */
export const databaseCommands: Readonly<Record<string, ProgramCommand>> = {
  backup: {
    words: 2,
    async run([, file], configuration, tools) {
      const path = fileOf("backup", file);
      return onDatabase(configuration, tools, async (database, home) => {
        const { rows } = await backup(database, path);
        return `${rows} rows written to ${path}. Secrets in it are sealed: keep the key-encryption key (${home.keys}/key-encryption-key) in another place, without it the backup cannot be opened.`;
      });
    },
  },
  restore: {
    words: 2,
    async run([, file], configuration, tools) {
      const path = fileOf("restore", file);
      await using stack = new AsyncDisposableStack();
      const home = await openHome(configuration.home);
      // Takes the folder's lock: nobody else may be at work in it.
      const { connection } = stack.use(await openConnection(configuration, home, tools));
      const database = stack.use(openDatabase(connection, { statementTimeoutMs: 0 }));
      await migrate(database);
      const { rows } = await restore(database, path, homeKeys(home, tools.environment));
      return `${rows} rows restored from ${path}. Start the control plane: its clients list again, and nothing in a cluster is deleted because the backup does not know it.`;
    },
  },
  "rotate-data-key": {
    words: 1,
    run: (_, configuration, tools) =>
      onDatabase(configuration, tools, async (database, home) => {
        await migrate(database);
        const id = await rotateDataKey(database, homeKeys(home, tools.environment));
        return `data key ${id} seals every write from now on; what older keys sealed is resealed in the background by the running control plane (tptctl keys status shows how far it is)`;
      }),
  },
  "rotate-key-encryption-key": {
    words: 1,
    run: (_, configuration, tools) =>
      onDatabase(configuration, tools, async (database, home) => {
        await migrate(database);
        return rotateKeyEncryptionKey(home, tools.environment, database);
      }),
  },
  "key-status": {
    words: 1,
    run: (_, configuration, tools) =>
      onDatabase(configuration, tools, async (database) => {
        const keys = await dataKeyStatus(database);
        const newest = keys.at(-1)?.id;
        const left = keys.filter(({ id }) => id !== newest).reduce((sum, { rows }) => sum + rows, 0);
        const lines = keys.map(
          ({ id, createdAt, wrappedBy, rows }) =>
            `data key ${id}${id === newest ? " (in use)" : ""}: made ${createdAt.toISOString()}, wrapped by ${wrappedBy === "" ? "a key without a name" : wrappedBy}, seals ${rows} rows`,
        );
        return [...lines, left === 0 ? "nothing is left under older data keys" : `${left} rows are still sealed under older data keys`].join("\n");
      }),
  },
};

function fileOf(command: string, file: string | undefined): string {
  if (file === undefined || file.startsWith("-")) throw new PlatformError("TP_BAD_REQUEST", { message: `say which file: ${command} FILE [--home DIR]` });
  return file;
}

/** The database of a control plane that may be running, or that does not: then the embedded one is started for this. */
async function onDatabase(configuration: Configuration, tools: Tools, run: (database: Database, home: Home) => Promise<string>): Promise<string> {
  await using stack = new AsyncDisposableStack();
  const home = await openHome(configuration.home);
  const { connection } = await openConnectionBeside(configuration, home, tools, stack);
  return await run(stack.use(openDatabase(connection, { statementTimeoutMs: 0 })), home); // before the stack is disposed
}

/** The way to the database of a control plane, beside the one that may be running on it. */
export async function openConnectionBeside(
  configuration: Configuration,
  home: Home,
  tools: Tools,
  stack: AsyncDisposableStack,
): Promise<{ readonly connection: ConnectionOptions }> {
  if (configuration.databaseUrl !== undefined) return stack.use(await openConnection(configuration, home, tools));
  if (!existsSync(join(home.database, "pgdata", "PG_VERSION")))
    throw new PlatformError("TP_NOT_FOUND", {
      message: `there is no control plane in ${home.folder}; set THREEPORT_HOME to the home of one, or DATABASE_URL to its database`,
    });
  const { runningEmbedded } = await import("@threeport/store/embedded");
  const running = await runningEmbedded(home.database, tools.exec);
  return running === undefined ? stack.use(await openConnection(configuration, home, tools)) : { connection: running };
}

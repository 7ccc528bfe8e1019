import { backup, migrate, openDatabase, restore, type ConnectionOptions } from "@threeport/store";
import { PlatformError } from "@threeport/resource";
import type { Configuration } from "./configuration.ts";
import { openConnection } from "./control-plane.ts";
import type { Tools } from "./tools.ts";
import { openHome } from "./home.ts";

/**
 * `backup FILE` and `restore FILE` (design.md S9). With the embedded database the control plane must be stopped: its
 * folder has one user at a time. An own PostgreSQL may be in use during a backup.
 */
export async function runDatabaseCommand(command: "backup" | "restore", file: string | undefined, configuration: Configuration, tools: Tools): Promise<string> {
  if (file === undefined || file.startsWith("-")) throw new PlatformError("TP_BAD_REQUEST", { message: `say which file: ${command} FILE [--home DIR]` });
  await using stack = new AsyncDisposableStack();
  const home = await openHome(configuration.home);
  const connection: ConnectionOptions = await openConnection(configuration, home, tools, stack);
  const database = stack.use(openDatabase(connection, { statementTimeoutMs: 0 }));
  await migrate(database);
  const { rows } = command === "backup" ? await backup(database, file) : await restore(database, file);
  return command === "backup"
    ? `${rows} rows written to ${file}; keep the key-encryption key (${home.keys}/key-encryption-key) in another place: without it the backup cannot be opened`
    : `${rows} rows restored from ${file}; start the control plane with the key-encryption key that the backup was made under`;
}

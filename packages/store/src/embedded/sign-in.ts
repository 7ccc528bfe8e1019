import pg from "pg";
import type { ConnectionOptions } from "./connection-options.ts";

/** What a server says about itself. */
export interface ServerFacts {
  /** For example `18.4`. */
  readonly version: string;
  readonly dataDirectory: string;
}

/** The database that every server has; only to make others from. */
export const maintenanceDatabase = "postgres";

/** A local socket answers at once or not at all. Milliseconds. */
const connectTimeoutMs = 5_000;

/** SQLSTATE invalid_catalog_name: the database does not exist. */
const noSuchDatabase = "3D000";
/** SQLSTATE duplicate_database. */
const databaseExists = "42P04";

/** Signs in once and asks who is there; throws pg's own errors. */
export async function signIn(connection: ConnectionOptions): Promise<ServerFacts> {
  return withClient(connection, async (client) => {
    const { rows } = await client.query<{ version: string; directory: string }>(
      "SELECT current_setting('server_version') AS version, current_setting('data_directory') AS directory",
    );
    const [row] = rows;
    return { version: (row?.version ?? "").split(" ")[0] ?? "", dataDirectory: row?.directory ?? "" };
  });
}

/** Signs in to our database, and makes it where it is missing: the first start was killed between initdb and here. */
export async function signInOrCreate(connection: ConnectionOptions): Promise<ServerFacts> {
  try {
    return await signIn(connection);
  } catch (error) {
    if (sqlState(error) !== noSuchDatabase) throw error;
  }
  await createDatabase(connection);
  return signIn(connection);
}

/** Makes the database that `connection` names; right, too, when it is there. */
export async function createDatabase(connection: ConnectionOptions): Promise<void> {
  await withClient({ ...connection, database: maintenanceDatabase }, async (client) => {
    await client.query(`CREATE DATABASE ${client.escapeIdentifier(connection.database)}`).catch((error: unknown) => {
      if (sqlState(error) !== databaseExists) throw error;
    });
  });
}

/** Runs `work` on a connection of its own. */
export async function withClient<T>(connection: ConnectionOptions, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ ...connection, connectionTimeoutMillis: connectTimeoutMs });
  client.on("error", () => {}); // the server went away between two statements: the next one reports it
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end();
  }
}

/** SQLSTATE class 28: the server knows our role by another password, or not at all. Waiting does not help. */
export function isRefused(error: unknown): boolean {
  return sqlState(error)?.startsWith("28") === true;
}

function sqlState(error: unknown): string | undefined {
  return (error as { code?: string } | undefined)?.code;
}

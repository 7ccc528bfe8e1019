import { Pool, type PoolClient, type PoolConfig, type QueryResultRow } from "pg";
import { PlatformError } from "@threeport/resource";

/** How to reach a PostgreSQL; `host` may be the folder of a Unix socket. */
export type ConnectionOptions = Pick<PoolConfig, "host" | "port" | "user" | "database" | "password" | "ssl" | "connectionString">;

/** A prepared statement: named, so that the server plans it once per connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

export interface Queryable {
  query<Row extends QueryResultRow>(statement: Statement, values: readonly unknown[]): Promise<Row[]>;
}

/** A pool of connections to one database. Every statement outside `transaction` is a transaction of its own. */
export interface Database extends Queryable, AsyncDisposable {
  /** Runs `body` between BEGIN and COMMIT; rolls back when it throws. */
  transaction<T>(body: (tx: Queryable) => Promise<T>): Promise<T>;
  /** Several statements without parameters, for migrations. */
  script(text: string): Promise<void>;
  /** A connection kept out of the pool, for LISTEN. `onNotify` gets channel and payload; `onEnd` is called once when the connection is lost. */
  listen(channels: readonly string[], onNotify: (channel: string, payload: string) => void, onEnd: () => void): Promise<AsyncDisposable>;
}

export interface DatabaseOptions {
  /** Upper bound of open connections. Writers need one, readers a few: more only costs memory in PostgreSQL. */
  readonly connectionsMax?: number;
  /** A statement that runs longer is ended by the server (F5: a slow database must not hold callers for ever). */
  readonly statementTimeoutMs?: number;
}

export function openDatabase(connection: ConnectionOptions, options: DatabaseOptions = {}): Database {
  const pool = new Pool({
    ...connection,
    max: options.connectionsMax ?? 8,
    connectionTimeoutMillis: 5_000,
    statement_timeout: options.statementTimeoutMs ?? 30_000,
    idle_in_transaction_session_timeout: 30_000,
    keepAlive: true,
    application_name: "threeport",
  });
  pool.on("error", () => {}); // an idle connection was lost; the next query opens another
  return {
    query: (statement, values) => run(pool, statement, values),
    async transaction(body) {
      const client = await connect(pool);
      let broken: Error | undefined;
      try {
        await client.query("BEGIN");
        const result = await body({ query: (statement, values) => run(client, statement, values) });
        await client.query("COMMIT");
        return result;
      } catch (error) {
        await client.query("ROLLBACK").catch((rollback: unknown) => (broken = rollback as Error));
        throw translate(error);
      } finally {
        client.release(broken);
      }
    },
    async script(text) {
      await pool.query(text).catch((error: unknown) => {
        throw translate(error);
      });
    },
    async listen(channels, onNotify, onEnd) {
      const client = await connect(pool);
      let ended = false;
      const end = () => {
        if (ended) return;
        ended = true;
        onEnd();
      };
      client.on("error", end);
      client.on("end", end);
      client.on("notification", (message) => onNotify(message.channel, message.payload ?? ""));
      for (const channel of channels) await client.query(`LISTEN ${channel}`);
      return {
        async [Symbol.asyncDispose]() {
          ended = true;
          client.release(true);
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await pool.end();
    },
  };
}

async function run<Row extends QueryResultRow>(target: Pool | PoolClient, statement: Statement, values: readonly unknown[]): Promise<Row[]> {
  try {
    const result = await target.query<Row>({ name: statement.name, text: statement.text, values: values as unknown[] });
    return result.rows;
  } catch (error) {
    throw translate(error);
  }
}

async function connect(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw translate(error);
  }
}

/** SQLSTATE classes after which the same call may succeed: connection loss, shutdown, serialization, deadlock, resources, statement timeout. */
const transientStates = /^(08|53|57|40)/;

function translate(error: unknown): PlatformError {
  if (error instanceof PlatformError) return error;
  const code = (error as { code?: unknown }).code;
  const isSqlState = typeof code === "string" && /^[0-9A-Z]{5}$/.test(code);
  if (isSqlState && !transientStates.test(code)) return new PlatformError("TP_INTERNAL", { cause: error, detail: { sqlState: code } });
  return new PlatformError("TP_DATABASE_UNAVAILABLE", { cause: error, detail: { sqlState: code } });
}

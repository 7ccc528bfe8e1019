import { Client, DatabaseError, Pool, type ClientBase, type PoolClient, type PoolConfig, type QueryResultRow } from "pg";
import { PlatformError } from "@threeport/resource";
import { Flight, type BoundStatement, type TextRows } from "./flight.ts";

/** How to reach a PostgreSQL; `host` may be the folder of a Unix socket. */
export type ConnectionOptions = Pick<PoolConfig, "host" | "port" | "user" | "database" | "password" | "ssl" | "connectionString">;

/** A prepared statement: named, so that the server plans it once per connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  /** How long to wait for the answer, where it may take longer than other statements; the server's own limit is the caller's to set. */
  readonly timeoutMs?: number;
}

export interface Queryable {
  query<Row extends QueryResultRow>(statement: Statement, values: readonly unknown[]): Promise<Row[]>;
}

/** A pool of connections to one database. Every statement outside `transaction` is a transaction of its own. */
export interface Database extends Queryable, AsyncDisposable {
  /**
   * Runs `body` between BEGIN and COMMIT (read committed); rolls back when it throws. When the database chose this transaction to
   * give way (deadlock, serialization failure), `body` runs again: it must have no effects but its statements.
   */
  transaction<T>(body: (tx: Queryable) => Promise<T>): Promise<T>;
  /**
   * Runs statements as one transaction (read committed) in one round trip: all are sent before the first is answered. Each sees what was committed before
   * it begins. Resolves with the rows of each after the commit; rolls back when one fails, and gives way as `transaction` does.
   */
  atOnce(statements: readonly BoundStatement[]): Promise<readonly TextRows[]>;
  /** Several statements without parameters, for migrations. */
  script(text: string): Promise<void>;
  /** A connection of its own, for LISTEN. `onNotify` gets channel and payload; `onEnd` is called once when the connection is lost. */
  listen(channels: readonly string[], onNotify: (channel: string, payload: string) => void, onEnd: () => void): Promise<AsyncDisposable>;
}

export interface DatabaseOptions {
  /** Upper bound of the pool's connections. Writers need one, readers a few: more only costs memory in PostgreSQL. */
  readonly connectionsMax?: number;
  /** A statement that runs longer is ended by the server (F5: a slow database must not hold callers for ever). 0: no limit, nor one between statements; for backups. */
  readonly statementTimeoutMs?: number;
  /** How long a caller waits for a connection: a new one, or a free one of the pool. */
  readonly connectTimeoutMs?: number;
  /**
   * A connection met another history of the database than the ones before it: after a failover, or a copy put in its place, commits that were
   * acknowledged may be gone, and their numbers may be given out again. Called before that connection is used.
   */
  readonly onOtherHistory?: () => void;
}

const connectTimeoutDefaultMs = 5_000;
/** After the server should have ended a statement: a server that does not even answer that is taken for gone. */
const answerGraceMs = 5_000;
/** A transaction without a statement for so long belongs to a process that hangs. It may hold the counter row, and then everybody's writes wait for this. */
const idleInTransactionMs = 5_000;
/** Runs of a statement or transaction that the database told to give way. */
const triesMax = 5;

export function openDatabase(connection: ConnectionOptions, options: DatabaseOptions = {}): Database {
  const statementTimeoutMs = options.statementTimeoutMs ?? 30_000;
  const connectTimeoutMs = options.connectTimeoutMs ?? connectTimeoutDefaultMs;
  let history: string | undefined;
  const pool = new Pool({
    ...connection,
    max: options.connectionsMax ?? 8,
    connectionTimeoutMillis: connectTimeoutMs,
    ...(statementTimeoutMs === 0
      ? {}
      : { statement_timeout: statementTimeoutMs, query_timeout: statementTimeoutMs + answerGraceMs, idle_in_transaction_session_timeout: idleInTransactionMs }),
    keepAlive: true,
    application_name: "threeport",
    // oxlint-disable-next-line typescript/no-misused-promises -- the pool waits for it, which its types do not say
    onConnect: async (client) => {
      await client.query("SET default_transaction_isolation = 'read committed'"); // each statement sees what was committed before it (S2), whatever the server's default
      await walkIndexes(client);
      const met = await historyOf(client);
      if (met === undefined || met === history) return;
      if (history !== undefined) options.onOtherHistory?.();
      history = met;
    },
  });
  pool.on("error", () => {}); // an idle connection was lost; the next query opens another
  // A connection that is lost in use tells its statement, or the next one; without a listener it would also end this process.
  pool.on("connect", (client) => client.on("error", () => {}));
  return {
    query: (statement, values) => givingWay(() => run(pool, statement, values)),
    transaction: (body) => givingWay(() => transact(pool, body)),
    atOnce: (statements) => givingWay(() => fly(pool, statements)),
    async script(text) {
      await pool.query(text).catch((error: unknown) => {
        throw translate(error);
      });
    },
    listen: (channels, onNotify, onEnd) =>
      listen({ ...connection, connectionTimeoutMillis: connectTimeoutMs, keepAlive: true, application_name: "threeport-hints" }, { channels, onNotify, onEnd }),
    async [Symbol.asyncDispose]() {
      await pool.end();
    },
  };
}

/**
 * Each statement of the store walks an index from a known place and stops early, so the planner may not do otherwise. Its statistics lag behind a burst
 * (a restart with 30k due keys, 100k new objects), and it weighs costs of a disk that turns. Measured on 100k rows without this: 17–57 ms for a claim
 * instead of 0.3, 46–148 ms for a page of a list instead of 2, 73 ms for a page at an old number instead of 1.5. One plan for any values will do then: planning write_group anew takes longer than
 * running it (a lone writer: 336 writes/s with plans made for each call, 479 without).
 * A server that does not know these settings plans in its own way.
 */
async function walkIndexes(client: ClientBase): Promise<void> {
  await client
    .query("SET enable_bitmapscan = off; SET enable_seqscan = off; SET jit = off; SET plan_cache_mode = force_generic_plan")
    .catch((error: unknown) => {
      if (!(error instanceof DatabaseError)) throw error;
    });
}

/** SQLSTATE undefined_function, insufficient_privilege: a server that does not know timelines, or does not tell. */
const untold: readonly unknown[] = ["42883", "42501"];

/**
 * Names the database and its line of commits: PostgreSQL begins a new one whenever a copy becomes the primary. Undefined where it is not told. A server that is
 * in recovery, which has no line of its own yet, is refused: what it answers may be old.
 */
async function historyOf(client: ClientBase): Promise<string | undefined> {
  try {
    const { rows } = await client.query<{ history: string }>(
      "SELECT (SELECT system_identifier FROM pg_control_system()) || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) AS history",
    );
    return rows[0]?.history;
  } catch (error) {
    if (error instanceof DatabaseError && untold.includes(error.code)) return undefined;
    throw error;
  }
}

async function transact<T>(pool: Pool, body: (tx: Queryable) => Promise<T>): Promise<T> {
  const client = await connect(pool);
  let broken: Error | undefined;
  try {
    await client.query("BEGIN ISOLATION LEVEL READ COMMITTED"); // each statement sees what was committed before it (S2), whatever the server's default
    const result = await body({ query: (statement, values) => run(client, statement, values) });
    await client.query("COMMIT");
    return result;
  } catch (thrown) {
    const error = translate(thrown);
    if (connectionLost(error)) broken = error; // closing it rolls back
    else await client.query("ROLLBACK").catch((rollback: unknown) => (broken = translate(rollback)));
    throw error;
  } finally {
    client.release(broken);
  }
}

async function fly(pool: Pool, statements: readonly BoundStatement[]): Promise<readonly TextRows[]> {
  const client = await connect(pool);
  let broken: Error | undefined;
  try {
    return await new Promise((resolve, reject) => {
      const flight = new Flight(statements);
      flight.callback = (error, answers) => (answers === undefined ? reject(error ?? new Error("a flight without answers")) : resolve(answers));
      client.query(flight);
    });
  } catch (thrown) {
    const error = translate(thrown);
    if (connectionLost(error)) broken = error;
    throw error;
  } finally {
    client.release(broken);
  }
}

async function listen(
  config: ConstructorParameters<typeof Client>[0],
  { channels, onNotify, onEnd }: { channels: readonly string[]; onNotify: (channel: string, payload: string) => void; onEnd: () => void },
): Promise<AsyncDisposable> {
  const client = new Client(config);
  let over = true; // until it listens, the caller hears of a failure by the rejection
  const end = () => {
    if (over) return;
    over = true;
    client.end().catch(() => {}); // it has ended already
    onEnd();
  };
  client.on("error", end);
  client.on("end", end);
  client.on("notification", (message) => onNotify(message.channel, message.payload ?? ""));
  try {
    await client.connect();
    for (const channel of channels) await client.query(`LISTEN ${channel}`);
  } catch (error) {
    client.end().catch(() => {}); // what matters is why it could not listen
    throw translate(error);
  }
  over = false;
  return {
    async [Symbol.asyncDispose]() {
      over = true;
      await client.end();
    },
  };
}

async function run<Row extends QueryResultRow>(target: Pool | PoolClient, statement: Statement, values: readonly unknown[]): Promise<Row[]> {
  try {
    const result = await target.query<Row>({
      name: statement.name,
      text: statement.text,
      values: values as unknown[],
      ...(statement.timeoutMs === undefined ? {} : { query_timeout: statement.timeoutMs }),
    });
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

/** The database rolled back and asks for another try: serialization failure, deadlock. */
const giveWayStates: readonly unknown[] = ["40001", "40P01"];

async function givingWay<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (tries >= triesMax || !(error instanceof PlatformError) || !giveWayStates.includes(error.detail["sqlState"])) throw error;
    }
  }
}

/** SQLSTATE after which the same call may succeed: connection, object in use, resources, shutdown or timeout, input/output, giving way; 25006 is a read-only server, during a failover. */
const transientStates = /^(08|40|53|55|57|58|25006)/;
/** A text with a character, or an index row of a length, that cannot be stored. */
const unstorableStates: readonly unknown[] = ["22021", "22P05", "54000"];

function translate(error: unknown): PlatformError {
  if (error instanceof PlatformError) return error;
  if (error instanceof DatabaseError) {
    const detail = { sqlState: error.code };
    if (transientStates.test(error.code ?? "")) return new PlatformError("TP_DATABASE_UNAVAILABLE", { cause: error, detail });
    if (unstorableStates.includes(error.code))
      return new PlatformError("TP_INVALID", {
        message: "a name or reference is too long, or holds a character (NUL) that cannot be stored",
        cause: error,
        detail,
      });
    return new PlatformError("TP_INTERNAL", { cause: error, detail });
  }
  if (error instanceof TypeError || error instanceof RangeError) return new PlatformError("TP_INTERNAL", { cause: error }); // ours, not the network's
  return new PlatformError("TP_DATABASE_UNAVAILABLE", { cause: error });
}

/** The driver failed, not the server: nothing more can be sent on that connection. */
function connectionLost(error: PlatformError): boolean {
  return error.code === "TP_DATABASE_UNAVAILABLE" && error.detail["sqlState"] === undefined;
}

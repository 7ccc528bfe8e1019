// The table of orders.
import pg from "pg";

/** @param {string} address postgres://user:password@host:port/name */
export function openOrders(address) {
  const pool = new pg.Pool({ connectionString: address, max: 4, connectionTimeoutMillis: 5_000 });
  pool.on("error", (error) => console.error(`PostgreSQL: ${error.message}`)); // a connection that nobody uses just now; the next call opens another
  let prepared;
  /** Both programs do this when they start: one after the other. */
  const prepare = () =>
    (prepared ??= pool
      .query(
        "BEGIN; SELECT pg_advisory_xact_lock(1); CREATE TABLE IF NOT EXISTS orders (id text PRIMARY KEY, item text NOT NULL, at timestamptz DEFAULT now()); COMMIT",
      )
      .catch((error) => {
        prepared = undefined;
        throw error;
      }));
  return {
    prepare,
    /** Once for each id, however often it is asked. */
    async add({ id, item }) {
      await prepare();
      await pool.query("INSERT INTO orders (id, item) VALUES ($1, $2) ON CONFLICT DO NOTHING", [id, item]);
    },
    async list() {
      await prepare();
      return (await pool.query("SELECT id, item FROM orders ORDER BY at DESC LIMIT 100")).rows;
    },
  };
}

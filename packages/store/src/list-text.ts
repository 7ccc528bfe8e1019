import { PlatformError } from "@threeport/resource";
import type { Database } from "./database.ts";

export interface ListTextInput {
  readonly kind: string;
  readonly namespace?: string;
  /** Without it: all. */
  readonly limit?: number;
}

export interface ListText {
  /** The number that the page is true for; a watch from here misses nothing. */
  readonly rv: number;
  /** JSON as stored, in UTF-8, in order by namespace and name. Shared: not to be changed. */
  readonly bodies: readonly Buffer[];
  readonly next: { readonly namespace: string; readonly name: string } | undefined;
}

/** Undefined when a version was compacted while it was read: then the list is read in the ordinary way. Not for sensitive kinds, whose bodies are sealed. */
export type ListTexts = (input: ListTextInput) => Promise<ListText | undefined>;

/** Bodies that are kept; what is beyond is read again. */
const keptBytesMax = 24 * 1024 * 1024;
/** Bodies of one statement, and their bytes as stored (large ones are compressed): bounds what the database sends at once. The first body always comes. */
const readMax = { bodies: 5_000, bytes: 8 * 1024 * 1024 };
/** A whole list in one answer. Who has more asks for pages. */
export const listBytesMax = 256 * 1024 * 1024;

/**
 * Lists whose items nobody looks into. A body never changes under its number, so only the numbers come from the database,
 * in one statement and so from one snapshot; bodies are kept from list to list. What a list costs otherwise is to carry
 * the same megabytes through a socket again: 3,000 objects of 1 KB, 50 ms of CPU in both processes; this way 10.
 */
export function createListTexts(database: Database): { readonly read: ListTexts; forget(): void } {
  let bodies = keptBodies();
  return {
    /** Numbers may be given out again: nothing that was kept belongs to them. */
    forget() {
      bodies = keptBodies();
    },
    async read(input) {
      const kept = bodies; // a list that is under way while they are forgotten adds to nothing that is used later
      const page = await readPage(database, input);
      const read = await readBodies(
        database,
        page.numbers.filter((rv) => !kept.has(rv)),
      );
      const found: Buffer[] = [];
      for (const rv of page.numbers) {
        const body = read.get(rv) ?? kept.get(rv);
        if (body === undefined) return undefined;
        found.push(body);
      }
      if (kept !== bodies) return undefined;
      for (const [rv, body] of read) kept.keep(rv, body);
      return { rv: page.rv, bodies: found, next: page.next };
    },
  };
}

/** What was compacted is left out. */
async function readBodies(database: Database, numbers: readonly number[]): Promise<Map<number, Buffer>> {
  const read = new Map<number, Buffer>();
  let bytes = 0;
  for (let start = 0; start < numbers.length;) {
    const wanted = numbers.slice(start, start + readMax.bodies);
    const rows = await database.query<{ rv: string; body: string; whole: boolean }>(bodiesOf, [wanted]);
    for (const row of rows) {
      const body = Buffer.from(row.body);
      read.set(Number(row.rv), body);
      bytes += body.length;
    }
    if (bytes > listBytesMax) throw listTooLarge();
    // A statement that was cut ends with the last body that it has, in the order of the numbers asked for.
    const last = rows.at(-1);
    start = last === undefined || last.whole ? start + wanted.length : numbers.indexOf(Number(last.rv), start) + 1;
  }
  return read;
}

export function listTooLarge(): PlatformError {
  return new PlatformError("TP_TOO_LARGE", { message: `the list has more than ${listBytesMax / 1024 / 1024} MiB; ask for it in pages (limit and continue)` });
}

/** The newest kept bodies by number. */
function keptBodies() {
  const kept = new Map<number, Buffer>();
  let bytes = 0;
  return {
    has: (rv: number) => kept.has(rv),
    get: (rv: number) => kept.get(rv),
    keep(rv: number, body: Buffer) {
      if (kept.has(rv)) return; // two lists at once read the same
      kept.set(rv, body);
      bytes += body.length;
      for (const [oldest, { length }] of kept) {
        if (bytes <= keptBytesMax) break;
        kept.delete(oldest);
        bytes -= length;
      }
    },
  };
}

interface Row {
  readonly counter: string;
  readonly numbers: string | null;
  readonly last_namespace: string | null;
  readonly last_name: string | null;
  readonly [column: string]: unknown;
}

async function readPage(database: Database, { kind, namespace, limit }: ListTextInput): Promise<{ rv: number; numbers: number[]; next: ListText["next"] }> {
  const values = [kind, ...(namespace === undefined ? [] : [namespace]), ...(limit === undefined ? [] : [limit])];
  const [row] = await database.query<Row>(limit === undefined ? numbersOf(namespace !== undefined) : limitedNumbersOf(namespace !== undefined), values);
  const numbers = row?.numbers === null || row === undefined ? [] : row.numbers.split(",").map(Number);
  const next = row !== undefined && row.last_namespace !== null && row.last_name !== null ? { namespace: row.last_namespace, name: row.last_name } : undefined;
  return { rv: Number(row?.counter ?? 0), numbers, next };
}

/** Served by object's primary key. */
const numbersOf = (namespaced: boolean) => ({
  name: `list_numbers_${namespaced ? "ns" : "all"}`,
  text: `SELECT c.rv AS counter, page.numbers, NULL AS last_namespace, NULL AS last_name FROM counter c CROSS JOIN LATERAL (
    SELECT string_agg(rv::text, ',' ORDER BY namespace, name) AS numbers FROM object WHERE kind = $1 ${namespaced ? "AND namespace = $2" : ""}) page`,
});

/** `last_…` is the last key of the page when there is one behind it. Served by object's primary key. */
const limitedNumbersOf = (namespaced: boolean) => {
  const selected = `FROM object WHERE kind = $1 ${namespaced ? "AND namespace = $2" : ""} ORDER BY namespace, name`;
  const limit = namespaced ? "$3::bigint" : "$2::bigint";
  return {
    name: `list_numbers_limit_${namespaced ? "ns" : "all"}`,
    text: `SELECT c.rv AS counter, page.numbers, edge.namespace AS last_namespace, edge.name AS last_name FROM counter c
      CROSS JOIN LATERAL (SELECT string_agg(o.rv::text, ',' ORDER BY o.namespace, o.name) AS numbers FROM (SELECT namespace, name, rv ${selected} LIMIT ${limit}) o) page
      LEFT JOIN LATERAL (SELECT namespace, name ${selected} OFFSET ${limit} - 1 LIMIT 1) edge
        ON EXISTS (SELECT 1 ${selected} OFFSET ${limit} LIMIT 1)`,
  };
};

/** Served by version's primary key. Sizes are taken without reading what is stored out of line. `whole`: nothing was left out after this one. */
const bodiesOf = {
  name: "list_bodies",
  text: `SELECT v.rv, v.body, v.bytes_after = 0 AS whole FROM (
    SELECT w.ord, l.rv, l.body, sum(pg_column_size(l.body)) OVER (ORDER BY w.ord) - pg_column_size(l.body) AS bytes_before,
      sum(pg_column_size(l.body)) OVER (ORDER BY w.ord DESC) - pg_column_size(l.body) AS bytes_after
    FROM unnest($1::bigint[]) WITH ORDINALITY AS w(rv, ord) JOIN version l ON l.rv = w.rv) v
  WHERE v.bytes_before < ${readMax.bytes} ORDER BY v.ord`,
};

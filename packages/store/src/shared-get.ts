import type { Database } from "./database.ts";
import { share } from "./share.ts";
import { textArray } from "./sql/binary-array.ts";
import { formatKey, type ObjectKey } from "./types.ts";

/** What is stored of an object's newest version; the body may be sealed. */
export interface StoredVersion {
  readonly rv: number;
  readonly uid: string;
  readonly body: string;
}

/**
 * Each statement wakes another process, so they are shared by as many calls as there are. When so many wait as `manyWaiting`, another one at the same time
 * is worth that, and one that is slow does not hold up everybody.
 */
const limits = { groupMax: 256, manyWaiting: 64 };

/** Served by the primary keys of object and version. Measured on 100k objects: 0.1 ms for one key, 3 ms for 200. */
const getMany = {
  name: "get_many",
  text: `SELECT k.ord, v.rv, v.uid, v.body FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS k(kind, namespace, name, ord)
    JOIN object o ON o.kind = k.kind AND o.namespace = k.namespace AND o.name = k.name JOIN version v ON v.rv = o.rv`,
};

/** Reads objects as last committed; each call reads after it was made. */
export function createSharedGet(database: Database): (key: ObjectKey) => Promise<StoredVersion | undefined> {
  return share(limits, async (keys: readonly ObjectKey[]) => {
    const wanted = new Map(keys.map((key) => [formatKey(key), key]));
    const each = [...wanted.values()];
    const values = [textArray(each.map((key) => key.kind)), textArray(each.map((key) => key.namespace)), textArray(each.map((key) => key.name))];
    const [rows = []] = await database.atOnce([{ ...getMany, values }]);
    const names = [...wanted.keys()];
    const found = new Map(rows.map(([ord, rv, uid, body]) => [names[Number(ord) - 1], { rv: Number(rv), uid: uid ?? "", body: body ?? "" }]));
    return keys.map((key) => found.get(formatKey(key)));
  });
}

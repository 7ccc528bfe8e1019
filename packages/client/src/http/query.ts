export type QueryValue = string | number | boolean | undefined;
export type Query = Readonly<Record<string, QueryValue | readonly string[]>>;

/** `path` with `query` behind it; undefined values are left out, lists repeat their name. */
export function withQuery(path: string, query: Query | undefined): string {
  if (query === undefined) return path;
  let text = "";
  for (const name in query) {
    const value = query[name];
    if (value === undefined) continue;
    for (const item of Array.isArray(value) ? (value as readonly string[]) : [value as Exclude<QueryValue, undefined>]) {
      text += `${text === "" ? "" : "&"}${name}=${encodeURIComponent(item)}`;
    }
  }
  if (text === "") return path;
  return path.includes("?") ? `${path}&${text}` : `${path}?${text}`;
}

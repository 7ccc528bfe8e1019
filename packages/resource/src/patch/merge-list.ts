import { isJsonObject, ownValue } from "../json.ts";
import type { Schema } from "../schema.ts";

/** How strategic merge patch treats a list: by key, as a set of scalars, or as one value. */
export type ListStrategy = { readonly kind: "map"; readonly keys: readonly ListKey[] } | { readonly kind: "set" } | { readonly kind: "replace" };

export interface ListKey {
  readonly name: string;
  /** Stands for the key in elements that leave it out. */
  readonly default: unknown;
}

/** The patch strategy where the schema names one, else the list type, else the list is one value. */
export function listStrategy(schema: Schema | undefined): ListStrategy {
  const strategy = schema?.["x-kubernetes-patch-strategy"];
  if (strategy !== undefined) {
    if (!patchStrategies(schema).includes("merge")) return { kind: "replace" };
    const key = schema?.["x-kubernetes-patch-merge-key"];
    return key === undefined ? { kind: "set" } : { kind: "map", keys: listKeys(schema, [key]) };
  }
  const keys = schema?.["x-kubernetes-list-map-keys"];
  if (schema?.["x-kubernetes-list-type"] === "map" && keys !== undefined && keys.length > 0) return { kind: "map", keys: listKeys(schema, keys) };
  return schema?.["x-kubernetes-list-type"] === "set" ? { kind: "set" } : { kind: "replace" };
}

function listKeys(schema: Schema | undefined, names: readonly string[]): ListKey[] {
  return names.map((name) => ({ name, default: schema?.items?.properties?.[name]?.default }));
}

export function patchStrategies(schema: Schema | undefined): readonly string[] {
  return schema?.["x-kubernetes-patch-strategy"]?.split(",").map((word) => word.trim()) ?? [];
}

/** What makes two elements of a list the same one, as text; undefined when the element does not say. */
export function identityOf(strategy: ListStrategy): (element: unknown) => string | undefined {
  if (strategy.kind !== "map") return (element) => JSON.stringify(element);
  const { keys } = strategy;
  return (element) => {
    if (!isJsonObject(element)) return undefined;
    const values = keys.map((key) => ownValue(element, key.name) ?? key.default);
    return values.every((value) => value === undefined) ? undefined : JSON.stringify(values.map((value) => value ?? null));
  };
}

export interface ListOrder {
  /** Identities in the order that the patch asks for. */
  readonly wanted: readonly (string | undefined)[];
  /** Identities in the order of the list as it was. */
  readonly before: readonly (string | undefined)[];
  readonly identity: (element: unknown) => string | undefined;
}

/**
 * Orders a merged list: what the patch names stands in the patch's order, the rest in the order it had, and each of the
 * rest goes before the first named element that it stood before.
 */
export function orderList(elements: readonly unknown[], order: ListOrder): unknown[] {
  const wantedAt = positions(order.wanted);
  const beforeAt = positions(order.before);
  const wantedPosition = (element: unknown) => wantedAt.get(order.identity(element));
  const beforePosition = (element: unknown) => beforeAt.get(order.identity(element));

  const named = elements.filter((element) => wantedPosition(element) !== undefined).toSorted((a, b) => (wantedPosition(a) ?? 0) - (wantedPosition(b) ?? 0));
  const rest = elements.filter((element) => wantedPosition(element) === undefined);

  const result: unknown[] = [];
  let next = 0;
  for (const element of named) {
    const position = beforePosition(element);
    while (next < rest.length && position !== undefined) {
      const other = beforePosition(rest[next]);
      if (other === undefined || other >= position) break;
      result.push(rest[next]);
      next++;
    }
    result.push(element);
  }
  return [...result, ...rest.slice(next)];
}

function positions(identities: readonly (string | undefined)[]): Map<string | undefined, number> {
  const at = new Map<string | undefined, number>();
  for (const [index, identity] of identities.entries()) if (identity !== undefined && !at.has(identity)) at.set(identity, index);
  return at;
}

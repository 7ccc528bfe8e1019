import { isAlias, isMap, isScalar, isSeq, type Node, type Pair } from "yaml";
import type { Positions, YamlDocument } from "./load-yaml-documents.ts";
import type { Position } from "./yaml-error.ts";

interface Step {
  readonly node: Node | null;
  readonly offset: number;
  /** The part of the path that is still to go. */
  readonly rest: string;
}

/**
 * Where a field stands: its key for a member of a mapping, its first character for an item of a list. A path that leads further than the text
 * (a missing field) gives the nearest thing that is there. Understands what API servers write: `spec.containers[2].image`,
 * `metadata.labels[app.kubernetes.io/name]`, `spec.containers[name="web"].image`, and dots inside keys.
 */
export function locate(document: Pick<YamlDocument, "positions">, fieldPath: string): Position {
  return document.positions.at(nearest(document, fieldPath).offset);
}

/** Whether a field stands in the text; see {@link locate}. */
export function holdsField(document: Pick<YamlDocument, "positions">, fieldPath: string): boolean {
  return nearest(document, fieldPath).rest === "";
}

function nearest({ positions }: Pick<YamlDocument, "positions">, fieldPath: string): Step {
  let step: Step = { node: positions.root, offset: positions.root.range?.[0] ?? 0, rest: fieldPath };
  for (;;) {
    const next = step.rest === "" ? undefined : descend(step, positions);
    if (next === undefined) return step;
    step = next;
  }
}

function descend({ node, rest }: Step, { aliases }: Positions): Step | undefined {
  const target = node !== null && isAlias(node) ? (aliases.get(node) ?? null) : node;
  if (isMap(target))
    return rest.startsWith("[") ? bracketKey(target.items as Pair<Node, Node | null>[], rest) : longestKey(membersOf(target, aliases), rest.replace(/^\./, ""));
  if (isSeq(target)) return item(target.items as (Node | null)[], rest);
  return undefined;
}

/** The pairs of a mapping, and behind them those that `<<` brings. */
function membersOf(map: { items: unknown[] }, aliases: Positions["aliases"]): Pair<Node, Node | null>[] {
  const own = map.items as Pair<Node, Node | null>[];
  const merged = own.filter((pair) => keyText(pair) === "<<").flatMap(({ value }) => (value !== null && isSeq(value) ? (value.items as Node[]) : [value]));
  return merged.reduce((all, source) => {
    const target = source !== null && isAlias(source) ? aliases.get(source) : source;
    return isMap(target) ? all.concat(target.items as Pair<Node, Node | null>[]) : all;
  }, own);
}

function keyText(pair: Pair<Node, Node | null>): string {
  return isScalar(pair.key) ? String(pair.key.value) : "";
}

/** Keys may hold dots, so the longest key that fits is the one that is meant. */
function longestKey(pairs: readonly Pair<Node, Node | null>[], rest: string): Step | undefined {
  let best: Step | undefined;
  let bestLength = 0;
  for (const pair of pairs) {
    const key = keyText(pair);
    const after = rest[key.length];
    if (key.length <= bestLength || !rest.startsWith(key) || (after !== undefined && after !== "." && after !== "[")) continue;
    bestLength = key.length;
    best = { node: pair.value, offset: pair.key.range?.[0] ?? 0, rest: rest.slice(key.length) };
  }
  return best;
}

function bracketKey(pairs: readonly Pair<Node, Node | null>[], rest: string): Step | undefined {
  const end = rest.indexOf("]");
  const key = rest.slice(1, end < 0 ? rest.length : end).replace(/^(["'])(.*)\1$/, "$2");
  const pair = pairs.find((candidate) => keyText(candidate) === key);
  return pair === undefined ? undefined : { node: pair.value, offset: pair.key.range?.[0] ?? 0, rest: end < 0 ? "" : rest.slice(end + 1) };
}

function item(items: readonly (Node | null)[], rest: string): Step | undefined {
  const [whole = "", inBrackets, bare] = /^(?:\[([^\]]*)\]|\.(\d+))/.exec(rest) ?? [];
  const selector = inBrackets ?? bare;
  if (selector === undefined) return undefined;
  const found = /^\d+$/.test(selector) ? items[Number(selector)] : items.find((candidate) => matches(candidate, selector));
  return found === undefined || found === null ? undefined : { node: found, offset: found.range?.[0] ?? 0, rest: rest.slice(whole.length) };
}

/** `name="web"` or `containerPort=80,protocol="TCP"`, as server-side apply names items of lists with keys. */
function matches(candidate: Node | null, selector: string): boolean {
  if (!isMap(candidate)) return false;
  return selector.split(",").every((part) => {
    const [key = "", value = ""] = part.split("=", 2);
    const pair = (candidate.items as Pair<Node, Node | null>[]).find((member) => keyText(member) === key);
    return isScalar(pair?.value) && String(pair.value.value) === value.replace(/^"(.*)"$/, "$1");
  });
}

import { isAlias, isMap, isScalar, isSeq, Scalar, type Alias, type Node, type Pair, type YAMLMap } from "yaml";
import type { Json, JsonObject } from "../object.ts";
import { plainScalar } from "./plain-scalar.ts";

export interface ToValueContext {
  readonly nodesMax: number;
  readonly depthMax: number;
  /** Nodes made so far, over all documents of a text. */
  readonly count: { nodes: number };
  readonly fail: (message: string, offset: number) => never;
  readonly warn: (message: string, offset: number) => void;
  readonly lineOf: (offset: number) => number;
}

export interface ConvertedDocument {
  readonly value: Json;
  /** What each alias stands for; the same name may be given twice in one document. */
  readonly aliases: ReadonlyMap<Alias, Node>;
}

const tagPrefix = "tag:yaml.org,2002:";

/**
 * Turns a parsed document into plain JSON. An alias is written out where it stands, so the result is a tree without shared parts, and its
 * whole size counts against `nodesMax`.
 */
export function toValue(root: Node | null, context: ToValueContext): ConvertedDocument {
  const anchors = new Map<string, Node>();
  const aliases = new Map<Alias, Node>();
  const finished = new WeakSet<Node>();
  let outerAlias: number | undefined;

  function convert(node: Node | null, depth: number): Json {
    if (node === null) return null;
    const at = node.range?.[0] ?? 0;
    countNode(at);
    if (depth > context.depthMax) context.fail(`nested deeper than ${context.depthMax} levels`, at);
    if (isAlias(node)) return expand(node, at, depth);
    const value = isMap(node) ? mapping(node, depth) : isSeq(node) ? sequence(node.items as (Node | null)[], node.tag, at, depth) : scalar(node as Scalar, at);
    const anchor = (node as Scalar).anchor;
    // Only a finished node can be referred to, so no value can hold itself. Nodes that an alias writes out again are already known.
    if (anchor !== undefined && !finished.has(node)) anchors.set(anchor, node);
    finished.add(node);
    return value;
  }

  /** The place in the text is that of the outermost alias: inside it, everything is somewhere else. */
  function countNode(at: number): void {
    if (++context.count.nodes <= context.nodesMax) return;
    context.fail(`more than ${context.nodesMax} values, aliases written out; split the file`, outerAlias ?? at);
  }

  function expand(alias: Alias, at: number, depth: number): Json {
    const outermost = outerAlias === undefined;
    if (outermost) outerAlias = at;
    const value = convert(follow(alias, at), depth);
    if (outermost) outerAlias = undefined;
    return value;
  }

  function follow(alias: Alias, at: number): Node {
    const known = aliases.get(alias) ?? anchors.get(alias.source);
    if (known === undefined)
      return context.fail(`*${alias.source} refers to nothing above it; define it with &${alias.source}, or quote the value if it is text`, at);
    aliases.set(alias, known);
    return known;
  }

  function mapping(node: YAMLMap, depth: number): Json {
    checkTag(node.tag, "map", node.range?.[0] ?? 0);
    const result: JsonObject = {};
    const merged: Node[] = [];
    const lines = new Map<string, number>();
    for (const pair of node.items as Pair<Node, Node | null>[]) {
      const at = pair.key.range?.[0] ?? 0;
      const key = keyOf(pair.key, at);
      const first = lines.get(key);
      if (first !== undefined) context.fail(`the key "${clip(key)}" stands here a second time (first in line ${context.lineOf(first)}); keep one`, at);
      lines.set(key, at);
      if (key === "<<" && isPlain(pair.key)) merged.push(...mergeSources(pair.value, at));
      else result[key] = convert(pair.value, depth + 1);
    }
    for (const source of merged) {
      const value = convert(source, depth) as JsonObject;
      for (const key of Object.keys(value)) if (!Object.hasOwn(result, key)) result[key] = value[key];
    }
    return result as Json;
  }

  function keyOf(node: Node, at: number): string {
    countNode(at);
    if (!isScalar(node)) return context.fail("a key must be text; quote it if it holds special characters", at);
    const key = textOf(node);
    if (isPlain(node) && (key === "" || key === "~" || key === "null")) context.fail("a key is missing before the colon; quote it if the key is that word", at);
    if (key === "__proto__") context.fail(`the key "__proto__" is not accepted; choose another name`, at);
    if (!key.isWellFormed()) context.fail("the key holds half of a UTF-16 pair; write the whole character", at);
    return key;
  }

  function mergeSources(value: Node | null, at: number): Node[] {
    const sources = value !== null && isSeq(value) ? (value.items as Node[]) : [value];
    return sources.map((source) => {
      const node = source !== null && isAlias(source) ? follow(source, at) : source;
      if (node === null || !isMap(node)) return context.fail("`<<` merges mappings: write an alias such as *defaults behind it", at);
      return source as Node;
    });
  }

  function sequence(items: readonly (Node | null)[], tag: string | undefined, at: number, depth: number): Json {
    checkTag(tag, "seq", at);
    return items.map((item) => convert(item, depth + 1));
  }

  function scalar(node: Scalar, at: number): Json {
    const text = textOf(node);
    if (!text.isWellFormed()) context.fail("the text holds half of a UTF-16 pair; write the whole character", at);
    const { tag } = node;
    if (tag === "!" || tag === `${tagPrefix}str` || (tag === undefined && !isPlain(node))) return text;
    const meaning = plainScalar(text);
    if ("problem" in meaning) return context.fail(meaning.problem, at);
    if (tag === undefined) {
      if (meaning.warning !== undefined) context.warn(meaning.warning, at);
      return meaning.value;
    }
    const type =
      meaning.value === null ? "null" : { boolean: "bool", number: Number.isInteger(meaning.value) ? "int" : "float" }[typeof meaning.value as "boolean"];
    checkTag(tag, tag === `${tagPrefix}float` && typeof meaning.value === "number" ? "float" : (type ?? "str"), at);
    return meaning.value;
  }

  function checkTag(tag: string | undefined, expected: string, at: number): void {
    if (tag === undefined || tag === `${tagPrefix}${expected}`) return;
    const name = tag.startsWith(tagPrefix) ? `!!${tag.slice(tagPrefix.length)}` : tag;
    context.fail(`the tag ${clip(name)} cannot be used here; only plain data is read, so remove it`, at);
  }

  return { value: convert(root, 0), aliases };
}

function isPlain(node: Node): boolean {
  return isScalar(node) && (node.type === Scalar.PLAIN || node.type === undefined);
}

/** The failsafe schema leaves every scalar a string. */
function textOf({ value }: Scalar): string {
  return typeof value === "string" ? value : "";
}

function clip(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`;
}

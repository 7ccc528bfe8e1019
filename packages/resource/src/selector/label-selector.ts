import { PlatformError } from "../errors.ts";
import { isJsonObject } from "../json.ts";
import { type LabelRequirement, formatRequirement, labelRequirement, meetsRequirement } from "./label-requirement.ts";

export type { LabelRequirement } from "./label-requirement.ts";

/** A compiled label selector. */
export interface Selector {
  /** All of them must hold; empty selects everything, unless `nothing` is set. */
  readonly requirements: readonly LabelRequirement[];
  /** True for the selector that matches no object at all. */
  readonly nothing: boolean;
  matches(labels: Readonly<Record<string, string>> | undefined): boolean;
  /** The canonical form: sorted by key; equal selectors print the same. */
  toString(): string;
}

export const selectEverything: Selector = compile([]);

export const selectNothing: Selector = { requirements: [], nothing: true, matches: () => false, toString: () => "<nothing>" };

const noLabels: Readonly<Record<string, string>> = {};

function compile(requirements: readonly LabelRequirement[]): Selector {
  const sorted = requirements
    .map((requirement) => ({ requirement, text: formatRequirement(requirement) }))
    .toSorted((a, b) => compareKeys(a.requirement.key, b.requirement.key) || compareKeys(a.text, b.text));
  const text = [...new Set(sorted.map((entry) => entry.text))].join(",");
  const all = sorted.map((entry) => entry.requirement);
  return {
    requirements: all,
    nothing: false,
    matches: (labels = noLabels) => all.every((requirement) => meetsRequirement(labels, requirement)),
    toString: () => text,
  };
}

function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

// `name` holds all that may stand in a key or value, and more: what is wrong with one is said by its own rule.
const token = /\s*(?:(?<name>[^\s,()=!<>]+)|(?<sign>==|!=|=|!|,|\(|\)|<|>))\s*/y;

type Token = { readonly kind: "name" | "sign" | "end"; readonly text: string };

/**
 * Reads `a=b,c!=d,e in (x,y),f notin (z),g,!h`. The empty text selects everything.
 * @throws PlatformError TP_BAD_REQUEST saying what is wrong and where
 */
export function parseLabelSelector(text: string): Selector {
  let at = 0;
  let next = read();
  const requirements: LabelRequirement[] = [];

  function read(): Token {
    if (at >= text.length) return { kind: "end", text: "" };
    token.lastIndex = at;
    const found = token.exec(text);
    if (found === null) {
      if (text.slice(at).trim() === "") return { kind: "end", text: "" };
      throw wrong("this cannot be read");
    }
    at = token.lastIndex;
    const name = found.groups?.["name"];
    return name === undefined ? { kind: "sign", text: found.groups?.["sign"] ?? "" } : { kind: "name", text: name };
  }

  function wrong(what: string): PlatformError {
    return new PlatformError("TP_BAD_REQUEST", {
      message: `The label selector cannot be read near character ${at + 1}: ${what}. Write for example app=web,tier!=test,zone in (a,b),!legacy.`,
    });
  }

  function take(): Token {
    const taken = next;
    next = read();
    return taken;
  }

  function sign(text: string): boolean {
    if (next.kind !== "sign" || next.text !== text) return false;
    take();
    return true;
  }

  function key(): string {
    if (next.kind !== "name") throw wrong("expected a label key");
    return take().text;
  }

  /** A value may be empty: `a=` means that the label is there and empty. */
  function value(): string {
    return next.kind === "name" ? take().text : "";
  }

  function values(): string[] {
    if (!sign("(")) throw wrong("expected '(' and a list of values");
    if (sign(")")) return [""]; // nothing between the brackets is the empty value, as upstream reads it
    const list = [value()];
    while (sign(",")) list.push(value());
    if (!sign(")")) throw wrong("expected ',' or ')'");
    return list;
  }

  function requirement(): LabelRequirement {
    if (sign("!")) return labelRequirement(key(), "DoesNotExist", []);
    const name = key();
    if (sign("=") || sign("==")) return labelRequirement(name, "In", [value()]);
    if (sign("!=")) return labelRequirement(name, "NotIn", [value()]);
    if (sign(">")) return labelRequirement(name, "GreaterThan", [value()]);
    if (sign("<")) return labelRequirement(name, "LessThan", [value()]);
    if (next.kind !== "name") return labelRequirement(name, "Exists", []);
    const word = take().text;
    if (word === "in") return labelRequirement(name, "In", values());
    if (word === "notin") return labelRequirement(name, "NotIn", values());
    throw wrong("expected '=', '!=', 'in' or 'notin' after the key");
  }

  const ended = () => next.kind === "end";
  if (ended()) return selectEverything;
  for (;;) {
    requirements.push(requirement());
    if (ended()) return compile(requirements);
    if (!sign(",")) throw wrong("expected ',' or the end");
  }
}

/**
 * Compiles a LabelSelector object (`matchLabels`, `matchExpressions`). As in Kubernetes, no selector selects nothing and an
 * empty one selects everything.
 * @throws PlatformError TP_BAD_REQUEST saying what is wrong
 */
export function compileLabelSelector(selector: unknown): Selector {
  if (selector === undefined || selector === null) return selectNothing;
  if (!isJsonObject(selector)) throw malformed("must be an object");
  const { matchLabels = {}, matchExpressions = [], ...others } = selector;
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) throw malformed(`knows matchLabels and matchExpressions, not ${JSON.stringify(unknown)}`);

  if (!isJsonObject(matchLabels)) throw malformed(".matchLabels must be an object of strings");
  const requirements = Object.entries(matchLabels).map(([key, value]) => {
    if (typeof value !== "string") throw malformed(".matchLabels must be an object of strings");
    return labelRequirement(key, "In", [value]);
  });

  if (!Array.isArray(matchExpressions)) throw malformed(".matchExpressions must be a list");
  for (const expression of matchExpressions as unknown[]) {
    if (!isJsonObject(expression)) throw malformed(".matchExpressions must hold objects");
    const { key, operator, values = [] } = expression;
    if (typeof key !== "string") throw malformed(".matchExpressions[].key must be a string");
    if (!Array.isArray(values) || values.some((value) => typeof value !== "string")) throw malformed(".matchExpressions[].values must be a list of strings");
    if (operator !== "In" && operator !== "NotIn" && operator !== "Exists" && operator !== "DoesNotExist") {
      throw malformed(".matchExpressions[].operator must be In, NotIn, Exists or DoesNotExist");
    }
    requirements.push(labelRequirement(key, operator, values as string[]));
  }
  return compile(requirements);
}

function malformed(what: string): PlatformError {
  return new PlatformError("TP_BAD_REQUEST", { message: `The label selector${what.startsWith(".") ? what : ` ${what}`}.` });
}

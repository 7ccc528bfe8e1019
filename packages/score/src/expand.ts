import type { ErrorCause } from "@threeport/resource";
import { below, invalid } from "./field.ts";
import { lex, lookUp, textOf } from "./placeholders.ts";
import type { Output, SecretKey } from "./resource-types/resource-type.ts";

/** Output of a resource by its name and the output's. */
export type Outputs = (resource: string, key: string) => Output | undefined;

export interface Scope {
  readonly metadata: unknown;
  readonly outputs: Outputs;
  /** Why a resource has no such output, and what to do. */
  readonly whyNot?: (resource: string, key: string) => string;
}

/** A piece of an expanded text; what came from a secret output says where that is. */
export interface Part {
  readonly text: string;
  readonly secret?: SecretKey;
}

export type Expanded = { readonly parts: readonly Part[] } | { readonly causes: readonly ErrorCause[] };

/** Replaces what a text refers to. References were checked before: what fails here is an output that is not there. */
export function expand(text: string, field: string, { metadata, outputs, whyNot = notThere }: Scope): Expanded {
  const parts: Part[] = [];
  const causes: ErrorCause[] = [];
  for (const piece of lex(text)) {
    if (piece.kind === "text") {
      parts.push({ text: piece.text });
      continue;
    }
    const [root, name = "", key = "", ...deeper] = piece.path;
    if (root === "metadata") parts.push({ text: textOf(lookUp(metadata, piece.path.slice(1))) });
    else {
      const output = outputs(name, key);
      const value = output === undefined ? undefined : lookUp(output.value, deeper);
      if (output === undefined || value === undefined)
        causes.push(invalid(field, `\${${piece.source}}: ${output === undefined ? whyNot(name, key) : notThere(name, [key, ...deeper].join("."))}`));
      else parts.push({ text: textOf(value), ...(output.secret === undefined ? {} : { secret: output.secret }) });
    }
  }
  return causes.length > 0 ? { causes } : { parts };
}

function notThere(resource: string, key: string): string {
  return `resource ${resource} has no ${key} here`;
}

/** The same for every text in a value, at any depth. */
export function expandStrings(value: unknown, field: string, scope: Scope): { readonly value: unknown } | { readonly causes: readonly ErrorCause[] } {
  const causes: ErrorCause[] = [];
  const walk = (each: unknown, here: string): unknown => {
    if (typeof each === "string") {
      const expanded = expand(each, here, scope);
      if ("causes" in expanded) {
        causes.push(...expanded.causes);
        return each;
      }
      if (expanded.parts.some(({ secret }) => secret !== undefined)) {
        causes.push(invalid(here, "a secret output cannot be a param of another resource, where everybody would see it"));
        return each;
      }
      return expanded.parts.map(({ text }) => text).join("");
    }
    if (Array.isArray(each)) return each.map((item: unknown, index) => walk(item, below(here, index)));
    if (typeof each !== "object" || each === null) return each;
    return Object.fromEntries(Object.entries(each).map(([key, item]) => [key, walk(item, below(here, key))]));
  };
  const expanded = walk(value, field);
  return causes.length > 0 ? { causes } : { value: expanded };
}

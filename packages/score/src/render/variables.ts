import type { ErrorCause } from "@threeport/resource";
import { below } from "../field.ts";
import { expand, type Part, type Scope } from "../expand.ts";
import type { SecretKey } from "../resource-types/resource-type.ts";

/** Entries that only others refer to; no program should read them. */
const helperPrefix = "THREEPORT_REF_";

export type EnvironmentEntry =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly valueFrom: { readonly secretKeyRef: SecretKey } };

/**
 * Environment of a container, sorted by name. A secret output is read from its Secret by the kubelet: a variable that is nothing else refers to it, and one
 * that has text around it joins helper entries, which stand first.
 */
export function environmentOf(
  variables: Readonly<Record<string, string>>,
  field: string,
  scope: Scope,
): { readonly entries: readonly EnvironmentEntry[]; readonly causes: readonly ErrorCause[]; readonly secrets: readonly string[] } {
  const helpers = new Map<string, EnvironmentEntry>();
  const entries: EnvironmentEntry[] = [];
  const causes: ErrorCause[] = [];
  /** Values that stand in Secrets. */
  const secrets: string[] = [];
  for (const [name, text] of Object.entries(variables).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const expanded = expand(text, below(field, name), scope);
    if ("causes" in expanded) causes.push(...expanded.causes);
    else {
      entries.push(entryOf(name, expanded.parts, helpers));
      secrets.push(...expanded.parts.flatMap(({ text: value, secret }) => (secret === undefined ? [] : [value])));
    }
  }
  return { entries: [...helpers.values(), ...entries], causes, secrets };
}

function entryOf(name: string, parts: readonly Part[], helpers: Map<string, EnvironmentEntry>): EnvironmentEntry {
  const [only] = parts;
  if (parts.length === 1 && only?.secret !== undefined) return { name, valueFrom: { secretKeyRef: only.secret } };
  const value = parts.map(({ text, secret }) => {
    if (secret === undefined) return text;
    const key = `${secret.name}/${secret.key}`;
    const helper = helpers.get(key) ?? { name: `${helperPrefix}${helpers.size}`, valueFrom: { secretKeyRef: secret } };
    helpers.set(key, helper);
    return `$(${helper.name})`;
  });
  return { name, value: value.join("") };
}

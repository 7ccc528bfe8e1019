import { createHash } from "node:crypto";
import type { KindTraits } from "@threeport/resource";

export type Fields = Record<string, unknown>;
/** What kube-apiserver fills in and refuses beyond the schema of a kind. */
export type Rules = Pick<KindTraits, "normalize" | "prepare" | "validate" | "versionRequired">;

export function defaults(target: Fields, values: Fields): void {
  for (const [key, value] of Object.entries(values)) target[key] ??= value;
}

/** An object inside of another; an empty one, which is not put there, where there is none. */
export function fields(parent: Fields, name: string): Fields {
  return (parent[name] as Fields | undefined) ?? {};
}

export function list(value: unknown): Fields[] {
  return (value as Fields[] | undefined) ?? [];
}

export function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

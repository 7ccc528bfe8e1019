// Values of Secret documents that other objects carry (design.md §6): a definition or a set holds a mark in their place, and never the value.
import type { KubeObject } from "./object.ts";

/** Before the digest of a value's blob. No value of a Secret begins so by chance, and one that does on purpose is taken for a mark. */
const markPrefix = "threeport.io/secret-value:";

/** What stands in place of a value. Writing it back keeps the value. */
export function secretMark(digest: string): string {
  return `${markPrefix}${digest}`;
}

/** The digest in a mark; undefined for anything else. */
export function markedDigest(value: unknown): string | undefined {
  return typeof value === "string" && value.startsWith(markPrefix) ? value.slice(markPrefix.length) : undefined;
}

/** kubectl writes whole manifests into it. */
export const lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration";

function isSecret(document: unknown): document is KubeObject {
  if (!isRecord(document)) return false;
  return document["apiVersion"] === "v1" && document["kind"] === "Secret";
}

/**
 * The document with each value of a Secret replaced by what `change` makes of it, which also gets the value's path in the document.
 * Other documents come back as they are. A value is any leaf, text or not: what Kubernetes would refuse is no less secret.
 */
export function mapSecretValues<T>(document: T, change: (value: unknown, path: string) => unknown): T {
  if (!isSecret(document)) return document;
  const changed: Record<string, unknown> = { ...document };
  for (const field of ["data", "stringData"]) {
    const values = changed[field];
    if (values === undefined || values === null) continue;
    changed[field] = isRecord(values)
      ? Object.fromEntries(Object.entries(values).map(([key, value]) => [key, value === null ? null : change(value, `${field}.${key}`)]))
      : change(values, field);
  }
  // A Secret that was read from a cluster carries them once more.
  const copy = document.metadata?.annotations?.[lastAppliedAnnotation];
  if (copy !== undefined)
    changed["metadata"] = {
      ...document.metadata,
      annotations: { ...document.metadata.annotations, [lastAppliedAnnotation]: change(copy, "metadata.annotations") },
    };
  return changed as T;
}

/** Digests of all values that stand as marks in these documents, each once. */
export function secretDigests(documents: readonly unknown[]): string[] {
  const digests = new Set<string>();
  for (const document of documents)
    mapSecretValues(document, (value) => {
      const digest = markedDigest(value);
      if (digest !== undefined) digests.add(digest);
      return value;
    });
  return [...digests];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// Values of Secret documents are split off when they are written (design.md §6, S7, S8).
//   Nothing that stores, shows, compares or passes on such an object ever meets a value: not a read, a watch, a diff, an annotation, a backup.
//   The value is a sealed blob of its own, named by an HMAC over it and its namespace, so that a mark is worth nothing in another namespace.
import { lastAppliedAnnotation, markedDigest, mapSecretValues, secretMark, type ErrorCause, type Kind, type KubeObject } from "@threeport/resource";
import type { ApiContext } from "../api.ts";
import { invalid } from "./admission.ts";
import { documentsOf, markedIn } from "./documents.ts";

/** What a value's blob holds. The namespace is part of it: who reads a mark elsewhere cannot use it. */
function blobText(namespace: string, value: unknown): string {
  return JSON.stringify([namespace, value]);
}

/** Puts marks in place of the values that `object` brings, and stores these. Changes `object`; returns the digests of what it stored, or would have. */
export async function splitSecretValues(
  context: ApiContext,
  kind: Kind,
  object: KubeObject,
  { namespace, dryRun }: { readonly namespace: string; readonly dryRun: boolean },
): Promise<ReadonlySet<string>> {
  const brought = new Map<string, string>();
  const marked = (value: unknown): string => {
    if (markedDigest(value) !== undefined) return value as string;
    const text = blobText(namespace, value);
    const digest = context.store.sealer.digest(text);
    brought.set(digest, text);
    return secretMark(digest);
  };
  replaceDocuments(kind, object, marked);
  if (!dryRun) await Promise.all([...brought.values()].map((text) => context.store.blobs.put(text)));
  markLastApplied(kind, object, (value) =>
    markedDigest(value) === undefined ? secretMark(context.store.sealer.digest(blobText(namespace, value))) : (value as string),
  );
  return new Set(brought.keys());
}

/** Refuses marks that stand for no value of this namespace. Those of `old` and those of `brought` are known to. */
export async function checkSecretMarks(
  context: ApiContext,
  kind: Kind,
  object: KubeObject,
  known: { readonly old: KubeObject | undefined; readonly brought: ReadonlySet<string>; readonly dryRun: boolean },
): Promise<void> {
  if (kind.documents.length === 0) return;
  const before = new Set(known.old === undefined ? [] : markedIn(kind, known.old));
  const namespace = object.metadata.namespace ?? "";
  const causes: ErrorCause[] = [];
  for (const { documents, path } of documentsOf(kind, object)) {
    for (const [index, document] of documents.entries()) {
      const marks: [digest: string, field: string][] = [];
      mapSecretValues(document, (value, field) => {
        const digest = markedDigest(value);
        if (digest !== undefined && !before.has(digest) && !known.brought.has(digest)) marks.push([digest, `${path}[${index}].${field}`]);
        return value;
      });
      for (const [digest, field] of marks) {
        const text = await context.store.blobs.get(digest);
        if (text !== undefined && (JSON.parse(text) as [string])[0] === namespace) {
          if (!known.dryRun) await context.store.blobs.put(text); // it may have been on its way out
        } else
          causes.push({
            field,
            reason: "FieldValueInvalid",
            message: "Invalid value: this mark stands for no secret value of the namespace; write the value itself",
          });
      }
    }
  }
  if (causes.length > 0) throw invalid(kind, object.metadata.name, causes);
}

function replaceDocuments(kind: Kind, object: object, marked: (value: unknown) => string): void {
  for (const { documents, replace } of documentsOf(kind, object)) replace(documents.map((document) => mapSecretValues(document, marked)));
}

/** `kubectl apply` keeps the whole manifest in an annotation: the same marks stand there, or its values would be for everybody to read. */
function markLastApplied(kind: Kind, object: KubeObject, marked: (value: unknown) => string): void {
  const text = object.metadata?.annotations?.[lastAppliedAnnotation];
  if (kind.documents.length === 0 || typeof text !== "string") return;
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch {
    return; // not written by kubectl
  }
  if (!isRecord(manifest)) return;
  replaceDocuments(kind, manifest, marked);
  object.metadata.annotations = { ...object.metadata.annotations, [lastAppliedAnnotation]: `${JSON.stringify(manifest)}${text.endsWith("\n") ? "\n" : ""}` };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

import { locate } from "@threeport/resource/yaml";
import { PlatformError, type ErrorCause } from "@threeport/resource";
import type { Manifest } from "./load-manifests.ts";

/** Turns a field of what was sent into the document and the field that the user wrote. */
export type OriginOf = (field: string) => { readonly manifest: Manifest; readonly field: string } | undefined;

const inObjects = /^spec\.source\.manifests\.objects\[(\d{1,6})\]\.?/;

/** For a WorkloadDefinition made of these documents: `spec.source.manifests.objects[3].metadata.name` is `metadata.name` of the fourth. */
export function originInWorkload(manifests: readonly Manifest[]): OriginOf {
  return (field) => {
    const match = inObjects.exec(field);
    const manifest = manifests[Number(match?.[1] ?? -1)];
    return match === null || manifest === undefined ? undefined : { manifest, field: field.slice(match[0].length) };
  };
}

/** For an object that was sent as one document says it. */
export function originInDocument(manifest: Manifest): OriginOf {
  return (field) => ({ manifest, field });
}

/** The error with `file:line:column field` in place of the fields of its causes, also where a message names a field. */
export function locateCauses(error: unknown, origin: OriginOf): unknown {
  if (!(error instanceof PlatformError) || error.causes.length === 0) return error;
  const causes = error.causes.map((cause): ErrorCause => {
    const message = cause.message.replaceAll(/spec\.source\.manifests\.objects\[\d{1,6}\][\w.[\]]*/g, (path) => place(path, origin) ?? path);
    const at = cause.field === undefined ? undefined : place(cause.field, origin);
    return { ...cause, message, ...(at === undefined ? {} : { field: at }) };
  });
  return new PlatformError(error.code, { message: error.message, causes, detail: error.detail, cause: error });
}

function place(path: string, origin: OriginOf): string | undefined {
  const field = path.replace(/^\./, ""); // as server-side apply writes paths
  const found = origin(field);
  if (found === undefined) return undefined;
  return placeOf(found.manifest, found.field);
}

/** A field of a document as `file:line:column field`. */
export function placeOf({ file, document }: Manifest, field: string): string {
  const { line, column } = locate(document, field);
  return `${file}:${line}:${column}${field === "" ? "" : ` ${field}`}`;
}

import { PlatformError, parseJson, shapeObject, type ErrorCause, type Kind, type KubeObject, type StoredObject } from "@threeport/resource";

export type FieldValidation = "Strict" | "Warn" | "Ignore";

/** A stored body as an object. Bodies were validated when they were written. */
export function parseBody(body: string): StoredObject {
  return JSON.parse(body) as StoredObject;
}

/** Whether the stored text of objects is what is served. Custom kinds have several versions and schemas that change; views have another form. */
export function isServedAsStored(kind: Kind): boolean {
  return kind.custom === undefined && kind.view === undefined;
}

/** A stored body as `kind` serves it. */
export function servedBody(kind: Kind, body: string): string {
  if (kind.view !== undefined) return JSON.stringify(kind.view.fromStored(parseBody(body)));
  return kind.custom === undefined ? body : kind.custom.fromStored(body);
}

/**
 * JSON text of an object in two halves, between which the store writes the new resourceVersion. Order is fixed
 * (apiVersion, kind, metadata, the rest as given), so that equal objects have equal text.
 */
export function serialize(object: KubeObject): readonly [before: string, after: string] {
  const { apiVersion, kind, metadata, ...rest } = object;
  const { resourceVersion: _, ...meta } = metadata;
  const metaText = JSON.stringify(meta);
  const restText = JSON.stringify(rest);
  return [
    `{"apiVersion":${JSON.stringify(apiVersion)},"kind":${JSON.stringify(kind)},"metadata":{"resourceVersion":"`,
    `"${metaText === "{}" ? "}" : `,${metaText.slice(1)}`}${restText === "{}" ? "}" : `,${restText.slice(1)}`}`,
  ];
}

export interface DecodedObject {
  readonly object: KubeObject;
  /** For the client: what was sent and not taken. */
  readonly warnings: readonly string[];
}

/**
 * A request body as an object of the URL's kind, in its shape: defaults are filled in, and unknown fields are gone or, under
 * `Strict`, refused. What cannot be read is refused before anything is looked up. `from` says where to look for the mistake.
 */
export function decodeObject(
  body: Uint8Array | string | object,
  kind: Kind,
  options: { readonly fieldValidation?: FieldValidation | undefined; readonly from?: "patch" },
): DecodedObject {
  const object = readObject(body, kind, options.from);
  const { unknown, problems } = shapeObject(kind, object);
  if (problems.length > 0) throw unreadable(kind, problems, options.from);
  return { object, warnings: warningsOfUnknown(kind, unknown, options) };
}

/** What the client hears of fields that were sent and not taken. @throws PlatformError under `Strict` */
export function warningsOfUnknown(
  kind: Kind,
  unknown: readonly string[],
  options: { readonly fieldValidation?: FieldValidation | undefined; readonly from?: "patch" },
): readonly string[] {
  if (unknown.length > 0 && options.fieldValidation === "Strict")
    throw unreadable(
      kind,
      unknown.map((field) => ({ field, reason: "FieldValueInvalid", message: `unknown field "${field}"` })),
      options.from,
    );
  return options.fieldValidation === "Ignore" ? [] : unknown.map((path) => `unknown field "${path}"`);
}

/** Problems of one body that are told at once: the first ones say what to mend, and an answer stays readable. */
const problemsMax = 32;

/** 400 for a document; what a patch makes of a good one is the patch's fault, 422. The causes are more than upstream tells: tools find the line by them. */
function unreadable(kind: Kind, problems: readonly ErrorCause[], from: "patch" | undefined): PlatformError {
  const causes = problems.slice(0, problemsMax);
  const unknown = causes[0]?.message.startsWith("unknown field") === true;
  const texts = causes.map(({ field, message }) => (unknown ? message : `${field}: ${message}`));
  const more = problems.length > problemsMax ? `, and ${problems.length - problemsMax} more` : "";
  const said = `${unknown ? "strict decoding error: " : ""}${texts.join(", ")}${more}${unknown ? `; see "kubectl explain ${kind.plural}"` : ""}`;
  if (from === "patch")
    return new PlatformError("TP_INVALID", {
      message: `the patch cannot be applied: ${said}`,
      causes: [{ field: "patch", reason: "FieldValueInvalid", message: said }],
    });
  return new PlatformError("TP_BAD_REQUEST", { message: `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${said}`, causes });
}

/** Characters of a wrong name that an answer repeats. */
const shownMax = 100;

/** A request body as an object of the URL's kind; says what is wrong with it otherwise. */
export function readObject(body: Uint8Array | string | object, expected: { apiVersion: string; kind: string }, from?: "patch"): KubeObject {
  const wrong = (message: string, causes: readonly ErrorCause[] = []) =>
    from === "patch"
      ? new PlatformError("TP_INVALID", { message, causes: [{ field: "patch", reason: "FieldValueInvalid", message }] })
      : new PlatformError("TP_BAD_REQUEST", { message, causes });
  const value = typeof body === "string" || body instanceof Uint8Array ? parseJson(body) : body;
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong("the body must be one JSON object");
  const object = value as KubeObject;
  const apiVersion = object.apiVersion === "" ? expected.apiVersion : (object.apiVersion ?? expected.apiVersion);
  const kind = object.kind === "" ? expected.kind : (object.kind ?? expected.kind);
  if (apiVersion !== expected.apiVersion || kind !== expected.kind) {
    const [sentKind, sentVersion] = [kind, apiVersion].map((name: unknown) => (typeof name === "string" ? name.slice(0, shownMax) : typeof name));
    throw wrong(`the body is a ${sentKind} of ${sentVersion}, but the URL is that of ${expected.kind} in ${expected.apiVersion}`);
  }
  const metadata: unknown = object.metadata ?? {};
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata))
    throw wrong("metadata must be an object", [{ field: "metadata", message: "must be an object" }]);
  return { ...object, apiVersion, kind, metadata: { ...(metadata as KubeObject["metadata"]) } };
}

import { PlatformError, findDuplicateKeys, type Kind } from "@threeport/resource";
import { decodeKubernetesProtobuf, protobufMediaType } from "../protobuf/decode-kubernetes-protobuf.ts";
import type { ResourceRequest } from "./resource-request.ts";

export interface SentBody {
  /** JSON text, or the object that another format held. */
  readonly body: Uint8Array | object;
  /** What the text itself says that was not taken: fields that stand twice or have no name here. */
  readonly warnings: readonly string[];
}

/** The body of a create or update, of the kind that is expected; what it is missing is said before anything is looked up. */
export function readRequestBody(request: ResourceRequest, kind: Kind): SentBody {
  if (request.contentType === protobufMediaType) return readProtobufBody(request, kind);
  requireBodyType(request);
  return { body: bytesOf(request), warnings: duplicateFields(request) };
}

/** Refuses bodies of media types that are not read, before anything else of the request is looked at. */
export function requireBodyType(request: ResourceRequest): void {
  if (request.contentType === protobufMediaType) return;
  // curl sends application/x-www-form-urlencoded unless told otherwise; there is nothing else that the body could be.
  if (request.contentType !== "application/json" && request.contentType !== "" && request.contentType !== "application/x-www-form-urlencoded") {
    throw new PlatformError("TP_UNSUPPORTED_MEDIA_TYPE", { message: `send application/json, not "${request.contentType.slice(0, 100)}"` });
  }
}

/** Fields that are not known here are named by number. Refused under Strict; dropped with a warning by default, as unknown fields of JSON are. */
function readProtobufBody(request: ResourceRequest, kind: Kind): SentBody {
  const unknown = new Set<string>();
  const body = decodeKubernetesProtobuf(bytesOf(request), { expected: kind, unknownField: (path) => void unknown.add(path) });
  const problems = [...unknown].map((path) => `unknown field "${path}" (a protobuf field number)`);
  const asked = request.query.text("fieldValidation");
  if (problems.length > 0 && asked === "Strict") {
    throw new PlatformError("TP_BAD_REQUEST", {
      message: `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: strict decoding error: ${problems.join(", ")}`,
      causes: [...unknown].map((field) => ({ field, reason: "FieldValueInvalid", message: "unknown field" })),
      detail: { kind: kind.kind, group: kind.group },
    });
  }
  return { body, warnings: asked === "Ignore" ? [] : problems };
}

function bytesOf(request: ResourceRequest): Uint8Array {
  if (request.body === undefined || request.body.length === 0) throw new PlatformError("TP_BAD_REQUEST", { message: "the request has no body" });
  return request.body;
}

/**
 * Keys that stand twice in one object of the body: refused under `fieldValidation=Strict`, warned of where the client
 * asks for `Warn`. By default nobody looks, since looking costs more than reading.
 */
export function duplicateFields(request: ResourceRequest): string[] {
  const asked = request.query.text("fieldValidation");
  if (request.body === undefined || (asked !== "Strict" && asked !== "Warn")) return [];
  const duplicates = findDuplicateKeys(Buffer.from(request.body).toString("utf8"));
  if (duplicates.length > 0 && asked === "Strict") {
    throw new PlatformError("TP_BAD_REQUEST", {
      message: `strict decoding error: ${duplicates.map((path) => `duplicate field "${path}"`).join(", ")}`,
      causes: duplicates.map((field) => ({ field, reason: "FieldValueDuplicate", message: "the key stands twice" })),
    });
  }
  return duplicates.map((path) => `duplicate field "${path}"`);
}

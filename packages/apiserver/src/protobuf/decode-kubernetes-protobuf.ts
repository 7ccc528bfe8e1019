import { PlatformError, type JsonObject } from "@threeport/resource";
import { decodeMessage, type DecodeOptions } from "./decode-message.ts";
import { messageOf } from "./kinds.ts";
import type { Message } from "./message.ts";

/** The media type of bodies that {@link decodeKubernetesProtobuf} reads. */
export const protobufMediaType = "application/vnd.kubernetes.protobuf";

/** `k8s` and a zero byte: how each such body begins. */
const magic = [0x6b, 0x38, 0x73, 0x00];

/** runtime.Unknown: the envelope that says what the raw bytes are. */
const envelopeMessage: Message = {
  name: "runtime.Unknown",
  fields: {
    1: {
      name: "typeMeta",
      presence: "always",
      type: {
        name: "TypeMeta",
        fields: { 1: { name: "apiVersion", type: "string", presence: "always" }, 2: { name: "kind", type: "string", presence: "always" } },
      },
    },
    2: { name: "raw", type: "raw", presence: "optional" },
    3: { name: "contentEncoding", type: "string", presence: "always" },
    4: { name: "contentType", type: "string", presence: "always" },
  },
};

interface Envelope {
  readonly typeMeta: { readonly apiVersion: string; readonly kind: string };
  readonly raw?: Uint8Array;
  readonly contentEncoding: string;
  readonly contentType: string;
}

export interface DecodeBodyOptions extends Pick<DecodeOptions, "unknownField"> {
  /** What the body is when its envelope does not say so: the kind of the URL. */
  readonly expected?: { readonly apiVersion: string; readonly kind: string };
}

/**
 * A body of `application/vnd.kubernetes.protobuf` as the object that the same client would have sent as JSON. Typed
 * clients of Go send built-in kinds so, whatever the server answers with.
 * @throws PlatformError TP_BAD_REQUEST for a broken body; TP_UNSUPPORTED_MEDIA_TYPE for a kind whose message is not known
 * here or for compressed contents; TP_TOO_LARGE
 */
export function decodeKubernetesProtobuf(body: Uint8Array, options: DecodeBodyOptions = {}): JsonObject {
  if (!magic.every((byte, index) => body[index] === byte)) {
    throw new PlatformError("TP_BAD_REQUEST", {
      message: `The body is not Kubernetes protobuf: it does not begin with "k8s" and a zero byte. Send application/json, or what client-go writes as ${protobufMediaType}.`,
    });
  }
  const { unknownField } = options;
  const report = unknownField === undefined ? {} : { unknownField };
  const envelope = decodeMessage(body, envelopeMessage, { ...report, start: magic.length }) as unknown as Envelope;
  const apiVersion = envelope.typeMeta.apiVersion === "" ? (options.expected?.apiVersion ?? "") : envelope.typeMeta.apiVersion;
  const kind = envelope.typeMeta.kind === "" ? (options.expected?.kind ?? "") : envelope.typeMeta.kind;
  if (apiVersion === "" || kind === "")
    throw new PlatformError("TP_BAD_REQUEST", { message: "The body's envelope does not say of which apiVersion and kind its contents are." });
  const message = messageOf(apiVersion, kind);
  if (message === undefined) throw unsupported(`${show(kind)} of ${show(apiVersion)} is not read as protobuf here; send it as application/json.`);
  if (envelope.contentEncoding !== "") throw unsupported(`The body's contents are encoded as ${show(envelope.contentEncoding)}; send them plain.`);
  if (envelope.contentType !== "" && envelope.contentType !== protobufMediaType)
    throw unsupported(`The body's contents are ${show(envelope.contentType)} in a protobuf envelope; send them as a body of that type.`);
  const start = envelope.raw === undefined ? body.length : envelope.raw.byteOffset - body.byteOffset;
  const object = decodeMessage(body, message, { ...report, start, end: start + (envelope.raw?.length ?? 0) }) as JsonObject;
  return { apiVersion, kind, ...object };
}

/** Longest piece of a body that an error message repeats, in characters. */
const shownMax = 100;

function show(text: string): string {
  return JSON.stringify(text.slice(0, shownMax));
}

function unsupported(message: string): PlatformError {
  return new PlatformError("TP_UNSUPPORTED_MEDIA_TYPE", { message });
}

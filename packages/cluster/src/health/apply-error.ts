import type { PlatformError } from "@threeport/resource";
import { explainRefusal, type Refusal } from "./refusal.ts";
import { enumerate, nameOf, quote, scannable } from "./text.ts";
import type { ObjectId } from "./verdict.ts";

/** How many wrong fields a sentence names. */
const FIELDS_MAX = 3;

/**
 * Why the target cluster did not take an object, in plain words: which object, what is wrong, what to do. `status` is
 * the error that its answer became; `reason` is a stable CamelCase word.
 */
export function explainApplyError(status: PlatformError, id: ObjectId): { reason: string; message: string } {
  if (status.code === "TP_NOT_ALLOWED") return { reason: "NotAllowed", message: `${nameOf(id)} was not applied: ${status.message}` };
  const refusal = isSecret(id) ? explainSecret(status, id) : explain(status, withoutValues(scannable(status.message)), id);
  return { reason: refusal.reason, message: `${nameOf(id)} was not applied: ${refusal.message}` };
}

function isSecret(id: ObjectId): boolean {
  return id.apiVersion === "v1" && id.kind === "Secret";
}

/** Kubernetes prints the values that it refuses; parts of them may be what nobody should read (S7). */
function withoutValues(text: string): string {
  return text.replace(/&value\.value\w+\{Value:[^}]*\}?/g, "another type").replace(/Invalid value: (?:"(?:[^"\\]|\\.)*"?|\{.*\})/g, "Invalid value");
}

/** Of a Secret nothing that the cluster wrote is repeated but field names: any text of its may hold a value (S7). */
function explainSecret(status: PlatformError, id: ObjectId): Refusal {
  const fields = status.causes.map(({ field }) => field ?? "").filter((field) => field !== "");
  const typed = [...scannable(status.message).matchAll(/(?:^|[\s(])\.((?:stringData|data|metadata|type|immutable)(?:\.[A-Za-z0-9_-]{1,63})?):/g)].map(
    ([, field]) => field ?? "",
  );
  const named = [...new Set([...fields, ...typed])].slice(0, FIELDS_MAX).map(quote);
  const general = explain(status, "", id);
  const refusal = explainRefusal(withoutValues(scannable(status.message)));
  if (refusal !== undefined && /^(Admission|Webhook|Policy)/.test(refusal.reason)) {
    return {
      reason: refusal.reason,
      message: "the cluster's admission refuses it; its own words are left out since they may show a value. See them with kubectl apply --dry-run=server.",
    };
  }
  if (refusal !== undefined) return refusal;
  if (general.reason !== "SchemaInvalid") return general;
  return {
    reason: "SchemaInvalid",
    message: `${named.length === 0 ? "it is not valid" : `${enumerate(named)} ${named.length === 1 ? "is" : "are"} not valid`}: values of stringData must be quoted text, those of data base64. Correct it; the cluster's own words are left out since they may show the value.`,
  };
}

function explain(status: PlatformError, text: string, id: ObjectId): Refusal {
  return (
    explainSize(status, text) ??
    explainManagers(status, text) ??
    explainRefusal(text) ??
    explainImmutable(status, text) ??
    explainKind(status, text, id) ??
    explainConflict(status, text) ??
    explainSchema(status, text) ??
    explainConnection(status, text)
  );
}

function explainSize(status: PlatformError, text: string): Refusal | undefined {
  const tooLarge = status.code === "TP_TOO_LARGE" || /request is too large|larger than max|Request entity too large/.test(text);
  const annotations = /metadata\.annotations: Too long/.test(text);
  if (!tooLarge && !annotations) return undefined;
  const what = annotations ? "its annotations are larger than 256 KiB together" : `it is larger than the cluster takes (${quote(text)})`;
  return { reason: "TooLarge", message: `${what}. Split it into several objects, or keep large content outside the cluster.` };
}

/** Server-side apply: somebody else's fields. */
function explainManagers(status: PlatformError, text: string): Refusal | undefined {
  const causes = status.causes.filter(({ reason }) => reason === "FieldManagerConflict");
  if (causes.length === 0 && !text.startsWith("Apply failed with")) return undefined;
  const spoken = causes.length === 0 ? [text] : causes.map(({ message }) => scannable(message));
  const managers = [
    ...new Set(spoken.flatMap((message) => [...message.matchAll(/conflicts? with "([^"]+)"/g)].map(([, manager]) => `"${quote(manager ?? "")}"`))),
  ];
  const fields =
    causes.length === 0
      ? [...text.matchAll(/(?:^|[\s:])(\.[A-Za-z][^\s,]*)/g)].map(([, field]) => field ?? "")
      : causes.map(({ field }) => field ?? "").filter((field) => field !== "");
  const who = managers.length === 0 ? "another field manager" : enumerate(managers);
  const whose = fields.length === 0 ? "fields of it" : enumerate(fields.map(quote));
  return {
    reason: "FieldManagerConflict",
    message: `${who} manages ${whose} and wants another value. Leave the field${fields.length === 1 ? "" : "s"} out (threeport.io/ignore-fields), or let the other one give ${fields.length === 1 ? "it" : "them"} up.`,
  };
}

const immutableWords =
  /field is immutable|is immutable after creation|immutable|may not change once set|updates to \S+ spec for fields other than|may not be changed|cannot be changed/i;

function explainImmutable(status: PlatformError, text: string): Refusal | undefined {
  if (status.code !== "TP_INVALID" && status.code !== "TP_FORBIDDEN" && status.code !== "TP_RUNTIME_REFUSED") return undefined;
  const causes = status.causes.filter(({ message }) => immutableWords.test(scannable(message)));
  if (causes.length === 0 && !immutableWords.test(text)) return undefined;
  const fields = [...new Set(causes.map(({ field }) => field ?? "").filter((field) => field !== ""))];
  const what =
    fields.length === 0
      ? `a field of it cannot change once it is set (${quote(text)})`
      : `${enumerate(fields.map(quote))} cannot change once ${fields.length === 1 ? "it is" : "they are"} set`;
  return {
    reason: "ImmutableField",
    message: `${what}. Keep the old value, use another name, or delete the object so that it is made anew (that loses what it holds).`,
  };
}

function explainKind(status: PlatformError, text: string, id: ObjectId): Refusal | undefined {
  const unknown = /could not find the requested resource|no matches for kind|no kind .+ is registered|the server doesn't have a resource type/.test(text);
  if (!unknown && status.code !== "TP_NOT_FOUND" && status.code !== "TP_KIND_UNKNOWN") return undefined;
  if (!unknown && status.code === "TP_NOT_FOUND" && status.detail["kind"] !== undefined && text.includes("not found"))
    return { reason: "NotFound", message: `${quote(text)}. Something that it needs, or the object itself, is not there; apply it again after that is.` };
  return {
    reason: "UnknownKind",
    message: `the cluster does not serve ${id.kind} in ${id.apiVersion}. Install its CustomResourceDefinition first, or use a version that this cluster serves.`,
  };
}

function explainConflict(status: PlatformError, text: string): Refusal | undefined {
  if (status.code === "TP_OWNED_BY_ANOTHER")
    return { reason: "OwnedByAnother", message: `somebody else owns it${text === "" ? "" : `: ${quote(text)}`}. Rename it, or ask for its adoption.` };
  if (/object is being deleted/.test(text))
    return {
      reason: "BeingDeleted",
      message: "one of the same name is being deleted. It is applied again when that is gone; if it stays, look at its finalizers.",
    };
  if (/Precondition failed: UID/.test(text))
    return {
      reason: "Replaced",
      message: "somebody deleted it and made another of the same name. Look at who does that; ask for its adoption if it shall be ours.",
    };
  if (status.code === "TP_ALREADY_EXISTS")
    return { reason: "AlreadyExists", message: "one of the same name exists that is not ours. Rename it, or ask for its adoption." };
  if (status.code === "TP_VERSION_CONFLICT") return { reason: "Conflict", message: "it changed in the cluster at the same moment. It is tried again." };
  return undefined;
}

/** What does not fit the kind's schema or validation: names the fields. */
function explainSchema(status: PlatformError, text: string): Refusal | undefined {
  const fields = status.causes.filter(({ field }) => field !== undefined && field !== "");
  if (fields.length > 0 && (status.code === "TP_INVALID" || status.code === "TP_RUNTIME_REFUSED" || status.code === "TP_BAD_REQUEST")) {
    const more = fields.length > FIELDS_MAX ? ` and ${fields.length - FIELDS_MAX} more` : "";
    return {
      reason: "SchemaInvalid",
      message: `${fields
        .slice(0, FIELDS_MAX)
        .map(({ field, message }) => `${quote(field ?? "")}: ${quote(withoutValues(message))}`)
        .join("; ")}${more}. Correct the field${fields.length === 1 ? "" : "s"}.`,
    };
  }
  const unknown = [...text.matchAll(/unknown field "([^"]+)"|(\.[A-Za-z][^\s:]*): field not declared in schema/g)].map(
    ([, strict, typed]) => strict ?? typed ?? "",
  );
  if (unknown.length > 0)
    return {
      reason: "SchemaInvalid",
      message: `${enumerate(unknown.map(quote))} ${unknown.length === 1 ? "is not a field" : "are not fields"} of this kind. Correct the spelling, or remove ${unknown.length === 1 ? "it" : "them"}.`,
    };
  const typed = /cannot unmarshal (\S+) into Go struct field (\S+) of type (\S+)/.exec(text);
  if (typed !== null)
    return {
      reason: "SchemaInvalid",
      message: `${quote((typed[2] ?? "").replace(/^[A-Z]\w*\./, ""))} must be ${quote(typed[3] ?? "")}, not ${quote(typed[1] ?? "")}. Correct its type.`,
    };
  if (
    status.code === "TP_INVALID" ||
    status.code === "TP_RUNTIME_REFUSED" ||
    status.code === "TP_BAD_REQUEST" ||
    /failed to create typed patch object|unable to decode|strict decoding error/.test(text)
  ) {
    const why = /failed to create typed patch object \([^)]*\): (.+)$/.exec(text)?.[1] ?? text;
    return { reason: "SchemaInvalid", message: `it is not valid: ${quote(why)}. Correct it.` };
  }
  return undefined;
}

function explainConnection(status: PlatformError, text: string): Refusal {
  switch (status.code) {
    case "TP_UNAUTHORIZED":
      return { reason: "Unauthorized", message: "the cluster does not accept our credentials. Renew the runtime's kubeconfig." };
    case "TP_FORBIDDEN":
      return { reason: "Forbidden", message: `the cluster forbids it: ${quote(text)}.` };
    case "TP_TOO_MANY_REQUESTS":
      return { reason: "TooManyRequests", message: "the cluster's API is too busy. It is tried again." };
    case "TP_DEADLINE":
    case "TP_VERSION_TOO_LARGE":
      return { reason: "Timeout", message: "the cluster did not answer in time. It is tried again." };
    case "TP_UNAVAILABLE":
    case "TP_RUNTIME_UNREACHABLE":
      return {
        reason: "ClusterUnreachable",
        message: `the cluster cannot be reached${text === "" ? "" : ` (${quote(text)})`}. It is tried again; if this lasts, check that the cluster is up.`,
      };
    default:
      return {
        reason: typeof status.detail["reason"] === "string" && status.detail["reason"] !== "" ? status.detail["reason"] : "ApplyFailed",
        message: `${quote(text)}. It is tried again if that can help.`,
      };
  }
}

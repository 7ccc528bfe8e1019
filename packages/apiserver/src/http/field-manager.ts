import { PlatformError, type ErrorCause } from "@threeport/resource";
import type { ResourceRequest } from "./resource-request.ts";

/** Longest name of a field manager, as upstream. */
const managerLengthMax = 128;

/** What Go calls printable: letters, marks, numbers, punctuation, symbols and the space. */
const unprintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;

export type OptionsKind = "CreateOptions" | "UpdateOptions" | "PatchOptions";

/**
 * The field manager that a write is recorded under: `fieldManager`, or what stands before the first slash of the User-Agent.
 * @throws PlatformError TP_INVALID in the words of Kubernetes for a name that cannot be one
 */
export function fieldManager(request: ResourceRequest, options: OptionsKind): string {
  const asked = request.query.text("fieldManager");
  if (asked === undefined) return ofUserAgent(request.userAgent ?? "");
  check(asked, options);
  return asked;
}

/** Apply must say who applies. */
export function applyManager(request: ResourceRequest): string {
  const asked = request.query.text("fieldManager");
  if (asked === undefined) throw invalidOptions("PatchOptions", [cause("fieldManager", "FieldValueRequired", "Required value: is required for apply patch")]);
  check(asked, "PatchOptions");
  return asked;
}

/** Only apply knows `force`. */
export function refuseForce(request: ResourceRequest): void {
  if (request.query.flag("force") !== undefined)
    throw invalidOptions("PatchOptions", [cause("force", "FieldValueForbidden", "Forbidden: may not be specified for non-apply patch")]);
}

function check(manager: string, options: OptionsKind): void {
  if (Buffer.byteLength(manager) > managerLengthMax)
    throw invalidOptions(options, [cause("fieldManager", "FieldValueTooLong", `Too long: may not be more than ${managerLengthMax} bytes`)]);
  const found = unprintable.exec(manager);
  if (found === null) return;
  const code = (found[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  const position = Buffer.byteLength(manager.slice(0, found.index));
  throw invalidOptions(options, [
    cause("fieldManager", "FieldValueInvalid", `Invalid value: ${JSON.stringify(manager)}: invalid character U+${code} (at position ${position})`),
  ]);
}

/** Most clients send one User-Agent for ever. */
let lastAgent = "";
let lastManager = "";

function ofUserAgent(agent: string): string {
  if (agent !== lastAgent) [lastAgent, lastManager] = [agent, prefixOf(agent)];
  return lastManager;
}

function prefixOf(agent: string): string {
  let prefix = "";
  let bytes = 0;
  for (const character of agent.split("/", 1)[0] ?? "") {
    if (unprintable.test(character)) continue;
    bytes += Buffer.byteLength(character);
    if (bytes > managerLengthMax) break;
    prefix += character;
  }
  return prefix;
}

function cause(field: string, reason: string, message: string): ErrorCause {
  return { field, reason, message };
}

function invalidOptions(kind: OptionsKind, causes: readonly ErrorCause[]): PlatformError {
  const lines = causes.map(({ field, message }) => `${field}: ${message}`);
  return new PlatformError("TP_INVALID", {
    message: `${kind}.meta.k8s.io "" is invalid: ${lines.join(", ")}`,
    causes,
    detail: { kind, group: "meta.k8s.io" },
  });
}

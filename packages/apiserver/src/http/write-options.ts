import { PlatformError, type ErrorCause } from "@threeport/resource";
import type { WriteOptions } from "../api.ts";
import type { ResourceRequest } from "./resource-request.ts";

/** Longest name of a field manager, as upstream. */
const managerLengthMax = 128;

/** What Go calls printable: letters, marks, numbers, punctuation, symbols and the space. */
const unprintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;

export type OptionsKind = "CreateOptions" | "UpdateOptions" | "PatchOptions";

export interface SentOptions extends WriteOptions {
  /** Apply only: takes what others manage. */
  readonly force: boolean;
}

/**
 * The parameters of a write, all that is wrong with them told at once. It is recorded under `fieldManager`, or what stands
 * before the first slash of the User-Agent; apply must say who applies.
 * @throws PlatformError TP_INVALID in the words of Kubernetes
 */
export function readWriteOptions(request: ResourceRequest, kind: OptionsKind, { apply }: { readonly apply: boolean } = { apply: false }): SentOptions {
  const { query } = request;
  const manager = query.text("fieldManager");
  const validation = query.text("fieldValidation");
  const known = fieldValidations.find((candidate) => candidate === validation);
  const dryRun = query.all("dryRun");
  const force = query.flag("force");
  const causes: ErrorCause[] = [];
  if (manager !== undefined) causes.push(...managerCauses(manager));
  if (kind === "PatchOptions" && apply && manager === undefined)
    causes.push(cause("fieldManager", "FieldValueRequired", "Required value: is required for apply patch"));
  if (kind === "PatchOptions" && !apply && force !== undefined)
    causes.push(cause("force", "FieldValueForbidden", "Forbidden: may not be specified for non-apply patch"));
  causes.push(...dryRunCauses(dryRun));
  if (validation !== undefined && known === undefined) causes.push(unsupported("fieldValidation", validation, ["", ...fieldValidations]));
  if (causes.length > 0) throw invalidOptions(kind, causes);
  return { manager: manager ?? ofUserAgent(request.userAgent ?? ""), dryRun: dryRun.length > 0, fieldValidation: known ?? "Warn", force: force === true };
}

const fieldValidations = ["Ignore", "Strict", "Warn"] as const;

/** What is wrong with the values of `dryRun`: `All` is the only one there is. */
export function dryRunCauses(values: readonly unknown[]): ErrorCause[] {
  return values.every((value) => value === "All") ? [] : [unsupported("dryRun", values, ["All"])];
}

export function unsupported(field: string, value: unknown, supported: readonly string[]): ErrorCause {
  const shown = (JSON.stringify(value) ?? "").slice(0, shownMax);
  return cause(field, "FieldValueNotSupported", `Unsupported value: ${shown}: supported values: ${supported.map((name) => `"${name}"`).join(", ")}`);
}

/** Characters of a wrong value that an answer repeats. */
const shownMax = 100;

function managerCauses(manager: string): ErrorCause[] {
  if (Buffer.byteLength(manager) > managerLengthMax)
    return [cause("fieldManager", "FieldValueTooLong", `Too long: may not be more than ${managerLengthMax} bytes`)];
  const found = unprintable.exec(manager);
  if (found === null) return [];
  const code = (found[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  const position = Buffer.byteLength(manager.slice(0, found.index));
  return [cause("fieldManager", "FieldValueInvalid", `Invalid value: ${JSON.stringify(manager)}: invalid character U+${code} (at position ${position})`)];
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

export function cause(field: string, reason: string, message: string): ErrorCause {
  return { field, reason, message };
}

export function invalidOptions(kind: OptionsKind | "DeleteOptions", causes: readonly ErrorCause[]): PlatformError {
  const lines = causes.map(({ field, message }) => `${field}: ${message}`);
  return new PlatformError("TP_INVALID", {
    message: `${kind}.meta.k8s.io "" is invalid: ${lines.length === 1 ? lines[0] : `[${lines.join(", ")}]`}`,
    causes,
    detail: { kind, group: "meta.k8s.io" },
  });
}

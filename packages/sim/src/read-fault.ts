import { PlatformError } from "@threeport/resource";
import type { Fault } from "./faults.ts";
import { insideKinds, type InsideFault } from "./inside-faults.ts";

const kinds: ReadonlySet<string> = new Set(["slow", "status", "refuse", "hang", "silent", "expired-watch", "half-line", "unauthorized", ...insideKinds]);
const numbers = ["times", "forMs", "ms", "retryAfterSeconds", "exitCode", "afterMs"];
const texts = ["cluster", "route", "namespace", "pod", "container", "node"];
/** Texts of regular expressions. */
const patterns = ["route", "pod"];

/** A fault as the admin API takes it: `route` and `pod` are texts of regular expressions. @throws PlatformError TP_BAD_REQUEST */
export function readFault(value: unknown): Fault | InsideFault {
  const given = (value ?? {}) as Record<string, unknown>;
  const refuse = (message: string): never => {
    throw new PlatformError("TP_BAD_REQUEST", { message });
  };
  const { kind, status, log } = given;
  if (typeof kind !== "string" || !kinds.has(kind)) return refuse(`kind: must be one of ${[...kinds].join(", ")}`);
  for (const field of { slow: ["ms"], status: ["status"] }[kind] ?? [])
    if (typeof given[field] !== "number") refuse(`${field}: a ${kind} fault needs this number`);
  if (kind === "status" && !(Number(status) >= 400 && Number(status) <= 599)) refuse("status: must be from 400 to 599");
  for (const field of numbers)
    if (given[field] !== undefined && !(typeof given[field] === "number" && given[field] >= 0)) refuse(`${field}: must be a number that is not negative`);
  for (const field of texts) if (given[field] !== undefined && typeof given[field] !== "string") refuse(`${field}: must be a text`);
  if (log !== undefined && !(Array.isArray(log) && log.every((line) => typeof line === "string"))) refuse("log: must be a list of texts");
  const read = { ...given };
  for (const field of patterns.filter((name) => given[name] !== undefined)) {
    try {
      read[field] = new RegExp(given[field] as string);
    } catch (error) {
      refuse(`${field}: is no regular expression: ${(error as Error).message}`);
    }
  }
  return read as unknown as Fault | InsideFault;
}

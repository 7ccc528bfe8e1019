import { PlatformError } from "@threeport/resource";
import { parseAccept, takes } from "./accept.ts";
import type { IncludeObject } from "./table.ts";

/** The form in which a client reads objects. */
export type Form = "object" | "table" | "partial";

/** What the client wants to read: plain objects, a Table, or metadata only; the first of its wishes that can be served. */
export function acceptedForm(accept: string | undefined, of: "one" | "list"): Form {
  if (accept === undefined || accept === "" || accept === "*/*" || accept === "application/json") return "object";
  let misfit = "";
  for (const accepted of parseAccept(accept)) {
    if (!takes(accepted, "application/json")) continue;
    const { as, g: group, v: version } = accepted.parameters;
    if (as === undefined) return "object";
    if (group !== "meta.k8s.io" || version !== "v1") continue;
    if (as === "Table") return "table";
    if (as === (of === "one" ? "PartialObjectMetadata" : "PartialObjectMetadataList")) return "partial";
    if (as.startsWith("PartialObjectMetadata")) misfit = `; the answer is ${of === "one" ? "one object" : "a list"}, not a ${as.slice(0, 50)}`;
  }
  throw new PlatformError("TP_NOT_ACCEPTABLE", {
    message: `only the following media types are accepted: application/json, also as Table, PartialObjectMetadata and PartialObjectMetadataList of meta.k8s.io/v1${misfit}; the request accepts ${accept.slice(0, 200)}`,
  });
}

export function includeObject(value: string | undefined): IncludeObject {
  if (value === undefined || value === "" || value === "Metadata") return "Metadata";
  if (value === "Object" || value === "None") return value;
  throw new PlatformError("TP_BAD_REQUEST", { message: `includeObject must be None, Metadata or Object, not "${value.slice(0, 50)}"` });
}

/** Query parameters, each at its first value. */
export class Query {
  /** Undefined for most requests, which have none. */
  readonly #params: URLSearchParams | undefined;

  constructor(search: string) {
    this.#params = search === "" ? undefined : new URLSearchParams(search);
  }

  text(name: string): string | undefined {
    const value = this.#params?.get(name) ?? "";
    return value === "" ? undefined : value;
  }

  /** Every value that was given, empty ones too. */
  all(name: string): readonly string[] {
    return this.#params?.getAll(name) ?? [];
  }

  flag(name: string): boolean | undefined {
    const value = this.#params?.get(name) ?? null;
    if (value === null) return undefined;
    return value !== "0" && value.toLowerCase() !== "false"; // as upstream reads it: whatever does not say no
  }

  /** A non-negative integer. */
  integer(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (!/^\d{1,15}$/.test(value))
      throw new PlatformError("TP_BAD_REQUEST", { message: `${name} must be a non-negative integer, not "${value.slice(0, 50)}"` });
    return Number(value);
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const found = allowed.find((candidate) => candidate === value);
    if (found === undefined)
      throw new PlatformError("TP_BAD_REQUEST", { message: `${name} must be one of ${allowed.join(", ")}, not "${value.slice(0, 50)}"` });
    return found;
  }
}

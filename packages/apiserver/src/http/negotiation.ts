import { PlatformError } from "@threeport/resource";
import type { IncludeObject } from "./table.ts";

export type Form = { readonly kind: "object" } | { readonly kind: "table" } | { readonly kind: "partial" };

/** What the client wants to read: plain objects, a Table, or metadata only. */
export function acceptedForm(accept: string | undefined): Form {
  if (accept === undefined || accept === "" || accept === "*/*" || accept === "application/json") return { kind: "object" };
  for (const part of accept.split(",")) {
    const [type = "", ...parameters] = part.split(";").map((text) => text.trim());
    if (type !== "application/json" && type !== "application/*" && type !== "*/*") continue;
    const as = parameters.find((parameter) => parameter.startsWith("as="))?.slice(3);
    if (as === undefined) return { kind: "object" };
    if (as === "Table") return { kind: "table" };
    if (as === "PartialObjectMetadata" || as === "PartialObjectMetadataList") return { kind: "partial" };
  }
  throw new PlatformError("TP_NOT_ACCEPTABLE", {
    message: `only application/json is served (also as Table and PartialObjectMetadata); the request accepts ${accept.slice(0, 200)}`,
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

  flag(name: string): boolean | undefined {
    const value = this.#params?.get(name) ?? null;
    if (value === null) return undefined;
    if (value === "" || value === "true" || value === "1") return true;
    if (value === "false" || value === "0") return false;
    throw new PlatformError("TP_BAD_REQUEST", { message: `${name} must be true or false, not "${value.slice(0, 50)}"` });
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

import type { ApiResource, Discovery } from "@threeport/client";
import { PlatformError } from "@threeport/resource";
import { findResource } from "./find-resource.ts";

/** One kind, and the names that are asked for; none means all. */
export interface Asked {
  readonly resource: ApiResource;
  readonly names: readonly string[];
}

/** Kinds in one call at most. */
const kindsMax = 50;

/**
 * Reads `KIND`, `KIND NAME…`, `KIND,KIND` and `KIND/NAME…`.
 * @throws PlatformError TP_USAGE, TP_KIND_UNKNOWN
 */
export function readSelection(discovery: Discovery, args: readonly string[]): Asked[] {
  const [first = "", ...rest] = args;
  if (first === "") throw usage("say which kind is meant", "for example: tptctl get workloadinstances");
  if (args.some((arg) => arg.includes("/"))) return args.map((arg) => readSlash(discovery, arg));
  const kinds = first.split(",").filter((kind) => kind !== "");
  if (kinds.length > kindsMax) throw usage(`${kinds.length} kinds are too many`, `at most ${kindsMax} at once`);
  if (kinds.length > 1 && rest.length > 0) throw usage("names belong to one kind", "write KIND/NAME for each object");
  return kinds.map((kind) => ({ resource: findResource(discovery, kind), names: rest }));
}

/** As {@link readSelection}, for commands that take exactly one object. */
export function readOne(discovery: Discovery, args: readonly string[]): { readonly resource: ApiResource; readonly name: string } {
  const asked = readSelection(discovery, args);
  const [one] = asked;
  const [name] = one?.names ?? [];
  if (one === undefined || name === undefined || asked.length > 1 || one.names.length > 1)
    throw usage("name one object", "write KIND/NAME, or a kind and a name");
  return { resource: one.resource, name };
}

function readSlash(discovery: Discovery, arg: string): Asked {
  const [kind = "", name = "", ...more] = arg.split("/");
  if (kind === "" || name === "" || more.length > 0)
    throw usage(`${JSON.stringify(arg.slice(0, 60))} is no KIND/NAME`, "write each object as KIND/NAME, for example wi/web-dev");
  return { resource: findResource(discovery, kind), names: [name] };
}

function usage(message: string, hint: string): PlatformError {
  return new PlatformError("TP_USAGE", { message, detail: { hint } });
}

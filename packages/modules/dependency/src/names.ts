import { createHash } from "node:crypto";
import { shortened } from "@threeport/module-environment";
import type { DependencyClaim } from "./kinds/claim.ts";

type Need = Pick<DependencyClaim["spec"], "environment" | "type" | "class" | "id">;

const nameMax = 200;
const digestLength = 8;

/** The name of the Dependency of a need: `dev.postgres.web.db`. Types and classes may have upper case, names may not: then a digest tells them apart. */
export function dependencyNameOf({ environment, type, class: sort, id }: Need): string {
  const plain = [environment, type, ...(sort === "default" ? [] : [sort]), id].join(".");
  const lower = plain.toLowerCase();
  // A class could look like the first part of an id.
  const exact = lower === plain && sort === "default" && plain.length <= nameMax;
  return exact ? plain : `${lower.slice(0, nameMax - digestLength - 1).replace(/[^a-z0-9]+$/, "")}-${digestOf([environment, type, sort, id])}`;
}

/** Longest name that leaves room for what controllers and profiles append. */
const objectNameMax = 40;

/** What objects of a dependency in a cluster are named after, unique in its namespace: `web-db-postgres`. */
export function objectNameOf({ type, class: sort, id }: Need): string {
  const parts = [id, ...(sort === "default" ? [] : [sort]), type].join("-").toLowerCase();
  const exact = !id.includes("-") && sort === "default" && type.toLowerCase() === type && !type.includes("-");
  const readable = parts.replaceAll(".", "-");
  // Services begin with a letter.
  const lettered = /^[a-z]/.test(readable) ? readable : `d-${readable}`;
  return shortened(exact && lettered === readable ? lettered : `${lettered.slice(0, objectNameMax)}-${digestOf([type, sort, id]).slice(0, 5)}`, objectNameMax);
}

const labelMax = 63;

/** First part of a host name for a need: `shop-dns-default-dev`. Unique, since projects, environments and ids are; a digest keeps apart what is joined alike. */
export function hostLabelOf({ id, project, environment }: { readonly id: string; readonly project: string; readonly environment: string }): string {
  const readable = [id, project, environment].join("-").replaceAll(".", "-");
  const plain = ![id, project, environment].some((part) => part.includes("-")) && readable.length <= labelMax;
  if (plain) return readable;
  return `${readable.slice(0, labelMax - digestLength - 1).replace(/-+$/, "")}-${digestOf([id, project, environment])}`;
}

/** Of users of MySQL, the shortest of all that is named after a dependency. */
const shortNameMax = 32;

/** Of the name that objects have. */
export function shortNameOf(name: string): string {
  return shortened(name, shortNameMax);
}

function digestOf(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, digestLength);
}

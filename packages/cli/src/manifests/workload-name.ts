import { basename, resolve } from "node:path";
import { PlatformError } from "@threeport/resource";
import { standardInput } from "./read-sources.ts";

/** Longest DNS label. */
const labelMax = 63;

/** The workload's name from the first file or folder: its base name without the ending, made a DNS label. @throws PlatformError TP_USAGE */
export function workloadName(path: string): string {
  if (path === standardInput)
    throw new PlatformError("TP_USAGE", { message: "manifests from standard input need a name", detail: { hint: "add --name NAME" } });
  const name = basename(resolve(path))
    .replace(/\.(ya?ml|json)$/i, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, labelMax)
    .replaceAll(/^-+|-+$/g, "");
  if (name === "") throw new PlatformError("TP_USAGE", { message: `no name can be made of ${path}`, detail: { hint: "add --name NAME" } });
  return name;
}

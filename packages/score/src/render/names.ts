import { createHash } from "node:crypto";

/** Names of containers, volumes and Services in Kubernetes. */
const labelMax = 63;
const digestLength = 8;

/** A name of at most 63 characters: a long one ends in a digest of all of it, so that two long names stay two. */
export function shortName(name: string): string {
  if (name.length <= labelMax) return name;
  const digest = createHash("sha256").update(name).digest("hex").slice(0, digestLength);
  return `${name.slice(0, labelMax - digestLength - 1).replace(/-+$/, "")}-${digest}`;
}

/**
 * Name of an object that one container needs. No name of a workload has a dot: container `web-api` of `app` and `api` of `app-web` have each their own,
 * in the namespace that they share.
 */
export function containerObjectName(workload: string, container: string, what: string): string {
  return `${workload}.${container}.${what}`;
}

/** Volumes of a pod have prefixes of their own, so that no container and resource can meet. */
export function podVolumeName(sort: "files" | "secret-files" | "volume", name: string): string {
  return shortName(`${prefixes[sort]}-${name}`);
}

const prefixes = { files: "files", "secret-files": "secret", volume: "volume" } as const;

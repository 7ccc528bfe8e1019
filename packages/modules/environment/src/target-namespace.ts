import { createHash } from "node:crypto";

/** `<project>-<environment>` (C5): over 63 characters it is cut and ends in a digest, so that two long names stay two. */
export function targetNamespaceOf(project: string, environment: string): string {
  return shortened(`${project}-${environment}`, 63);
}

const digestLength = 8;

/** A text that fits: what is too long is cut and ends in a digest of all of it. */
export function shortened(text: string, max: number): string {
  if (text.length <= max) return text;
  const digest = createHash("sha256").update(text).digest("hex").slice(0, digestLength);
  return `${text.slice(0, max - digestLength - 1).replace(/[^a-zA-Z0-9]+$/, "")}-${digest}`;
}

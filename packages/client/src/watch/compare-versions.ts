/**
 * Negative when `a` is older than `b`. Kubernetes says since 1.35 that versions of one resource are decimals that grow; other servers may use
 * opaque ones, for which this is undefined.
 */
export function compareVersions(a: string, b: string): number | undefined {
  if (!isDecimal(a) || !isDecimal(b)) return undefined;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

function isDecimal(version: string): boolean {
  return /^[1-9][0-9]*$/.test(version);
}

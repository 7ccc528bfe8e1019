const kubernetesVersion = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/;
const stability = { alpha: 0, beta: 1, stable: 2 } as const;

/**
 * Order of API versions by preference, as Kubernetes has it: `v2`, `v1`, `v1beta2`, `v1beta1`, `v1alpha1`, then names that
 * are no such versions by their letters. Negative: `a` comes first.
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parse(a), parse(b)];
  if (left === undefined || right === undefined) {
    if (left !== undefined) return -1;
    if (right !== undefined) return 1;
    return a < b ? -1 : a > b ? 1 : 0;
  }
  return right.stability - left.stability || right.major - left.major || right.minor - left.minor;
}

function parse(version: string): { stability: number; major: number; minor: number } | undefined {
  const match = kubernetesVersion.exec(version);
  if (match === null) return undefined;
  const [, major, channel, minor] = match;
  return { stability: stability[(channel ?? "stable") as keyof typeof stability], major: Number(major), minor: Number(minor ?? 0) };
}

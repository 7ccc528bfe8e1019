import { PlatformError } from "@threeport/resource";

/** Namespaces, mounts, control groups and other users' processes are root's; without it half of the work would fail silently. */
export function requireRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new PlatformError("TP_FORBIDDEN", {
    message: "A local Kubernetes needs root, for namespaces, mounts and control groups. Run this as root, or register a cluster by kubeconfig.",
  });
}

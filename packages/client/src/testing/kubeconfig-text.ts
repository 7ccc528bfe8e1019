import type { JsonObject } from "@threeport/resource";

const pem = (what: string) => Buffer.from(`-----BEGIN ${what}-----\nMIIB\n-----END ${what}-----\n`).toString("base64");
export const certificateData = pem("CERTIFICATE");
export const keyData = pem("PRIVATE KEY");

/** A kubeconfig with one context; `cluster` and `user` are added to what stands in them. */
export function kubeconfigText(parts: { cluster?: JsonObject; user?: JsonObject; context?: JsonObject } = {}): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "main",
    preferences: {},
    clusters: [{ name: "c", cluster: { server: "https://10.0.0.1:6443", ...parts.cluster } }],
    users: [{ name: "u", user: { ...parts.user } }],
    contexts: [{ name: "main", context: { cluster: "c", user: "u", ...parts.context } }],
  });
}

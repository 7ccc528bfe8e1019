export interface KubeconfigInput {
  readonly name: string;
  /** With the cluster's path in it. */
  readonly server: string;
  /** "" leaves it out. */
  readonly caPem: string;
  readonly token: string;
}

/** With inline credentials, as JSON, which is YAML too. */
export function kubeconfigOf({ name, server, caPem, token }: KubeconfigInput): string {
  const authority = caPem === "" ? {} : { "certificate-authority-data": Buffer.from(caPem).toString("base64") };
  const document = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": name,
    clusters: [{ name, cluster: { server, ...authority } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

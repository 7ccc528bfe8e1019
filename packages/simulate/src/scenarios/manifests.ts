import type { KubeObject } from "@threeport/resource";

/** A value that must be seen nowhere but in Secrets. */
export const secretValue = "swordfish-2f1c9a";

/** An application of two pods with its Service, settings and a secret, as plain manifests. */
export function application(name: string, { image, extra = true }: { readonly image: string; readonly extra?: boolean }): KubeObject[] {
  const labels = { app: name };
  return [
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name },
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: "main", image, envFrom: [{ configMapRef: { name: `${name}-settings` } }] }] } },
      },
    },
    { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { selector: labels, ports: [{ port: 80 }] } },
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: `${name}-settings` }, data: { image } },
    { apiVersion: "v1", kind: "Secret", metadata: { name: `${name}-password` }, stringData: { password: secretValue } },
    ...(extra ? [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: `${name}-extra` }, data: { a: "b" } }] : []),
  ] as KubeObject[];
}

/** A Score workload that, with `calls`, finds another one by its name. */
export function scoreSource(
  name: string,
  { image, calls, level = "LEVEL" }: { readonly image: string; readonly calls?: string; readonly level?: string },
): object {
  return {
    score: {
      document: {
        apiVersion: "score.dev/v1b1",
        metadata: { name },
        service: { ports: { http: { port: 80, targetPort: 8080 } } },
        containers: {
          main: {
            image,
            variables: {
              LEVEL: `\${resources.env.${level}}`,
              ...(calls === undefined ? {} : { CALLS: "http://${resources.other.hostname}:${resources.other.port}/" }),
            },
          },
        },
        resources: {
          env: { type: "environment" },
          ...(calls === undefined ? {} : { other: { type: "service-port", params: { workload: calls, port: "http" } } }),
        },
      },
    },
  };
}

/** A definition of a kind that takes anything, and stays in the cluster. */
export function openDefinitionOf(group: string, { kind, scope }: { readonly kind: string; readonly scope: string }): object {
  const singular = kind.toLowerCase();
  const plural = singular.endsWith("s") ? `${singular}es` : `${singular}s`;
  const open = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  const annotations = { "threeport.io/deletion-policy": "orphan", "api-approved.kubernetes.io": "unapproved, for tests" };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}`, annotations },
    spec: {
      group,
      scope,
      names: { kind, plural, singular, listKind: `${kind}List` },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: { openAPIV3Schema: { type: "object", properties: { spec: open, status: open } } },
        },
      ],
    },
  };
}

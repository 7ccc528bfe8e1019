import { systemRandom } from "@threeport/platform";
import type { KubeObject } from "@threeport/resource";

/** Kubernetes documents that tests write. */

/** A name that no other test has. */
export function fresh(prefix: string): string {
  return `${prefix}-${systemRandom.suffix(5)}`;
}

export function configMap(
  namespace: string,
  name: string,
  data: Record<string, string> = { key: "value" },
  metadata: object = {},
): KubeObject & { data: Record<string, string> } {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace, ...metadata }, data };
}

export function namespaceDocument(name: string): KubeObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}

export function deployment(namespace: string, name: string, spec: { image?: string; replicas?: number; env?: Record<string, string> } = {}): KubeObject {
  const labels = { app: name };
  const container = {
    name: "main",
    image: spec.image ?? "example.com/app:1",
    env: Object.entries(spec.env ?? {}).map(([key, value]) => ({ name: key, value })),
  };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace },
    spec: {
      ...(spec.replicas === undefined ? {} : { replicas: spec.replicas }),
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [container] } },
    },
  };
}

/** A definition of a kind `kind` in the group example.com, of a size for tests. */
export function customResourceDefinition(kind: string, scope: "Namespaced" | "Cluster" = "Namespaced"): KubeObject {
  const plural = `${kind.toLowerCase()}s`;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.example.com` },
    spec: {
      group: "example.com",
      scope,
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: { type: "object", properties: { spec: { type: "object", properties: { size: { type: "integer" }, color: { type: "string" } } } } },
          },
        },
      ],
    },
  };
}

export interface OpenDefinition {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly scope?: "Namespaced" | "Cluster";
}

/** A definition of a kind that takes any spec and status. Its plural is that of most kinds. */
export function openDefinition({ group, version, kind, scope = "Namespaced" }: OpenDefinition): KubeObject {
  const singular = kind.toLowerCase();
  const plural = singular.endsWith("s") ? `${singular}es` : `${singular}s`;
  const open = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}`, ...(group.endsWith(".k8s.io") ? { annotations: { "api-approved.kubernetes.io": "unapproved, for tests" } } : {}) },
    spec: {
      group,
      scope,
      names: { kind, plural, singular, listKind: `${kind}List` },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: { openAPIV3Schema: { type: "object", properties: { spec: open, status: open } } },
        },
      ],
    },
  };
}

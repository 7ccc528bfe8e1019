import type { KubeObject } from "@threeport/resource";
import { anywhere } from "@threeport/server/testing";

/** An application of two pods and a Service, without a namespace, as a workload's manifests. */
export function app(name: string, image: string): KubeObject[] {
  return [
    anywhere({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: name } },
        template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: "main", image }] } },
      },
    }),
    anywhere({ apiVersion: "v1", kind: "Service", metadata: { name }, spec: { selector: { app: name }, ports: [{ port: 80 }] } }),
  ];
}

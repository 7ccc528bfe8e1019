/** A ConfigMap as a server sends it. */
export function configMap(name: string, resourceVersion: number, data: Record<string, string> = {}) {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace: "default", uid: `uid-${name}`, resourceVersion: String(resourceVersion), creationTimestamp: "2026-11-22T00:00:00Z" },
    data,
  };
}

export function configMapList(resourceVersion: number, items: object[], next?: string) {
  return {
    apiVersion: "v1",
    kind: "ConfigMapList",
    metadata: { resourceVersion: String(resourceVersion), ...(next === undefined ? {} : { continue: next }) },
    items,
  };
}

export function eventLine(type: string, object: object): string {
  return `${JSON.stringify({ type, object })}\n`;
}

export function bookmark(resourceVersion: number): string {
  return eventLine("BOOKMARK", { apiVersion: "v1", kind: "ConfigMap", metadata: { resourceVersion: String(resourceVersion) } });
}

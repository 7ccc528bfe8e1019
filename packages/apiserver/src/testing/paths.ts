/** Paths that most tests use. */
export const configMaps = "/api/v1/namespaces/default/configmaps";
export const secrets = "/api/v1/namespaces/default/secrets";
export const namespaces = "/api/v1/namespaces";
export const widgets = "/apis/test.threeport.io/v1alpha1/namespaces/default/widgets";
export const shelves = "/apis/test.threeport.io/v1alpha1/shelves";

/** A ConfigMap to send. */
export function configMap(name: string, data: Record<string, string> = {}, metadata: object = {}) {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, ...metadata }, data };
}

/** A Widget to send. */
export function widget(name: string, spec: object = {}, metadata: object = {}) {
  return { apiVersion: "test.threeport.io/v1alpha1", kind: "Widget", metadata: { name, ...metadata }, spec };
}

export function shelf(name: string, metadata: object = {}) {
  return { apiVersion: "test.threeport.io/v1alpha1", kind: "Shelf", metadata: { name, ...metadata }, spec: {} };
}

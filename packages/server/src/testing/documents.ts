import type { KubeObject } from "@threeport/resource";

/** Objects of ours that tests write, in the project `default`. */

const group = "threeport.io/v1alpha1";

export function environment(name: string, runtime: string): KubeObject {
  return { apiVersion: group, kind: "Environment", metadata: { name }, spec: { runtime } };
}

export function definition(name: string, objects: readonly KubeObject[]): KubeObject {
  return { apiVersion: group, kind: "WorkloadDefinition", metadata: { name, namespace: "default" }, spec: { source: { manifests: { objects } } } };
}

/** Deploys a definition into the environment `dev` unless `spec` says otherwise. */
export function instance(name: string, of: string, spec: object = {}): KubeObject {
  return { apiVersion: group, kind: "WorkloadInstance", metadata: { name, namespace: "default" }, spec: { definition: of, environment: "dev", ...spec } };
}

/** The document without its namespace: the instance decides where it goes. */
export function anywhere(object: KubeObject): KubeObject {
  const { namespace: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

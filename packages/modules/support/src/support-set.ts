import { resourceSetKind } from "@threeport/cluster";
import { ownerReference } from "@threeport/module-environment";
import { systemNamespace } from "@threeport/module-runtime";
import type { KubeObject } from "@threeport/resource";
import type { SupportServiceInstance } from "./kinds/instance.ts";

/** Holds an instance until what it installed is gone. */
export const supportFinalizer = "threeport.io/support-service";

export const setNameOf = (instance: string): string => `support.${instance}`;

/** The set with the objects of an instance. */
export function setOf(instance: SupportServiceInstance, objects: readonly KubeObject[]): KubeObject {
  return {
    apiVersion: resourceSetKind.apiVersion,
    kind: resourceSetKind.kind,
    metadata: { name: setNameOf(instance.metadata.name), namespace: systemNamespace, ownerReferences: [ownerReference(instance, true)] },
    spec: { runtime: instance.spec.runtime, objects, prune: true, adopt: "Never", progressDeadlineSeconds: 600 },
  };
}

export { environmentKind, type Environment } from "./environment-kind.ts";
export { environmentReconciler } from "./reconcile-environment.ts";
export { pullSecretName, readCredentials, type Credential } from "./credentials.ts";
export { countedResources, requestsSchema, type CountedResource, type Limits, type Quota } from "./quota-schema.ts";
export { shortened, targetNamespaceOf } from "./target-namespace.ts";
export { followSet, namespaceTerminating, openNamespace } from "./follow-set.ts";
export { leaveNamespace, namespaceSetName, ownerReference } from "./share-namespace.ts";
export { group, version } from "./group.ts";

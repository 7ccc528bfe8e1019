export { openCluster, type Cluster } from "./connection/cluster.ts";
export { createClusters, type Clusters, type RuntimeAccess } from "./connection/clusters.ts";
export { conditionsSchema, inlineBytesMax, resourceSetKind, validateObjects, type ResourceSet } from "./kinds/resource-set.ts";
export { resourceSetReconciler, type ResourceSetOptions } from "./reconcile-set.ts";
export { readEntry, objectIdOf, type Entry } from "./apply/entry.ts";
export { podsOfEntries, treeOfEntries, type TreeNode } from "./tree.ts";
export { idText, idWords } from "./identity.ts";
export type { HealthState, ObjectId, Verdict } from "./health/index.ts";

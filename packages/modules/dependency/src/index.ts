export { dependencyClaimKind, type DependencyClaim } from "./kinds/claim.ts";
export { dependencyKind, type Dependency } from "./kinds/dependency.ts";
export { dependencyProfileKind, type DependencyProfile } from "./kinds/profile.ts";
export { keepBuiltInProfiles } from "./keep-built-in.ts";
export { claimReconciler } from "./reconcile-claim.ts";
export { dependencyReconciler } from "./reconcile-dependency.ts";
export { readOutputs, type ReadOutputs } from "./read-outputs.ts";
export { waitingFor } from "./provision.ts";
export { matchProfile } from "./match.ts";

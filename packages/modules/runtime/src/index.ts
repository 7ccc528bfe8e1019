export { binariesPlace } from "./local/binaries-place.ts";
export { clusterFor } from "./cluster-for.ts";
export { createEntrances, type Entrances } from "./local/entrances.ts";
export { kindProvider } from "./kind-provider.ts";
export { kubeconfigProvider } from "./kubeconfig-provider.ts";
export { kubeconfigSecretType, withKubeconfigRules } from "./kubeconfig-secrets.ts";
export { loadRuntimeImage, localProvider, stopLocalRuntimes, type LocalProviderOptions } from "./local-provider.ts";
export { runtimeReconciler, systemNamespace, type RuntimeOptions } from "./reconcile-runtime.ts";
export { runtimeKind, type KubernetesRuntimeInstance } from "./runtime-kind.ts";

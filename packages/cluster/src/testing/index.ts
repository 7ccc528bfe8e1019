export { kubeconfigOf, startApiServer, type TestApiServer } from "./api-server.ts";
export { configMap, customResourceDefinition, deployment, fresh, namespaceDocument, openDefinition } from "./documents.ts";
export { openFaultProxy, type FaultProxy } from "./fault-proxy.ts";
export { describeWithKubernetes, kubernetesPrograms } from "./kubernetes-programs.ts";
export { runPods, type PodRunner } from "./pod-runner.ts";
export { openSetPlane, type SetPlane, type SetReplica } from "./set-plane.ts";

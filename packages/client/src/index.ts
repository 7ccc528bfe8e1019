export { type ConnectionConfig } from "./connection.ts";
export { type ClientOptions, createClient } from "./create-client.ts";
export { type KubeClient } from "./kube-client.ts";
export { type CallOptions, type RawResponse, type RequestOptions, type Response, type Upgraded } from "./http/send-options.ts";
export { type Query } from "./http/query.ts";
export { type ResponseHeaders, warningsOf } from "./http/warnings.ts";
export { type ApiResource, type DiscoveryFailure } from "./discovery/api-resource.ts";
export { type Discovery } from "./discovery/discovery.ts";
export { resourcePath } from "./discovery/resource-path.ts";
export { type ObjectList } from "./objects/list.ts";
export {
  type ApplyOptions,
  type DeleteOptions,
  type GetOptions,
  type ListOptions,
  type PatchOptions,
  type Selection,
  type WriteOptions,
} from "./objects/options.ts";
export { type NamedTarget, type Target, targetOf } from "./objects/target.ts";
export { type Applied, type ObjectVerbs } from "./objects/verbs.ts";
export { type WatchEvent, type WatchOptions } from "./watch/open-watch.ts";
export { type Reflector, type ReflectorHandlers, type ReflectorOptions, createReflector } from "./watch/reflector.ts";
export { type ReflectorState } from "./watch/reflector-state.ts";
export { type LogOptions } from "./logs/pod-logs.ts";
export { type ParseKubeconfigOptions, parseKubeconfig } from "./kubeconfig/parse-kubeconfig.ts";
export { type ResolveKubeconfigOptions, resolveKubeconfig } from "./kubeconfig/resolve-kubeconfig.ts";
export { type ExecOptions, type TerminalSize } from "./streams/pod-exec.ts";
export { type PodConnection } from "./streams/pod-port.ts";
export { createFetcher, type Answer, type AskOptions, type Fetcher, type FetcherOptions, type FetchOptions } from "./fetch/fetcher.ts";

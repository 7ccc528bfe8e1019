import { systemClock } from "@threeport/platform";
import { formatApiVersion, type GroupVersionKind } from "@threeport/resource";
import type { ConnectionConfig } from "./connection.ts";
import type { ApiResource } from "./discovery/api-resource.ts";
import { createDiscoveryCache } from "./discovery/discovery-cache.ts";
import { resourcePath } from "./discovery/resource-path.ts";
import { createTransport, type TransportOptions } from "./http/transport.ts";
import type { KubeClient } from "./kube-client.ts";
import { podLogs } from "./logs/pod-logs.ts";
import { listAll } from "./objects/list.ts";
import { objectVerbs } from "./objects/verbs.ts";
import { podExec } from "./streams/pod-exec.ts";
import { podPort } from "./streams/pod-port.ts";
import { openWatch, type WatchEvent, type WatchOptions } from "./watch/open-watch.ts";

export type ClientOptions = TransportOptions;

/**
 * A client for the server that `config` names; it connects with the first call.
 * @throws PlatformError TP_KUBECONFIG_INVALID when the address or the PEM texts cannot be used
 */
export function createClient(config: ConnectionConfig, options: ClientOptions = {}): KubeClient {
  const transport = createTransport(config, options);
  const discovery = createDiscoveryCache(transport, options.clock ?? systemClock);

  async function* watch<T>(path: string, watchOptions?: WatchOptions): AsyncIterable<WatchEvent<T>> {
    yield* await openWatch<T>(transport, path, watchOptions);
  }

  return {
    ...objectVerbs(transport, discovery),
    host: transport.host,
    request: (path, call) => transport.request(path, call),
    raw: (path, call) => transport.raw(path, call),
    discover: (call) => discovery.get(call?.signal),
    resourcePath: async (kind, namespace, name, subresource) => {
      const resource = isResource(kind) ? kind : await discovery.resourceOf(formatApiVersion(kind.group, kind.version), kind.kind);
      return resourcePath(resource, { namespace, name, subresource });
    },
    listPath: (path, call) => listAll(transport, path, call),
    watch,
    openWatch: (path, call) => openWatch(transport, path, call),
    logs: (pod, call) => podLogs(transport, pod, call),
    exec: (pod, call) => podExec(transport, pod, call),
    portForward: (pod, call) => podPort(transport, pod, call),
    openStream: transport.upgrade,
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
}

function isResource(kind: GroupVersionKind | ApiResource): kind is ApiResource {
  return "resource" in kind;
}

import type { GroupVersionKind, StoredObject } from "@threeport/resource";
import type { ApiResource } from "./discovery/api-resource.ts";
import type { Discovery } from "./discovery/discovery.ts";
import type { Query } from "./http/query.ts";
import type { CallOptions, RawResponse, RequestOptions, Response, Upgraded } from "./http/send-options.ts";
import type { LogOptions } from "./logs/pod-logs.ts";
import type { ListOptions } from "./objects/options.ts";
import type { ObjectList } from "./objects/list.ts";
import type { ObjectVerbs } from "./objects/verbs.ts";
import type { ExecOptions } from "./streams/pod-exec.ts";
import type { PodConnection, PodPort } from "./streams/pod-port.ts";
import type { WatchEvent, WatchOptions } from "./watch/open-watch.ts";

/** A client of one Kubernetes-style API server, ours or a cluster's. Disposing it closes its connections and ends what is under way. */
export interface KubeClient extends ObjectVerbs, AsyncDisposable {
  /** Host and port, for messages. */
  readonly host: string;
  /**
   * One call. `path` starts with `/` and is used as it is.
   * @throws PlatformError: what the server's Status says; TP_RUNTIME_UNREACHABLE when no answer came
   */
  request(path: string, options?: RequestOptions): Promise<Response>;
  /** As `request`, but the body is a stream, on a connection of its own; the deadline ends with the headers. */
  raw(path: string, options?: RequestOptions): Promise<RawResponse>;
  /** What the server serves; asked once, see {@link Discovery.refresh}. */
  discover(options?: Pick<CallOptions, "signal">): Promise<Discovery>;
  /** The path of a kind or a resource. @throws PlatformError TP_KIND_UNKNOWN */
  resourcePath(kind: GroupVersionKind | ApiResource, namespace?: string, name?: string, subresource?: string): Promise<string>;
  /** All objects under a path, all pages. */
  listPath<T = StoredObject>(path: string, options?: ListOptions): Promise<ObjectList<T>>;
  /** Changes under a path, until the server ends the watch; the first step of the loop connects. An ERROR event is thrown. For a watch that lasts, use a reflector. */
  watch<T = StoredObject>(path: string, options?: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** As `watch`, but resolves once the server has accepted it. */
  openWatch<T = StoredObject>(path: string, options?: WatchOptions): Promise<AsyncIterable<WatchEvent<T>>>;
  /** A container's log as text in pieces, with line ends. */
  logs(pod: { readonly namespace: string; readonly name: string }, options?: LogOptions): AsyncIterable<string>;
  /** Runs a program in a container; resolves to its exit code. A text is the path of a server that speaks the same protocol. */
  exec(pod: { readonly namespace: string; readonly name: string } | string, options: ExecOptions): Promise<number>;
  /** Connects to a port inside a pod, once. */
  portForward(pod: PodPort, options?: CallOptions): Promise<PodConnection>;
  /** A WebSocket with one of `protocols`, for who passes its frames on; the socket is the caller's. */
  openStream(path: string, options: CallOptions & { readonly query: Query; readonly protocols: readonly string[] }): Promise<Upgraded>;
}

import { PlatformError, type KubeObject, type StoredObject } from "@threeport/resource";
import type { DiscoveryCache } from "../discovery/discovery-cache.ts";
import { resourcePath } from "../discovery/resource-path.ts";
import type { RequestOptions, Response, Transport } from "../http/send-options.ts";
import { warningsOf } from "../http/warnings.ts";
import { applyRefusal } from "./apply-refusal.ts";
import { listAll, type ObjectList } from "./list.ts";
import {
  callOptions,
  writeQuery,
  type ApplyOptions,
  type DeleteOptions,
  type GetOptions,
  type ListOptions,
  type PatchOptions,
  type WriteOptions,
} from "./options.ts";
import { targetOf, type NamedTarget, type Target } from "./target.ts";

export interface Applied<T = StoredObject> {
  readonly object: T;
  /** What the server warned of: deprecated versions, unknown fields. For people. */
  readonly warnings: readonly string[];
}

/** The verbs over objects; kinds become paths by discovery. All throw PlatformError; TP_KIND_UNKNOWN when the server does not serve the kind. */
export interface ObjectVerbs {
  get<T = StoredObject>(target: NamedTarget, options?: GetOptions): Promise<T>;
  /** All pages. Without a namespace, all namespaces. */
  list<T = StoredObject>(target: Target, options?: ListOptions): Promise<ObjectList<T>>;
  create<T = StoredObject>(target: Target, object: object, options?: WriteOptions): Promise<T>;
  update<T = StoredObject>(target: NamedTarget, object: object, options?: WriteOptions): Promise<T>;
  patch<T = StoredObject>(target: NamedTarget, patch: object, options?: PatchOptions): Promise<T>;
  /** Answers with the object while it is being deleted, or a Status when it is gone. TP_NOT_FOUND when there is none. */
  delete(target: NamedTarget, options?: DeleteOptions): Promise<unknown>;
  /** Server-side apply. */
  apply<T = StoredObject>(object: KubeObject, options: ApplyOptions): Promise<Applied<T>>;
}

const patchTypes = {
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  strategic: "application/strategic-merge-patch+json",
} as const;

export function objectVerbs(transport: Transport, discovery: DiscoveryCache): ObjectVerbs {
  async function pathOf(target: Target): Promise<string> {
    return resourcePath(await discovery.resourceOf(target.apiVersion, target.kind), target);
  }

  async function send(target: Target, options: RequestOptions): Promise<Response> {
    try {
      return await transport.request(await pathOf(target), options);
    } catch (error) {
      throw kindGone(error, target);
    }
  }

  /** A 404 that is no Status comes from the router: the path itself is not served (any more), which is not the same as a missing object. */
  function kindGone(error: unknown, target: Target): unknown {
    if (!(error instanceof PlatformError) || error.detail["httpStatus"] !== 404 || error.detail["isStatus"] !== false) return error;
    discovery.doubt();
    const { apiVersion, kind } = target;
    return new PlatformError("TP_KIND_UNKNOWN", {
      message: `${transport.host} does not serve ${kind} in ${apiVersion} any more`,
      detail: { apiVersion, kind },
      cause: error,
    });
  }

  return {
    get: async <T>(target: NamedTarget, options: GetOptions = {}) =>
      (await send(target, { ...callOptions(options), query: { resourceVersion: options.resourceVersion } })).body as T,

    list: async <T>(target: Target, options?: ListOptions) => {
      const { name: _, ...collection } = target;
      try {
        return await listAll<T>(transport, await pathOf(collection), options);
      } catch (error) {
        throw kindGone(error, target);
      }
    },

    create: async <T>(target: Target, object: object, options: WriteOptions = {}) => {
      const { name, ...collection } = target;
      const place = target.subresource === undefined ? collection : { ...collection, name }; // a subresource is made under its object
      return (await send(place, { ...callOptions(options), method: "POST", query: writeQuery(options), body: object })).body as T;
    },

    update: async <T>(target: NamedTarget, object: object, options: WriteOptions = {}) =>
      (await send(target, { ...callOptions(options), method: "PUT", query: writeQuery(options), body: object })).body as T,

    patch: async <T>(target: NamedTarget, patch: object, options: PatchOptions = {}) => {
      const headers = { ...options.headers, "content-type": patchTypes[options.type ?? "merge"] };
      return (await send(target, { ...callOptions(options), headers, method: "PATCH", query: writeQuery(options), body: patch })).body as T;
    },

    delete: async (target, options = {}) => {
      const { preconditions, propagationPolicy, gracePeriodSeconds, dryRun } = options;
      const body = {
        apiVersion: "v1",
        kind: "DeleteOptions",
        ...(preconditions === undefined ? {} : { preconditions }),
        ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
        ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
        ...(dryRun === true ? { dryRun: ["All"] } : {}),
      };
      return (await send(target, { ...callOptions(options), method: "DELETE", body })).body;
    },

    apply: async <T>(object: KubeObject, options: ApplyOptions) => {
      const answer = await send(
        { ...targetOf(object), subresource: options.subresource },
        {
          ...callOptions(options),
          method: "PATCH",
          repeatable: true, // applying the same object twice ends in the same state
          headers: { ...options.headers, "content-type": "application/apply-patch+yaml" }, // JSON is YAML
          query: { ...writeQuery(options), force: options.force === true ? true : undefined },
          body: object,
        },
      ).catch((error: unknown) => {
        throw applyRefusal(error);
      });
      return { object: answer.body as T, warnings: warningsOf(answer.headers) };
    },
  };
}

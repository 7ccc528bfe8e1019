import type { Clock } from "@threeport/platform";
import { PlatformError, formatApiVersion, isErrorCode, parseApiVersion } from "@threeport/resource";
import type { Transport } from "../http/send-options.ts";
import { discoverAggregated } from "./aggregated.ts";
import type { ApiResource, DiscoveryResult } from "./api-resource.ts";
import { discoverByGroupVersion } from "./by-group-version.ts";
import { indexDiscovery, type Discovery } from "./discovery.ts";

/** An unknown kind asks the server again at most this often: many objects of a kind that is not installed must not become a storm of discovery. */
const missRefreshMs = 1_000;

/**
 * One client's knowledge of its server.
 *   D1  Discovery runs at most once at a time, whatever number of calls wait for it.
 *   D2  A failed round leaves the last good answer in place.
 *   D3  A kind is called unknown only by an answer younger than `missRefreshMs`, and never while its group could not be read.
 */
export interface DiscoveryCache {
  get(signal?: AbortSignal): Promise<Discovery>;
  /** @throws PlatformError TP_KIND_UNKNOWN; TP_UNAVAILABLE while its group cannot be read */
  resourceOf(apiVersion: string, kind: string): Promise<ApiResource>;
  /** A path made from this knowledge was not served: the next look-up asks the server again. */
  doubt(): void;
}

export function createDiscoveryCache(transport: Transport, clock: Clock): DiscoveryCache {
  let known: Discovery | undefined;
  let running: Promise<Discovery> | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let doubted = false;

  function refresh(): Promise<Discovery> {
    running ??= (async () => {
      askedAt = clock.monotonic();
      try {
        const result = await discover(transport);
        doubted = false;
        known = indexDiscovery(result, (signal) => abortable(refresh(), signal));
        return known;
      } finally {
        running = undefined;
      }
    })();
    return running;
  }

  return {
    get: async (signal) => known ?? (await abortable(refresh(), signal)),
    doubt: () => {
      doubted = true;
    },
    resourceOf: async (apiVersion, kind) => {
      const discovery = known ?? (await refresh());
      const found = doubted ? undefined : discovery.byKind(apiVersion, kind);
      if (found !== undefined) return found;
      const again = clock.monotonic() - askedAt < missRefreshMs ? discovery : await refresh();
      const second = again.byKind(apiVersion, kind);
      if (second !== undefined) return second;
      throw unknownKind(again, { apiVersion, kind, host: transport.host });
    },
  };
}

async function discover(transport: Transport): Promise<DiscoveryResult> {
  try {
    const aggregated = await discoverAggregated(transport);
    if (aggregated !== undefined) return aggregated;
  } catch (error) {
    if (!isErrorCode(error, "TP_NOT_ACCEPTABLE") && !isErrorCode(error, "TP_NOT_FOUND")) throw error;
  }
  return discoverByGroupVersion(transport);
}

/** The round goes on for the others when one caller gives up. */
async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  promise.catch(() => {}); // it may fail when everybody has left
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function unknownKind(discovery: Discovery, asked: { apiVersion: string; kind: string; host: string }): PlatformError {
  const { apiVersion, kind, host } = asked;
  const { group, version } = parseApiVersion(apiVersion);
  const failure = discovery.failures.find((failed) => failed.group === group && failed.version === version);
  if (failure !== undefined) {
    return new PlatformError("TP_UNAVAILABLE", {
      message: `${host} cannot say right now whether it serves ${kind} in ${apiVersion}: ${failure.message}`,
      detail: asked,
    });
  }
  const others = new Set(
    discovery.resources.filter((resource) => resource.kind === kind).map((resource) => formatApiVersion(resource.group, resource.version)),
  );
  const hint =
    others.size > 0
      ? `it serves ${kind} as ${[...others].slice(0, 5).join(", ")}; correct apiVersion`
      : "install the CustomResourceDefinition or the service that brings it, or correct apiVersion and kind";
  return new PlatformError("TP_KIND_UNKNOWN", { message: `${host} does not serve ${kind} in ${apiVersion}: ${hint}`, detail: asked });
}

import { backoffMs, silentLogger, systemClock, systemRandom, type Clock, type Logger, type Random } from "@threeport/platform";
import { PlatformError, parseApiVersion, toPlatformError, type ErrorCode, type StoredObject } from "@threeport/resource";
import type { KubeClient } from "../kube-client.ts";
import type { Selection } from "../objects/options.ts";
import type { Target } from "../objects/target.ts";
import type { WatchEvent } from "./open-watch.ts";
import { compareVersions } from "./compare-versions.ts";
import { nextWithin } from "./next-within.ts";
import type { ReflectorState } from "./reflector-state.ts";

// Reflector: a selection of objects, followed for as long as it is not disposed.
//   R1  After `replace`, the handlers hear of every change of the selection, in the server's order; a gap is closed by another `replace`.
//   R2  A handler is never called while another one runs, and nothing is read from the server meanwhile: a slow consumer costs the server's
//       patience (it drops the watch, we list again), never our memory.
//   R3  No failure ends it: not the server's absence, not a refusal, not garbage, not a throwing handler.
//   R4  Silence longer than `idleTimeoutMs`, bookmarks included, ends the connection and resumes on a new one.
//   R5  It resumes from the last version it heard of; where the server does not have that version any more, or not yet, it lists again.
//       (kube-apiserver restored from an older backup accepts a version of the future in silence; its first bookmark gives it away.)

/** What the consumer does. Promises are awaited (R2). A rejection is followed by a new `replace` after a pause (R1). */
export interface ReflectorHandlers<T> {
  /** The whole selection: whatever is known and not in `items` is gone. */
  replace(items: readonly T[], resourceVersion: string): void | Promise<void>;
  upsert(object: T): void | Promise<void>;
  /** The object's last state. */
  remove(object: T): void | Promise<void>;
  /** Called on every change of phase. */
  state?(state: ReflectorState): void;
}

export interface ReflectorOptions<T> extends Selection {
  readonly client: Pick<KubeClient, "listPath" | "openWatch" | "resourcePath" | "host">;
  /** What to follow: a collection's path, or a kind with or without a namespace. */
  readonly source: string | Pick<Target, "apiVersion" | "kind" | "namespace">;
  readonly handlers: ReflectorHandlers<T>;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly log?: Logger;
  /** Default 180,000: three of the bookmarks that kube-apiserver sends about every minute. */
  readonly idleTimeoutMs?: number;
  readonly pageSize?: number;
}

export interface Reflector extends AsyncDisposable {
  readonly state: ReflectorState;
  /** Resolves after the first `replace`. Rejects when disposed before. */
  readonly synced: Promise<void>;
  /**
   * For whoever hears that a server is back that was unreachable: it is listed at once, without the rest of a pause, and resolves after that. A watch that
   * resumes would tell what was missed only a moment after it is open. Rejects when disposed before.
   */
  renew(): Promise<void>;
}

const retryPolicy = { baseMs: 500, capMs: 30_000 };
/** A watch that lived this long was healthy, so its end is no failure: servers end watches to spread load. */
const healthyWatchMs = 5_000;
/** The server ends a watch after a time in [1, 2) × this, by chance, so that watches opened together do not end together. As client-go. */
const watchSecondsMin = 300;

/** Errors that say nothing against the version we resume from; after any other one the next step is a list. */
const resumable = new Set<ErrorCode>(["TP_RUNTIME_UNREACHABLE", "TP_TOO_MANY_REQUESTS", "TP_UNAVAILABLE"]);
/** After this many failures in a row a list is due whatever the errors say: the server that comes back may not be the one we knew. */
const resumesMax = 6;

/** Starts following; see R1–R5. */
export function createReflector<T = StoredObject>(options: ReflectorOptions<T>): Reflector {
  const { client, handlers, clock = systemClock, random = systemRandom, log = silentLogger, idleTimeoutMs = 180_000 } = options;
  const stop = new AbortController();
  const synced = Promise.withResolvers<void>();
  synced.promise.catch(() => {}); // nobody has to wait for it
  let state: ReflectorState = { phase: "connecting", since: clock.now() };
  let version: string | undefined;
  let failures = 0;
  let renewal: PromiseWithResolvers<void> | undefined;
  let pause = new AbortController();

  function enter(phase: ReflectorState["phase"], lastError?: PlatformError): void {
    const changed = phase !== state.phase;
    state = { phase, since: changed ? clock.now() : state.since, ...(lastError === undefined ? {} : { lastError }) };
    if (!changed) return;
    try {
      handlers.state?.(state);
    } catch (error) {
      log.info("a reflector's state handler threw", { host: client.host, error }); // R3
    }
  }

  const pathOf = async () => {
    const { source } = options;
    return typeof source === "string" ? source : client.resourcePath({ ...parseApiVersion(source.apiVersion), kind: source.kind }, source.namespace);
  };

  const selection = {
    ...(options.labelSelector === undefined ? {} : { labelSelector: options.labelSelector }),
    ...(options.fieldSelector === undefined ? {} : { fieldSelector: options.fieldSelector }),
  };

  async function list(path: string): Promise<void> {
    const found = await client.listPath<T>(path, {
      ...selection,
      signal: stop.signal,
      ...(options.pageSize === undefined ? {} : { pageSize: options.pageSize }),
    });
    await handlers.replace(found.items, found.resourceVersion);
    version = found.resourceVersion;
    synced.resolve();
    enter("synced");
    renewal?.resolve();
    renewal = undefined;
  }

  async function deliver(event: WatchEvent<T>): Promise<void> {
    const next = (event.object as StoredObject).metadata?.resourceVersion;
    if (next !== undefined && version !== undefined && (compareVersions(next, version) ?? 0) < 0) {
      throw new PlatformError("TP_EXPIRED", { message: `${client.host} went back from version ${version} to ${next}; it was restored or replaced` });
    }
    if (event.type === "DELETED") await handlers.remove(event.object);
    else if (event.type !== "BOOKMARK") await handlers.upsert(event.object);
    version = next ?? version; // only now: a handler that threw has not had it
  }

  async function watch(path: string, from: string): Promise<void> {
    using connection = linked(stop.signal);
    const events = await client.openWatch<T>(path, {
      ...selection,
      resourceVersion: from,
      allowWatchBookmarks: true,
      timeoutSeconds: Math.round(watchSecondsMin * (1 + random.float())),
      timeoutMs: idleTimeoutMs,
      signal: connection.signal,
    });
    if (renewal !== undefined) return; // asked for while it opened
    enter("synced");
    const iterator = events[Symbol.asyncIterator]();
    const silence = () =>
      new PlatformError("TP_RUNTIME_UNREACHABLE", {
        message: `${client.host} was silent for ${idleTimeoutMs / 1000} s; the watch starts again`,
        detail: { code: "silence" },
      });
    for (;;) {
      const next = await nextWithin(iterator, { ms: idleTimeoutMs, clock, abort: connection.abort, error: silence });
      if (next.done === true) return;
      await deliver(next.value);
      failures = 0;
    }
  }

  /** One step: list if there is no version to resume from, then watch until it ends. */
  async function step(): Promise<void> {
    const path = await pathOf();
    if (version === undefined || renewal !== undefined) await list(path);
    const startedAt = clock.monotonic();
    await watch(path, version ?? "");
    if (clock.monotonic() - startedAt >= healthyWatchMs) failures = 0;
    else failures++; // a server that ends watches at once gets backoff like one that fails
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        await step();
      } catch (thrown) {
        if (stop.signal.aborted) break;
        const error = toPlatformError(thrown);
        failures++;
        if (!resumable.has(error.code) || failures > resumesMax) version = undefined;
        // An expired version is the server's normal life: the list that follows tells whether it is well.
        if (error.code !== "TP_EXPIRED") enter("unreachable", error);
        log.debug("a watch ended and starts again", { host: client.host, code: error.code, message: error.message, failures });
      }
      if (failures > 0) await clock.sleep(backoffMs(failures, retryPolicy, random), AbortSignal.any([stop.signal, pause.signal])).catch(() => {});
      pause = new AbortController();
    }
  }

  const running = run();
  return {
    get state() {
      return state;
    },
    synced: synced.promise,
    renew() {
      if (state.phase !== "unreachable" || stop.signal.aborted) return synced.promise;
      if (renewal === undefined) {
        renewal = Promise.withResolvers<void>();
        renewal.promise.catch(() => {}); // nobody has to wait for it
      }
      pause.abort();
      return renewal.promise;
    },
    async [Symbol.asyncDispose]() {
      const reason = new PlatformError("TP_UNAVAILABLE", { message: "the reflector was disposed" });
      stop.abort(reason);
      synced.reject(reason);
      renewal?.reject(reason);
      await running;
    },
  };
}

/** A signal that aborts with another one, or by itself; disposing takes the link apart, so that the long-lived signal collects no listeners. */
function linked(parent: AbortSignal): { readonly signal: AbortSignal; readonly abort: (reason: unknown) => void } & Disposable {
  const controller = new AbortController();
  const onAbort = () => controller.abort(parent.reason);
  parent.addEventListener("abort", onAbort, { once: true });
  if (parent.aborted) onAbort();
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    [Symbol.dispose]: () => {
      parent.removeEventListener("abort", onAbort);
      controller.abort(new Error("the watch is over")); // closes the connection whatever way the loop was left
    },
  };
}

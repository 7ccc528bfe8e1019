import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "@threeport/platform";
import { createInsideFaults, isInside, type InsideFault, type InsideFaults } from "./inside-faults.ts";

/** What goes wrong. */
export type FaultKind =
  /** The answer begins `ms` later. */
  | { readonly kind: "slow"; readonly ms: number }
  /** This status in place of an answer; 429 and 503 with `Retry-After`. */
  | { readonly kind: "status"; readonly status: number; readonly retryAfterSeconds?: number }
  /** The connection breaks before the cluster hears of the request. */
  | { readonly kind: "refuse" }
  /** No answer ever comes; the connection stays. */
  | { readonly kind: "hang" }
  /** A watch opens and says nothing, although things change. */
  | { readonly kind: "silent" }
  /** A watch opens and tells in it that its version is too old. */
  | { readonly kind: "expired-watch" }
  /** The connection breaks in the middle of a line. */
  | { readonly kind: "half-line" }
  /** The credential is not known any more. */
  | { readonly kind: "unauthorized" };

export type Fault = FaultKind & {
  /** One cluster; all without it. */
  readonly cluster?: string;
  /** `METHOD /path?query` behind the cluster's address must match; all requests without it. */
  readonly route?: RegExp;
  /** How often it happens; without it, until it is ended. */
  readonly times?: number;
  /** Real milliseconds for which it happens. */
  readonly forMs?: number;
};

export interface Faults {
  /** Begins to happen; ends with its budget, or when disposed. */
  add(fault: Fault | InsideFault): Disposable;
  clear(): void;
  /** True when the request was dealt with. May wait. */
  meet(cluster: string, request: IncomingMessage, response: ServerResponse): Promise<boolean>;
  /** What is wrong with containers and nodes. */
  readonly inside: InsideFaults;
}

const watches = /[?&]watch=(1|true)(&|$)/;
const onlyWatches: ReadonlySet<string> = new Set(["silent", "expired-watch", "half-line"]);

/** `onInside`: see {@link createInsideFaults}. */
export function createFaults(clock: Clock, onInside: (cluster: string | undefined) => void): Faults {
  const inside = createInsideFaults(onInside);
  const active = new Map<object, { readonly fault: Fault; left: number; readonly untilMs: number }>();

  function next(cluster: string, request: IncomingMessage): Fault | undefined {
    const url = request.url ?? "";
    for (const [id, entry] of active) {
      const { fault } = entry;
      if (clock.monotonic() > entry.untilMs) {
        active.delete(id);
        continue;
      }
      if (fault.cluster !== undefined && fault.cluster !== cluster) continue;
      if (fault.route !== undefined && !fault.route.test(`${request.method} ${url}`)) continue;
      if (onlyWatches.has(fault.kind) && !watches.test(url)) continue;
      if (--entry.left <= 0) active.delete(id);
      return fault;
    }
    return undefined;
  }

  return {
    inside,
    add(fault) {
      if (isInside(fault)) return inside.add(fault);
      const id = {};
      active.set(id, { fault, left: fault.times ?? Infinity, untilMs: clock.monotonic() + (fault.forMs ?? Infinity) });
      return { [Symbol.dispose]: () => void active.delete(id) };
    },
    clear() {
      active.clear();
      inside.clear();
    },
    async meet(cluster, request, response) {
      const fault = next(cluster, request);
      if (fault === undefined) return false;
      switch (fault.kind) {
        case "slow":
          await clock.sleep(fault.ms);
          return false;
        case "status":
          answerStatus(response, fault.status, fault.retryAfterSeconds);
          return true;
        case "unauthorized":
          answerStatus(response, 401, undefined);
          return true;
        case "refuse":
          request.socket.destroy();
          return true;
        case "hang":
          request.socket.setTimeout(0);
          return true;
        case "silent":
          request.socket.setTimeout(0);
          response.writeHead(200, { "Content-Type": "application/json" }).flushHeaders();
          return true;
        case "expired-watch":
          response.writeHead(200, { "Content-Type": "application/json" });
          response.end(`${JSON.stringify({ type: "ERROR", object: statusOf(410, "Expired", "too old resource version") })}\n`);
          return true;
        case "half-line":
          response.writeHead(200, { "Content-Type": "application/json" });
          response.write('{"type":"ADDED","object":{"apiVersion":"v1","ki', () => request.socket.destroy());
          return true;
      }
    },
  };
}

const reasons: Readonly<Record<number, string>> = {
  401: "Unauthorized",
  403: "Forbidden",
  409: "Conflict",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
  504: "Timeout",
};

function statusOf(code: number, reason: string, message: string): object {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, code };
}

function answerStatus(response: ServerResponse, status: number, retryAfterSeconds: number | undefined): void {
  const headers = { "Content-Type": "application/json", ...(retryAfterSeconds === undefined ? {} : { "Retry-After": String(retryAfterSeconds) }) };
  response.writeHead(status, headers).end(JSON.stringify(statusOf(status, reasons[status] ?? "", "a fault that was asked for")));
}

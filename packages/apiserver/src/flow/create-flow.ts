import type { Clock } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import type { User } from "@threeport/store";
import { isMaster } from "../auth/policy.ts";
import { createFairQueue, type Client, type Place } from "./fair-queue.ts";
import { measureLoopLag } from "./loop-lag.ts";
import { createRateLimit } from "./rate-limit.ts";
import { tooMany, type RefusalReason } from "./too-many.ts";

export interface FlowLimits {
  /** Requests at work at the same time, of all users together. Watches count until they begin to stream. */
  readonly requestsInFlightMax: number;
  readonly requestsInFlightPerUserMax: number;
  /** Requests of one user that wait for a place; further ones are refused at once. */
  readonly requestsWaitingPerUserMax: number;
  /** Longest wait for a place. */
  readonly requestWaitMsMax: number;
  readonly requestsPerSecondPerUser: number;
  /** Requests of one user that may come at once after a rest. */
  readonly requestBurstPerUser: number;
  /** Open watches and log streams of one user. */
  readonly watchesPerUserMax: number;
  /** When timers are this late, new requests are sent away until it is better. */
  readonly loopLagMsMax: number;
}

/**
 * What one user may ask of the server (I15). Members of `system:masters` are exempt: they run the control plane, and must
 * get in when others flood it.
 */
export interface Flow extends Disposable {
  /** A place for a request; dispose it when it is answered. Throws TP_TOO_MANY_REQUESTS. */
  enter(user: User, client: Client): Promise<Place>;
  /** One more open stream of a user; dispose it at its end. Throws TP_TOO_MANY_REQUESTS. */
  stream(user: User): Disposable;
  /** Counts in the text format of Prometheus. */
  metrics(): string;
}

const exempt: Place = { aside: (work) => work, [Symbol.dispose]: () => {} };
const reasons: readonly RefusalReason[] = ["in-flight", "rate", "watches", "overload"];

export function createFlow(limits: FlowLimits, clock: Clock): Flow {
  const places = createFairQueue({
    clock,
    placesMax: limits.requestsInFlightMax,
    placesPerUserMax: limits.requestsInFlightPerUserMax,
    waitingPerUserMax: limits.requestsWaitingPerUserMax,
    waitMsMax: limits.requestWaitMsMax,
  });
  const rate = createRateLimit({ clock, perSecond: limits.requestsPerSecondPerUser, burst: limits.requestBurstPerUser });
  const lag = measureLoopLag(clock);
  const streams = new Map<string, number>();
  const refused = new Map<string, number>();
  let open = 0;

  /** Counts refusals by their reason on the way. */
  function counted(error: unknown): unknown {
    if (error instanceof PlatformError && typeof error.detail["limit"] === "string")
      refused.set(error.detail["limit"], (refused.get(error.detail["limit"]) ?? 0) + 1);
    return error;
  }

  return {
    async enter(user, client) {
      if (isMaster(user)) return exempt;
      try {
        if (lag.ms > limits.loopLagMsMax) throw tooMany("overload", "the control plane has more to do than it can", 1);
        rate.take(user.name);
        return await places.enter(user.name, client);
      } catch (error) {
        throw counted(error);
      }
    },
    stream(user) {
      const count = streams.get(user.name) ?? 0;
      if (!isMaster(user) && count >= limits.watchesPerUserMax) throw counted(tooMany("watches", `you have ${count} open watches`, 10));
      streams.set(user.name, count + 1);
      open++;
      return {
        [Symbol.dispose]() {
          open--;
          const left = (streams.get(user.name) ?? 1) - 1;
          if (left === 0) streams.delete(user.name);
          else streams.set(user.name, left);
        },
      };
    },
    metrics() {
      const gauge = (name: string, help: string, value: number) => `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${value}\n`;
      return [
        gauge("threeport_api_requests_in_flight", "Requests of limited users at work.", places.running),
        gauge("threeport_api_requests_waiting", "Requests of limited users that wait for a place.", places.waiting),
        gauge("threeport_api_streams", "Open watches and log streams.", open),
        gauge("threeport_api_loop_lag_seconds", "How late timers of the process fire.", lag.ms / 1000),
        "# HELP threeport_api_refused_total Requests that a limit refused.\n# TYPE threeport_api_refused_total counter\n",
        ...reasons.map((reason) => `threeport_api_refused_total{limit="${reason}"} ${refused.get(reason) ?? 0}\n`),
      ].join("");
    },
    [Symbol.dispose]: () => lag[Symbol.dispose](),
  };
}

// Places for requests at work, shared fairly between users.
// A request that waits for its own client (a body that comes slowly) stands aside: it counts for its user and takes no place from others.
//   I15  A user has at most so many places and so many requests in line; free places go round among the users who wait. So a flood by one is a line of
//        his own: another user's request takes a free place, or the next one that somebody leaves.
import type { Clock } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import { tooMany } from "./too-many.ts";

export interface FairQueueOptions {
  readonly clock: Clock;
  readonly placesMax: number;
  readonly placesPerUserMax: number;
  readonly waitingPerUserMax: number;
  /** Longest wait for a place. */
  readonly waitMsMax: number;
}

/** Tells when the client of a request has left: a response. */
export interface Client {
  once(event: "close", listener: () => void): unknown;
  off(event: "close", listener: () => void): unknown;
}

/** Leave to work; to be disposed when the work is done. */
export interface Place extends Disposable {
  /** Waits for `work`, which is up to the client, without a place; has one again afterwards. */
  aside<T>(work: Promise<T>): Promise<T>;
}

export interface FairQueue {
  /** A place; waits for one. Throws TP_TOO_MANY_REQUESTS when the user's line is full or moves too slowly. */
  enter(user: string, client: Client): Promise<Place>;
  readonly running: number;
  readonly waiting: number;
}

interface Line {
  running: number;
  readonly waiting: Set<Waiter>;
}

interface Waiter {
  readonly go: (place: Place) => void;
  readonly refuse: (error: Error) => void;
}

export function createFairQueue(options: FairQueueOptions): FairQueue {
  const { clock, placesMax, placesPerUserMax, waitingPerUserMax, waitMsMax } = options;
  /** Users with a request at work or in line; who waits stands in the order of his turn. */
  const lines = new Map<string, Line>();
  const turns = new Set<string>();
  /** Who stood aside and goes on as soon as there is a place: they were in line before. */
  const returning = new Set<() => void>();
  let running = 0;
  let waiting = 0;

  function take(user: string, line: Line): Place {
    line.running++;
    running++;
    let state: "held" | "aside" | "gone" = "held";
    return {
      async aside(work) {
        if (state !== "held") return work;
        state = "aside";
        running--;
        serveNext();
        const result = await work;
        if (running < placesMax) running++;
        else await new Promise<void>((resolve) => void returning.add(resolve));
        state = "held";
        return result;
      },
      [Symbol.dispose]() {
        if (state === "gone") return;
        if (state === "held") running--;
        state = "gone";
        line.running--;
        dropIfIdle(user, line);
        serveNext();
      },
    };
  }

  function dropIfIdle(user: string, line: Line): void {
    if (line.waiting.size === 0) turns.delete(user);
    if (line.running === 0 && line.waiting.size === 0) lines.delete(user);
  }

  function serveNext(): void {
    for (const resume of returning) {
      if (running >= placesMax) return;
      returning.delete(resume);
      running++;
      resume();
    }
    for (const user of turns) {
      if (running >= placesMax) return;
      const line = lines.get(user);
      const [first] = line?.waiting ?? [];
      if (line === undefined || first === undefined || line.running >= placesPerUserMax) continue;
      line.waiting.delete(first);
      waiting--;
      turns.delete(user);
      if (line.waiting.size > 0) turns.add(user); // behind the others who wait
      first.go(take(user, line));
    }
  }

  return {
    get running() {
      return running;
    },
    get waiting() {
      return waiting;
    },
    async enter(user, client) {
      let line = lines.get(user);
      if (line === undefined) lines.set(user, (line = { running: 0, waiting: new Set() }));
      if (running < placesMax && line.running < placesPerUserMax && line.waiting.size === 0) return take(user, line);
      if (line.waiting.size >= waitingPerUserMax) {
        dropIfIdle(user, line);
        throw tooMany("in-flight", `you have ${line.running} requests at work and ${line.waiting.size} in line`, 1);
      }
      const own = line;
      return new Promise<Place>((resolve, reject) => {
        const leave = (error: Error): void => {
          if (!own.waiting.delete(waiter)) return;
          waiting--;
          dropIfIdle(user, own);
          waiter.refuse(error);
        };
        const timer = clock.after(waitMsMax, () => leave(tooMany("in-flight", `no place came free in ${waitMsMax / 1000} s`, 1)));
        const onLeft = (): void => leave(new PlatformError("TP_BAD_REQUEST", { message: "the client left before its turn came" }));
        const end = (): void => {
          timer[Symbol.dispose]();
          client.off("close", onLeft);
        };
        const waiter: Waiter = {
          go: (place) => (end(), resolve(place)),
          refuse: (error) => (end(), reject(error)),
        };
        client.once("close", onLeft);
        own.waiting.add(waiter);
        waiting++;
        turns.add(user);
      });
    },
  };
}

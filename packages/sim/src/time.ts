// Virtual time. One queue for all clusters of a process: what is not due costs a place in it and no timer.
//   T1  Tasks run one at a time, by their time and then in the order in which they were asked for: the same seed gives the same history.
//   T2  Unbound, time stands still until somebody moves it. Bound to real time, one timer waits for the next task, and none when there is none.
import type { Clock, Logger } from "@threeport/platform";

export interface SimTime extends AsyncDisposable {
  /** Milliseconds since 1970, as the clusters see it. */
  now(): number;
  /** Runs `task` once, `ms` of virtual time from now. Disposing cancels. */
  after(ms: number, task: () => Promise<void>): Disposable;
  /** When the next task is due; undefined while nothing waits. */
  nextMs(): number | undefined;
  /** Moves time on, and runs all that becomes due, including what that causes. */
  advance(ms: number): Promise<void>;
  /** Runs all that is due now. */
  settle(): Promise<void>;
}

export interface SimTimeOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** What the clusters take for now at the start. Default: what it is. */
  readonly startMs?: number;
  /** Virtual seconds for each real one. Without it time goes only when told. */
  readonly factor?: number;
}

interface Task {
  readonly dueMs: number;
  readonly order: number;
  readonly run: () => Promise<void>;
  canceled: boolean;
}

export function createSimTime({ clock, log, startMs = clock.now(), factor }: SimTimeOptions): SimTime {
  const tasks = createHeap();
  const began = clock.monotonic();
  let movedMs = 0;
  let order = 0;
  let timer: Disposable | undefined;
  let timerDueMs = Infinity;
  let stopped = false;
  let line: Promise<void> = Promise.resolve();

  const now = (): number => startMs + movedMs + (factor === undefined ? 0 : (clock.monotonic() - began) * factor);

  function runDue(untilMs: () => number): Promise<void> {
    line = line.then(async () => {
      for (let next = tasks.first(); next !== undefined && next.dueMs <= untilMs() && !stopped; next = tasks.first()) {
        tasks.removeFirst();
        if (next.canceled) continue;
        movedMs += Math.max(0, next.dueMs - now());
        try {
          await next.run();
        } catch (error) {
          log.info("a task of the simulation failed", { error: String(error) });
        }
      }
    });
    return line;
  }

  /** Bound to real time: one timer for the next task. */
  function arm(): void {
    if (factor === undefined || stopped) return;
    const dueMs = tasks.first()?.dueMs ?? Infinity;
    if (timer !== undefined && timerDueMs <= dueMs) return;
    timer?.[Symbol.dispose]();
    timer = undefined;
    if (dueMs === Infinity) return;
    timerDueMs = dueMs;
    timer = clock.after(Math.max(0, (dueMs - now()) / factor), () => {
      timer = undefined;
      void runDue(now).then(arm);
    });
  }

  return {
    now: () => Math.floor(now()),
    after(ms, run) {
      const task: Task = { dueMs: now() + ms, order: order++, run, canceled: false };
      tasks.add(task);
      arm();
      return { [Symbol.dispose]: () => void (task.canceled = true) };
    },
    nextMs() {
      for (let next = tasks.first(); next !== undefined; next = tasks.first()) {
        if (!next.canceled) return next.dueMs;
        tasks.removeFirst();
      }
      return undefined;
    },
    async advance(ms) {
      const untilMs = now() + ms;
      await runDue(() => untilMs);
      movedMs += Math.max(0, untilMs - now());
      arm();
    },
    settle: () => runDue(now),
    async [Symbol.asyncDispose]() {
      stopped = true;
      timer?.[Symbol.dispose]();
      await line;
    },
  };
}

interface Heap {
  add(task: Task): void;
  first(): Task | undefined;
  removeFirst(): void;
}

function createHeap(): Heap {
  const heap: Task[] = [];
  const before = (a: number, b: number): boolean => {
    const [one, other] = [heap[a], heap[b]];
    if (one === undefined || other === undefined) return false;
    return one.dueMs === other.dueMs ? one.order < other.order : one.dueMs < other.dueMs;
  };
  const swap = (a: number, b: number): void => {
    const [one, other] = [heap[a], heap[b]];
    if (one !== undefined && other !== undefined) [heap[a], heap[b]] = [other, one];
  };
  return {
    add(task) {
      heap.push(task);
      for (let at = heap.length - 1; at > 0;) {
        const parent = (at - 1) >> 1;
        if (!before(at, parent)) break;
        swap(at, parent);
        at = parent;
      }
    },
    first: () => heap[0],
    removeFirst() {
      swap(0, heap.length - 1);
      heap.pop();
      for (let at = 0; ;) {
        const [left, right] = [at * 2 + 1, at * 2 + 2];
        const child = before(right, left) ? right : left;
        if (!before(child, at)) break;
        swap(child, at);
        at = child;
      }
    },
  };
}

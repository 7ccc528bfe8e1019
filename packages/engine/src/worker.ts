// The engine's loop: claims due keys, runs their reconcilers under deadline, lease and fence, and ends the claims.
//   Q1  A key runs here only while its lease is renewed; a lost lease, or one that cannot be renewed in time, aborts the
//       run, and its writes are refused by fence.
//   Q4  Nothing is kept here: a killed process leaves leases that end by themselves.
//   Q5  Priority is inherited by all writes of a run; one claim in `fairEvery` goes by age; no queue takes more workers than it may.
//   Q6  Failures wait with backoff in the row.
import { backoffMs, type Clock, type Logger, type Random } from "@threeport/platform";
import { PlatformError, toPlatformError, type Objects } from "@threeport/resource";
import { parseWorkKey, type Claim, type Completion, type Fence, type WorkStore } from "@threeport/store";
import type { User } from "@threeport/store";
import { recordEvent } from "./events.ts";
import type { EngineMetrics } from "./metrics.ts";
import { runMsDefault, type Outcome, type ReconcileContext, type Reconciler } from "./reconciler.ts";
import { reportFailure } from "./report-failure.ts";

export interface EngineOptions {
  readonly store: Pick<WorkStore, "queue" | "inventory" | "blobs" | "onWork">;
  /** Objects on behalf of a reconciler: admission as for everybody, each write under `fence`, work it causes at `priority`. */
  readonly objectsFor: (author: { readonly fence: Fence; readonly priority: 0 | 1 | 2 }) => Objects;
  readonly reconcilers: readonly Reconciler[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: EngineMetrics;
  /** Names this process in leases. */
  readonly owner: string;
  /** Keys that run at the same time in this process. */
  readonly workers?: number;
  readonly leaseMs?: number;
  /** Longest time between two looks at the queue when no hint comes. */
  readonly pollMs?: number;
}

export interface Engine extends AsyncDisposable {
  start(): void;
  /** False when the loop could not reach the queue lately. */
  readonly healthy: boolean;
}

export const engineUser: User = { name: "system:threeport:engine", groups: ["system:masters"] };

const workersDefault = 16;
const leaseMsDefault = 30_000;
const pollMsDefault = 1_000;
/** Shortest pause before a key that becomes due: one that another worker has just taken must not make us spin. */
const duePauseMsMin = 2;
/** One claim in this many takes the oldest rows whatever their priority, so that a flood starves nobody. */
const fairEvery = 8;
const failurePolicy = { baseMs: 500, capMs: 300_000 };
/** A conflict means that our copy was stale: read again almost at once. */
const conflictPolicy = { baseMs: 10, capMs: 2_000 };
/** A key whose failure nobody's waiting mends is still looked at again after this time: wake-ups may be lost. */
const hopelessRecheckMs = 600_000;
/** How long a stop waits for runs that ignore their signal; then they are left behind, and their leases end by themselves. */
const stopGraceMs = 5_000;

interface Run {
  readonly claim: Claim;
  readonly abort: AbortController;
  /** Monotonic time up to which the lease is ours for certain: counted from before it was asked for. */
  heldUntilMs: number;
  done: Promise<void>;
}

export function createEngine(options: EngineOptions): Engine {
  const { store, clock, log } = options;
  const workers = options.workers ?? workersDefault;
  const leaseMs = options.leaseMs ?? leaseMsDefault;
  const byQueue = new Map(options.reconcilers.map((reconciler) => [reconciler.queue, reconciler]));
  /** Of one key there may be two: the end of the first is still being told while the next has begun. */
  const running = new Set<Run>();
  const stopping = new AbortController();
  let wake: (() => void) | undefined;
  let hinted = false;
  let loop: Promise<void> | undefined;
  let lastContactAt = clock.monotonic();
  let claims = 0;
  /** An answer of the queue was lost: there may be leases in our name that nobody here works under. */
  let forgotten = false;

  const hint = (): void => {
    hinted = true;
    wake?.();
  };

  /** Queues that may take more keys now, and how many the fullest of them may: no claim of that size takes one over its limit. */
  function openQueues(): { queues: string[]; room: number } {
    const counts = new Map<string, number>();
    for (const run of running) counts.set(run.claim.fence.queue, (counts.get(run.claim.fence.queue) ?? 0) + 1);
    const rooms = [...byQueue.values()]
      .map((reconciler) => ({ queue: reconciler.queue, room: (reconciler.parallel ?? Math.ceil(workers / 2)) - (counts.get(reconciler.queue) ?? 0) }))
      .filter(({ room }) => room > 0);
    return { queues: rooms.map(({ queue }) => queue), room: Math.min(workers - running.size, ...rooms.map(({ room }) => room)) };
  }

  async function claimSome(): Promise<number> {
    const { queues, room } = openQueues();
    if (room <= 0 || queues.length === 0) return 0;
    claims++;
    const askedAt = clock.monotonic();
    const taken = await store.queue.claim({ owner: options.owner, queues, limit: room, leaseMs, fair: claims % fairEvery === 0 });
    lastContactAt = clock.monotonic();
    for (const claim of taken) begin(claim, askedAt + leaseMs);
    return taken.length;
  }

  function begin(claim: Claim, heldUntilMs: number): void {
    const run: Run = { claim, abort: new AbortController(), heldUntilMs, done: Promise.resolve() };
    running.add(run);
    run.done = perform(run).finally(() => {
      running.delete(run);
      hint();
    });
  }

  async function perform(run: Run): Promise<void> {
    const { claim } = run;
    const reconciler = byQueue.get(claim.fence.queue);
    if (reconciler === undefined) return;
    const started = clock.monotonic();
    const context = contextOf(options, claim, AbortSignal.any([run.abort.signal, stopping.signal]));
    let result: string;
    let completion: Completion;
    try {
      stopping.signal.throwIfAborted(); // the claim came while the stop began
      const outcome = await underDeadline(reconciler, claim, context, run.abort, clock);
      result = outcome.kind;
      completion = completionOf(outcome);
    } catch (thrown) {
      const error = toPlatformError(thrown);
      result = error.code;
      if (error.code === "TP_LEASE_LOST") {
        forgotten = true; // lost here; where the database was not heard of for long, it may stand there still
        options.metrics.run(claim.fence.queue, result, (clock.monotonic() - started) / 1000);
        return; // the row is somebody else's, or becomes due when the lease ends
      }
      // A run that our stop cut short has not failed: the next process takes it up at once, without waiting for the lease to end.
      completion = stopping.signal.aborted ? givenBack(claim) : await failed(options, { claim, reconciler, context, error });
    }
    options.metrics.run(claim.fence.queue, result, (clock.monotonic() - started) / 1000);
    await store.queue.complete(claim.fence, claim.generation, completion).catch((error: unknown) => {
      forgotten = true;
      log.debug("a claim could not be ended; its lease will", { queue: claim.fence.queue, key: claim.fence.key, error: String(error) });
    });
  }

  async function turn(): Promise<void> {
    let pause = options.pollMs ?? pollMsDefault;
    try {
      hinted = false;
      if (forgotten)
        await store.queue.releaseForgotten(
          options.owner,
          [...running].map((run) => run.claim.fence),
        );
      forgotten = false;
      const taken = await claimSome();
      if (taken > 0 && running.size < workers) return; // there may be more
      const { queues, room } = openQueues();
      if (taken === 0 && room > 0) {
        const due = await store.queue.nextDueMs(queues);
        if (due !== undefined) pause = Math.min(pause, Math.max(due, duePauseMsMin));
      }
    } catch (error) {
      forgotten = true;
      log.debug("the queue cannot be read", { error: String(error) });
    }
    if (hinted) return;
    const abort = new AbortController();
    wake = () => abort.abort();
    await clock.sleep(pause, AbortSignal.any([abort.signal, stopping.signal])).catch(() => {});
    wake = undefined;
  }

  async function renewAll(): Promise<void> {
    const runs = [...running];
    const askedAt = clock.monotonic();
    try {
      const held = await store.queue.renew(
        runs.map((run) => run.claim.fence),
        leaseMs,
      );
      lastContactAt = clock.monotonic();
      for (const run of runs) {
        if (held.has(`${run.claim.fence.queue}|${run.claim.fence.key}`)) run.heldUntilMs = askedAt + leaseMs;
        else run.abort.abort(new PlatformError("TP_LEASE_LOST"));
      }
    } catch (error) {
      log.debug("leases could not be renewed", { error: String(error) });
    }
  }

  async function renewLoop(): Promise<void> {
    const everyMs = leaseMs / 3;
    while (!stopping.signal.aborted) {
      await clock.sleep(everyMs, stopping.signal).catch(() => {});
      if (running.size === 0 || stopping.signal.aborted) continue;
      // A database that does not answer must not keep us from seeing that leases run out.
      await Promise.race([renewAll(), clock.sleep(everyMs, stopping.signal).catch(() => {})]);
      for (const run of running) if (run.heldUntilMs - clock.monotonic() < everyMs) run.abort.abort(new PlatformError("TP_LEASE_LOST"));
    }
  }

  const subscription = store.onWork(hint);
  return {
    start() {
      loop ??= Promise.all([
        (async () => {
          while (!stopping.signal.aborted) await turn();
        })(),
        renewLoop(),
      ]).then(() => {});
    },
    get healthy() {
      return clock.monotonic() - lastContactAt < 4 * leaseMs;
    },
    async [Symbol.asyncDispose]() {
      stopping.abort(new PlatformError("TP_UNAVAILABLE", { message: "the control plane is stopping" }));
      subscription[Symbol.dispose]();
      wake?.();
      const ended = loop?.then(() => Promise.all([...running].map((run) => run.done)));
      const grace = new AbortController();
      await Promise.race([ended, clock.sleep(stopGraceMs, grace.signal).catch(() => {})]);
      grace.abort();
    },
  };
}

function contextOf(options: EngineOptions, claim: Claim, signal: AbortSignal): ReconcileContext {
  const objects = options.objectsFor({ fence: claim.fence, priority: claim.priority });
  return {
    objects,
    inventory: {
      list: (owner) => options.store.inventory.list(owner),
      record: (owner, change) => options.store.inventory.record(owner, change, claim.fence),
    },
    blobs: options.store.blobs,
    clock: options.clock,
    random: options.random,
    log: options.log,
    signal,
    claim,
    event: (object, event) => recordEvent(objects, object, event, { clock: options.clock, log: options.log, component: "threeport" }),
  };
}

/** A run that ignores its signal still ends for the engine: the worker is freed, and the fence refuses what comes late. */
async function underDeadline(reconciler: Reconciler, claim: Claim, context: ReconcileContext, abort: AbortController, clock: Clock): Promise<Outcome> {
  const deadlineMs = reconciler.deadlineMs ?? runMsDefault;
  const overdue = () => new PlatformError("TP_DEADLINE", { message: `the work did not end within ${deadlineMs / 1000} s and is tried again` });
  let stop: (() => void) | undefined;
  const end = new Promise<never>((_, reject) => {
    stop = () => reject(abort.signal.reason as Error);
    abort.signal.addEventListener("abort", stop, { once: true });
  });
  end.catch(() => {}); // nobody listens when the run won
  using _timer = clock.after(deadlineMs, () => abort.abort(overdue()));
  const { queue, key } = claim.fence;
  const parsed = queue.startsWith("$") ? { namespace: "", name: key } : parseWorkKey(key);
  try {
    return await Promise.race([reconciler.reconcile({ ...parsed, text: key }, context), end]);
  } finally {
    if (stop !== undefined) abort.signal.removeEventListener("abort", stop);
  }
}

/** Due at once, with the priority and the wait that it had. */
function givenBack(claim: Claim): Completion {
  return { kind: "again", delayMs: 0, priority: claim.priority, waiting: claim.waitingSinceMs !== undefined };
}

function completionOf(outcome: Outcome): Completion {
  if (outcome.kind === "waiting") return { kind: "again", delayMs: outcome.recheckAfterMs, priority: 2, waiting: true };
  return outcome.recheckAfterMs === undefined ? { kind: "settled" } : { kind: "again", delayMs: outcome.recheckAfterMs, priority: 2, waiting: false };
}

async function failed(
  options: EngineOptions,
  input: { claim: Claim; reconciler: Reconciler; context: ReconcileContext; error: PlatformError },
): Promise<Completion> {
  const { claim, reconciler, context, error } = input;
  const attempt = claim.attempts + 1;
  if (error.code === "TP_INTERNAL")
    options.log.info("a reconciler failed", {
      queue: claim.fence.queue,
      key: claim.fence.key,
      error: error.message,
      cause: error.cause instanceof Error ? error.cause.stack : String(error.cause),
    });
  else options.log.debug("a reconciler failed", { queue: claim.fence.queue, key: claim.fence.key, code: error.code, error: error.message });
  const retry = error.entry.retry;
  // A first conflict is ordinary life: our copy was stale. Only what stays is told.
  if (retry === "now" && attempt < 5) return { kind: "failed", delayMs: backoffMs(attempt, conflictPolicy, options.random) };
  const delayMs = retry === "never" ? hopelessRecheckMs : backoffMs(attempt, failurePolicy, options.random);
  await reportFailure({ reconciler, claim, context, error, delayMs });
  // At its deadline a run is left to itself: a write of it may be on its way.
  return { kind: "failed", delayMs, abandoned: error.code === "TP_DEADLINE" };
}

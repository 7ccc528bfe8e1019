// All that a scenario runs in: a store, simulated clusters, control plane processes and their supervisor, a user, and the time of all of them.
import { createObjects } from "@threeport/apiserver";
import { createMetrics } from "@threeport/engine";
import { silentLogger, systemClock, type Logger } from "@threeport/platform";
import type { Condition, Kind, Objects, StoredObject } from "@threeport/resource";
import { openCore } from "@threeport/server";
import { createSimTime, startSimulation, workloadControllers, type SimTime, type SimulatedCluster, type Simulation } from "@threeport/sim";
import { openMemoryWorkStore, type MemoryWorkStore, type SavedStore } from "@threeport/store";
import { undisturbed, type Plan } from "./fates.ts";
import { virtualClock } from "./virtual-clock.ts";
import { plainRandom } from "./plain-random.ts";
import { controlPlaneId, providers, startProcess, type ControlPlaneProcess } from "./process.ts";

export interface World extends AsyncDisposable {
  /** What a person does, through the same admission as by HTTP. */
  readonly user: Objects;
  readonly store: MemoryWorkStore;
  /** What the control plane serves. */
  readonly kinds: readonly Kind[];
  readonly simulation: Simulation;
  readonly time: SimTime;
  addCluster(name: string): Promise<SimulatedCluster>;
  /**
   * Lets time go by until `look` answers true, everybody rests, and it still does. Processes that ended are started again, one that stands still is replaced
   * by another and goes on at the end. `troubled`: nobody can rest, and the state is all that is waited for. `hurried`: people go on as soon as it says true.
   */
  reach(what: string, look: () => Promise<boolean>, options?: ReachOptions): Promise<void>;
  /** Lets time go by. */
  pass(ms: number): Promise<void>;
  /** The control plane ends, and begins again from a backup. */
  restore(saved: SavedStore): Promise<void>;
  /** What happens from now on. */
  follow(plan: Plan): void;
  /** Writes that clusters have acted on, in order. */
  readonly clusterWrites: readonly string[];
  /** How often a process was started. */
  readonly starts: number;
  readonly logged: readonly string[];
}

export interface ReachOptions {
  readonly troubled?: boolean | undefined;
  readonly hurried?: () => boolean;
}

/** Virtual time that a state must hold: longer than leases and the checks of runtimes, so that what was left behind is met. */
const restMs = 75_000;
/** Virtual time after which a state counts as never reached: longer than the longest backoff. */
const reachMs = 45 * 60_000;
const restartMs = 1_000;
/** Virtual time after which a supervisor ends a process that stands still: longer than leases and their backoffs. */
const frozenMsMax = 15 * 60_000;
/** Turns of the event loop without traffic after which nothing is on its way. */
const stillTurns = 6;
/** Calls and messages in one moment: some hundreds are usual. */
const activityMax = 50_000;
/** 2026-01-01 */
const startMs = 1_767_225_600_000;

export async function openWorld(seed: string): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const time = stack.use(createSimTime({ clock: systemClock, log: silentLogger, startMs }));
  const logged: string[] = [];
  const log = recordingLogger(logged);
  const clock = virtualClock(time);
  let activity = 0;
  const onActivity = (): void => void activity++;
  const simulation = stack.use(await startSimulation({ listen: false, time, clock, seed, controllers: workloadControllers, log }));
  let starts = 0;
  let store = await openMemoryWorkStore({ clock, log, stepsKept: 100_000 });
  let user = await openUser();
  let plan: Plan = undisturbed;
  const current: Plan = { at: (point) => plan.at(point), lagMs: () => plan.lagMs(), deaf: () => plan.deaf() };
  const processes: ControlPlaneProcess[] = [];
  const clusterWrites: string[] = [];
  let shared = false;
  stack.defer(() => {
    for (const process of processes) process.end();
  });

  /** The user's own way to the objects: an API server that no fault reaches. */
  async function openUser() {
    const tools = { clock, random: plainRandom(`${seed}/user/${starts}`), log };
    const metrics = createMetrics(store.queue);
    const core = await openCore({ store, tools, controlPlaneId, owner: "user", metrics, providers });
    const caller = { user: { name: "somebody", groups: ["system:masters"] }, author: { priority: 0, fence: undefined } } as const;
    return { objects: createObjects(core.context, caller, "user"), kinds: core.context.registry.resources() };
  }

  function start(): void {
    starts++;
    processes.push(
      startProcess({
        name: `process-${starts}`,
        store,
        simulation,
        time,
        log,
        seed,
        plan: current,
        onActivity,
        onClusterWrite: (line) => void clusterWrites.push(line),
        shared,
      }),
    );
  }

  /** Until nothing is on its way: all that happens without time going by has happened. */
  async function quiet(): Promise<void> {
    const began = activity;
    for (let still = 0; still < stillTurns;) {
      const before = activity;
      if (activity - began > activityMax)
        throw new Error(`it never rests: ${activityMax} calls and messages while no time went by; last log: ${logged.slice(-3).join(" | ")}`);
      await new Promise((resolve) => void setImmediate(resolve));
      const pending = processes.some((process) => process.state === "alive" && process.pending > 0);
      still = before === activity && !pending ? still + 1 : 0;
    }
  }

  const frozenSince = new Map<ControlPlaneProcess, number>();

  /** Who stands still for long is ended, as a liveness probe does it. */
  function endStanding(): void {
    for (const process of processes) {
      if (process.state !== "frozen") frozenSince.delete(process);
      else if (!frozenSince.has(process)) frozenSince.set(process, time.now());
      else if (time.now() - (frozenSince.get(process) ?? 0) >= frozenMsMax) {
        process.end();
        frozenSince.delete(process);
      }
    }
  }

  /** Who ended is started again, and where one stands still another works too. */
  function supervise(): void {
    const ended = processes.filter(({ state }) => state === "ended");
    for (const process of ended) processes.splice(processes.indexOf(process), 1);
    shared ||= processes.some(({ state }) => state === "frozen");
    if (ended.length > 0 || !processes.some(({ state }) => state === "alive")) start();
  }

  /** On to the next thing that is due, but no further than `untilMs`. */
  async function step(untilMs: number): Promise<void> {
    await quiet();
    endStanding();
    if (processes.some(({ state }) => state === "ended") || !processes.some(({ state }) => state === "alive")) {
      await time.advance(restartMs);
      supervise();
      return;
    }
    const nextMs = Math.min(time.nextMs() ?? untilMs, untilMs);
    await time.advance(Math.max(0, nextMs - time.now()));
  }

  async function pass(ms: number, stop = (): boolean => false): Promise<void> {
    for (const untilMs = time.now() + ms; time.now() < untilMs && !stop();) await step(untilMs);
    await quiet();
  }

  /** Nothing fails, and nothing waits for the lease of a process that has ended. */
  async function rests(): Promise<boolean> {
    const depth = await store.queue.depth();
    return depth.every(({ failing, leased }) => failing === 0 && leased === 0);
  }

  /** What is not ready and says why; keys that fail. */
  async function troubles(): Promise<string> {
    const found: string[] = [];
    for (const kind of user.kinds) {
      for (const object of await user.objects.list<StoredObject & { status?: { conditions?: Condition[] } }>(kind)) {
        const ready = object.status?.conditions?.find(({ type }) => type === "Ready");
        if (ready !== undefined && ready.status !== "True") found.push(`${kind.kind} ${object.metadata.name}: ${ready.reason}: ${ready.message}`);
      }
    }
    const failing = (await store.queue.depth()).filter((each) => each.failing > 0).map((each) => `${each.failing} of ${each.queue} fail`);
    const lives = processes.map(({ state, pending }) => `a process is ${state}${pending > 0 ? `, ${pending} requests on their way` : ""}`);
    return [...(found.length === 0 ? ["everything says that it is ready"] : found), ...failing, ...lives].join("; ");
  }

  supervise();
  const owned = stack.move();
  return {
    get user() {
      return user.objects;
    },
    get kinds() {
      return user.kinds;
    },
    get store() {
      return store;
    },
    simulation,
    time,
    clusterWrites,
    logged,
    get starts() {
      return starts;
    },
    addCluster: (name) => simulation.addCluster(name),
    pass,
    async reach(what, look, { troubled = false, hurried = () => false } = {}) {
      const untilMs = time.now() + reachMs;
      for (;;) {
        await step(untilMs);
        if (hurried()) return;
        if (time.now() >= untilMs) throw new Error(`never reached: ${what}; ${await troubles()}`);
        if (!(await look())) continue;
        for (const process of processes) process.thaw();
        await pass(restMs, hurried);
        if (hurried()) return;
        if ((await look()) && (troubled || (await rests())) && processes.every(({ state }) => state === "alive")) return;
      }
    },
    async restore(saved) {
      for (const process of processes) process.end();
      await quiet();
      await store[Symbol.asyncDispose]();
      store = await openMemoryWorkStore({ clock, log, stepsKept: 100_000, saved });
      user = await openUser();
      supervise();
    },
    follow(next) {
      plan = next;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function recordingLogger(lines: string[]): Logger {
  const record = (message: string, fields: object = {}): void => void lines.push(`${message} ${JSON.stringify(fields)}`);
  return { info: record, debug: record };
}

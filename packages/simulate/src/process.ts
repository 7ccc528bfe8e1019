// One control plane process on virtual time: its core over a shared store, its connections to simulated clusters, and a life that can end at any point.
import { createServer, IncomingMessage, ServerResponse, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { buffer } from "node:stream/consumers";
import { createMetrics } from "@threeport/engine";
import { kubeconfigProvider } from "@threeport/module-runtime";
import type { Logger } from "@threeport/platform";
import { openCore, type Core } from "@threeport/server";
import type { SimTime, Simulation } from "@threeport/sim";
import type { MemoryWorkStore } from "@threeport/store";
import type { Fate, Plan } from "./fates.ts";
import { plainRandom } from "./plain-random.ts";
import { databaseFailure, gatedStore, type Gate } from "./gated-store.ts";
import { virtualClock } from "./virtual-clock.ts";
import { openWire } from "./wire.ts";

export interface ProcessOptions {
  readonly name: string;
  readonly store: MemoryWorkStore;
  readonly simulation: Simulation;
  readonly time: SimTime;
  readonly log: Logger;
  readonly seed: string;
  readonly plan: Plan;
  /** Told of everything that happens, so that rest can be seen. */
  readonly onActivity: () => void;
  /** Told of each write that a cluster has acted on. */
  readonly onClusterWrite: (line: string) => void;
  /** Whether other processes use the store: then leases of a dead one end by themselves. */
  readonly shared: boolean;
}

export interface ControlPlaneProcess {
  readonly state: "alive" | "frozen" | "ended";
  /** Calls that are on their way in clusters. */
  readonly pending: number;
  /** Nothing of it happens any more; what is on its way is lost. */
  end(): void;
  freeze(): void;
  thaw(): void;
}

export const controlPlaneId = "simulated";

/** Simulated clusters are reached by a kubeconfig, whichever provider a runtime names. */
export const providers = { kubeconfig: kubeconfigProvider, local: kubeconfigProvider, kind: kubeconfigProvider };

export function startProcess(options: ProcessOptions): ControlPlaneProcess {
  const { time, plan, onActivity } = options;
  let state: ControlPlaneProcess["state"] = "alive";
  let thawed: PromiseWithResolvers<void> | undefined;
  let pending = 0;
  let core: Core | undefined;
  const wires = new Set<Duplex>();
  /** Far ends of connections that carry a watch. */
  const watching = new WeakSet<Duplex>();

  function end(): void {
    if (state === "ended") return;
    state = "ended";
    thawed = undefined;
    for (const wire of wires) wire.destroy();
    // Only for memory: Node keeps combined signals that somebody listens to until they abort. Nothing gets through the gate any more.
    void core?.engine[Symbol.asyncDispose]();
    void core?.modules[Symbol.asyncDispose]();
  }

  /** Resolves when the process goes on; never when it has ended. */
  async function goOn(): Promise<void> {
    while (state === "frozen") await thawed?.promise;
    if (state === "ended") await new Promise<never>(() => {}); // one of its own: what waits for it goes with it
  }

  function freeze(): void {
    if (state !== "alive") return;
    state = "frozen";
    thawed = Promise.withResolvers();
  }

  const gate: Gate = {
    async read(call) {
      await goOn();
      onActivity();
      const answer = await call();
      await goOn();
      return answer;
    },
    async write(what, call) {
      await goOn();
      onActivity();
      const fate = plan.at({ where: "database", what });
      if (freezes(fate)) freeze();
      if (fate === "end-before") end();
      await goOn();
      if (fate === "refused") throw databaseFailure(fate);
      const answer = await call();
      if (fate === "end-after" || fate === "end-hasty") end();
      await goOn();
      if (fate === "lost") throw databaseFailure(fate);
      return answer;
    },
    tell(listener) {
      if (state === "alive") listener();
      else if (state === "frozen") void goOn().then(listener);
    },
    deaf: () => plan.deaf(),
  };

  const server: Server = createServer((request, response) => void meet(request, response));
  // Timeouts of a server are of real time, and nothing here takes any.
  server.requestTimeout = server.headersTimeout = server.keepAliveTimeout = 0;

  async function meet(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const writes = isWrite(request);
    const what = nameOf(request);
    pending++;
    if (request.url?.includes("watch=") === true) watching.add(request.socket);
    else watching.delete(request.socket);
    response.once("close", () => onActivity());
    const fate: Fate = writes ? plan.at({ where: "cluster", what }) : "pass";
    if (freezes(fate)) return hearLate(request, response);
    if (fate === "end-before") end();
    if (fate === "refused") request.socket.destroy();
    let answered = false;
    const done = (): void => {
      if (answered) return;
      answered = true;
      pending--;
    };
    if (fate === "end-before" || fate === "refused") return done();
    const writeHead = response.writeHead.bind(response) as (...head: unknown[]) => ServerResponse;
    response.writeHead = (...head: unknown[]): ServerResponse => {
      done();
      if (writes && Number(head[0]) < 400) {
        options.onClusterWrite(`${what} ${Number(head[0])}`);
        if (fate === "end-after" || fate === "end-hasty") end();
        if (fate === "lost") request.socket.destroy();
      }
      return writeHead(...head);
    };
    await options.simulation.serve(request, response);
    done();
  }

  /** The process stands still when the request has left it: that is heard when it goes on, whether or not it still waits for an answer. */
  async function hearLate(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const what = nameOf(request);
    const body = await buffer(request).catch(() => undefined);
    if (body === undefined) return void pending--; // it was taken back before it was whole
    const late = Object.assign(new IncomingMessage(request.socket), { method: request.method, url: request.url, headers: request.headers, httpVersion: "1.1" });
    late.push(body);
    late.push(null);
    freeze();
    await thawed?.promise;
    const answer = response.destroyed ? new ServerResponse(late) : response;
    answer.once("finish", () => void (answer.statusCode < 400 && options.onClusterWrite(`${what} ${answer.statusCode}`)));
    await options.simulation.serve(late, answer);
    pending--;
  }

  function dial(origin: string): Duplex {
    if (origin !== `https://127.0.0.1:${options.simulation.port}`) throw Object.assign(new Error(`connect ECONNREFUSED ${origin}`), { code: "ECONNREFUSED" });
    const { client, server: far } = openWire({
      onTraffic: onActivity,
      async held() {
        if (watching.has(far)) await lag();
        if (state === "frozen") await goOn();
      },
    });
    wires.add(client);
    client.on("close", () => wires.delete(client));
    server.emit("connection", far);
    return client;
  }

  const clock = virtualClock(time, (run) =>
    gate.tell(() => {
      onActivity();
      run();
    }),
  );

  /** Of the world, not of the process: what was sent late comes late. */
  async function lag(): Promise<void> {
    const ms = plan.lagMs();
    if (ms > 0) await new Promise<void>((resolve) => void time.after(ms, async () => resolve()));
  }

  async function boot(): Promise<void> {
    const store = gatedStore(options.store, gate);
    const random = plainRandom(`${options.seed}/${options.name}`);
    core = await openCore({
      store,
      tools: { clock, random, log: options.log },
      controlPlaneId,
      owner: options.name,
      metrics: createMetrics(store.queue),
      providers,
      dial,
    });
    if (!options.shared) await store.queue.releaseAll();
    core.engine.start();
    await core.modules.resume(core.systemObjects);
  }
  // A process that cannot start ends, and its supervisor starts another.
  void boot().catch((error: unknown) => {
    options.log.info("a process could not start", { process: options.name, error: String(error) });
    end();
  });
  return {
    get state() {
      return state;
    },
    get pending() {
      return pending;
    },
    end,
    freeze,
    thaw() {
      if (state !== "frozen") return;
      state = "alive";
      thawed?.resolve();
    },
  };
}

/** Without its parameters. */
function nameOf({ method = "", url = "" }: IncomingMessage): string {
  return `${method} ${url.split("?")[0] ?? ""}`;
}

function freezes(fate: Fate): boolean {
  return fate === "freeze" || fate === "freeze-hasty";
}

/** Reviews ask, and change nothing. */
function isWrite({ method = "GET", url = "" }: IncomingMessage): boolean {
  return method !== "GET" && !url.includes("/apis/authorization.k8s.io/");
}

// A container from one look to the next, as a function of its last status: nothing else is remembered.
import { rfc3339 } from "@threeport/platform";
import { fieldsOf, numberOf, type Fields } from "../controllers/owned.ts";
import { hashOf } from "./hash.ts";
import type { Behaviour } from "./behaviour.ts";

export interface ContainerLook {
  readonly container: Fields;
  /** Its status before; undefined at first. */
  readonly known: Fields | undefined;
  readonly behaviour: Behaviour;
  /** Why it cannot be created. */
  readonly problem: string | undefined;
  readonly nowMs: number;
  /** `web-1_default(uid)` */
  readonly pod: string;
}

export interface ContainerStep {
  readonly status: Fields;
  /** When something happens by itself. */
  readonly dueMs?: number;
  /** What just happened. */
  readonly happened?: "ended" | "backing-off" | "config-error" | "turned-unready";
}

/** Longest pause between two starts, and the run after which pauses begin anew: as a kubelet's. */
const backoffMs = { first: 10_000, most: 300_000, resetAfter: 600_000 };

/** As containerd tells it. */
const pullErrors = {
  "not-there": (image: string) => `${image}: not found`,
  refused: (image: string) =>
    `failed to pull and unpack image "${image}": failed to resolve image: pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed`,
} as const;

export function stepContainer(look: ContainerLook): ContainerStep {
  const { container, known, behaviour, problem, nowMs } = look;
  const state = fieldsOf(known?.["state"]);
  const running = fieldsOf(state["running"]);
  if (behaviour.does === "pull-error") {
    const image = String(container["image"] ?? "");
    return waiting(look, { reason: "ImagePullBackOff", message: `Back-off pulling image "${image}": ErrImagePull: ${pullErrors[behaviour.why](image)}` });
  }
  if (running["startedAt"] !== undefined) return goOn(look, Date.parse(String(running["startedAt"])));
  const ended = fieldsOf(fieldsOf(known?.["lastState"])["terminated"]);
  if (ended["finishedAt"] !== undefined) {
    const dueMs = Date.parse(String(ended["finishedAt"])) + pauseMs(known ?? {}, ended);
    if (nowMs < dueMs) return { status: known ?? {}, dueMs };
  }
  if (problem !== undefined) {
    const news = fieldsOf(state["waiting"])["message"] !== problem;
    return { ...waiting(look, { reason: "CreateContainerConfigError", message: problem }), ...(news ? { happened: "config-error" as const } : {}) };
  }
  return start(look, ended["finishedAt"] === undefined ? 0 : numberOf(known?.["restartCount"], 0) + 1);
}

/** It runs: on, or to its end. */
function goOn(look: ContainerLook, startedMs: number): ContainerStep {
  const { behaviour, known, nowMs } = look;
  const restartCount = numberOf(known?.["restartCount"], 0);
  if (behaviour.does !== "end") return run(look, { startedMs, restartCount });
  const endMs = startedMs + behaviour.runMs;
  if (nowMs < endMs) return { ...run(look, { startedMs, restartCount }), dueMs: endMs };
  const terminated = { exitCode: behaviour.exitCode, reason: behaviour.reason, startedAt: rfc3339(startedMs), finishedAt: rfc3339(nowMs) };
  const before = { ...known, restartCount, lastState: { terminated } };
  const pause = pauseMs(before, terminated);
  if (pause === 0) return { ...start({ ...look, known: before }, restartCount + 1), happened: "ended" };
  const message = `back-off ${durationOf(pause)} restarting failed container=${String(look.container["name"])} pod=${look.pod}`;
  return { ...waiting({ ...look, known: before }, { reason: "CrashLoopBackOff", message }), dueMs: nowMs + pause, happened: "backing-off" };
}

function start(look: ContainerLook, restartCount: number): ContainerStep {
  const { behaviour, nowMs } = look;
  const step = run(look, { startedMs: nowMs, restartCount });
  return behaviour.does === "end" ? { ...step, dueMs: nowMs + behaviour.runMs } : step;
}

function run(look: ContainerLook, { startedMs, restartCount }: { readonly startedMs: number; readonly restartCount: number }): ContainerStep {
  const { container, known, behaviour } = look;
  // What ends again and again has no time to answer its probe.
  const ready = behaviour.does === "run" || (behaviour.does === "end" && (behaviour.killedBy !== undefined || container["readinessProbe"] === undefined));
  const wasUnready = known?.["started"] === true && known["ready"] === false;
  return {
    status: { ...base(look), ready, started: true, restartCount, state: { running: { startedAt: rfc3339(startedMs) } } },
    ...(behaviour.does === "unready" && !wasUnready ? { happened: "turned-unready" as const } : {}),
  };
}

function waiting(look: ContainerLook, why: { readonly reason: string; readonly message: string }): ContainerStep {
  return { status: { ...base(look), ready: false, started: false, restartCount: numberOf(look.known?.["restartCount"], 0), state: { waiting: why } } };
}

function base({ container, known, behaviour }: ContainerLook): Fields {
  const image = String(container["image"] ?? "");
  const lastState = known?.["lastState"];
  return {
    name: container["name"],
    image,
    imageID: behaviour.does === "pull-error" ? "" : `sha256:${hashOf(image).toString(16)}`,
    ...(lastState === undefined ? {} : { lastState }),
  };
}

/** The first restart is at once; then the pause doubles. */
function pauseMs(known: Fields, ended: Fields): number {
  const restarts = numberOf(known["restartCount"], 0);
  const ranMs = Date.parse(String(ended["finishedAt"])) - Date.parse(String(ended["startedAt"]));
  if (restarts === 0) return 0;
  return ranMs >= backoffMs.resetAfter ? backoffMs.first : Math.min(backoffMs.most, backoffMs.first * 2 ** Math.min(restarts - 1, 10));
}

/** As Go writes it: 10s, 1m20s. */
export function durationOf(ms: number): string {
  const [minutes, seconds] = [Math.floor(ms / 60_000), Math.floor(ms / 1_000) % 60];
  return minutes === 0 ? `${seconds}s` : `${minutes}m${seconds}s`;
}

import { degraded, progressing, type Finding } from "../finding.ts";
import type { Timeline } from "../timeline.ts";
import { stateOf, lastExit, titleOf, type Container } from "./container.ts";
import { explainStart, lastWords, readExit, type Exit } from "./exit-code.ts";
import { describeProbe } from "./probe.ts";

/** The kubelet forgets earlier crashes after a run of this length, in ms (2 × its greatest back-off of 5 min). */
const CRASH_MEMORY_MS = 600_000;
/** One restart happens to every app whose database is not up yet; from the second on it is a loop. */
const LOOP_RESTARTS_MIN = 2;

/** `CrashLoopBackOff`: the container has ended again and again and waits for its next try. */
export function crashLoop(container: Container, evidence: string): Finding {
  const exit = lastExit(container);
  if (exit === undefined)
    return degraded(
      "CrashLoopBackOff",
      `${titleOf(container)} keeps ending and is restarted ever more slowly. Read its last output with tptctl logs.`,
      evidence,
    );
  return loop(container, readExit(exit), exit.pointer);
}

/**
 * Between two crashes a container is running or just ended, so that a look at that moment must remember: as long as it
 * is not ready, an end within the kubelet's memory counts.
 */
export function recentCrash(container: Container, time: Timeline): Finding | undefined {
  const state = stateOf(container);
  if (state?.name === "terminated") {
    const exit = readExit(state.detail);
    return container.restarts >= LOOP_RESTARTS_MIN ? loop(container, exit, state.detail.pointer) : once(container, exit, state.detail.pointer);
  }
  const last = lastExit(container);
  if (state?.name !== "running" || last === undefined || container.restarts === 0) return undefined;
  const startedAt = state.detail.moment("startedAt");
  if (startedAt !== undefined && time.reached(startedAt + CRASH_MEMORY_MS)) return undefined;
  const exit = readExit(last);
  return container.restarts >= LOOP_RESTARTS_MIN ? loop(container, exit, last.pointer) : once(container, exit, last.pointer);
}

/** The runtime could not start the process, or a hook of it failed. */
export function startProblem(container: Container, reason: string, message: string, evidence: string): Finding {
  const who = titleOf(container);
  if (reason === "PostStartHookError" || reason === "PreStartHookError" || reason === "PreCreateHookError") {
    return degraded(
      reason,
      `${who}: its ${reason === "PostStartHookError" ? "postStart hook" : "start hook"} failed. Check lifecycle in the container's spec. Read its last output with tptctl logs.`,
      evidence,
    );
  }
  const start = explainStart(0, message);
  return degraded(reason, `${who} ${start.meaning}.${lastWords({ code: 0, reason, message, ...start })} ${start.advice}`, evidence);
}

function loop(container: Container, exit: Exit, evidence: string): Finding {
  return degraded(
    "CrashLoopBackOff",
    `${titleOf(container)} keeps ending: it ${sentence(container, exit)} It was restarted ${times(container.restarts)}.`,
    evidence,
  );
}

function once(container: Container, exit: Exit, evidence: string): Finding {
  return progressing(container.restarts === 0 ? "ContainerExited" : "ContainerRestarted", `${titleOf(container)} ${sentence(container, exit)}`, evidence);
}

function sentence(container: Container, exit: Exit): string {
  return `${exit.meaning}.${lastWords(exit)} ${exit.advice}${suspectProbe(container, exit)}`;
}

/** A status does not say that a probe killed the container; a kill from outside with such a probe set makes it likely. */
function suspectProbe(container: Container, exit: Exit): string {
  const killed = exit.reason !== "OOMKilled" && (exit.code === 137 || exit.code === 143);
  if (!killed) return "";
  const probes = (["startupProbe", "livenessProbe"] as const).filter((name) => container.spec.at(name).exists);
  return probes.length === 0
    ? ""
    : ` It has ${probes.map((name) => `a ${name} (${describeProbe(container.spec.at(name))})`).join(" and ")}: check that it answers in time.`;
}

function times(number: number): string {
  return number === 1 ? "once" : `${number} times`;
}

import { conditionsOf, when, type SeenCondition } from "../conditions.ts";
import { WrongShape } from "../cursor.ts";
import { degraded, healthy, progressing, routine, type Finding } from "../finding.ts";
import type { Scene } from "../scene.ts";
import { enumerate, quote } from "../text.ts";
import { configProblem } from "./container-config.ts";
import { crashLoop, recentCrash, startProblem } from "./container-crash.ts";
import { creatingProblem } from "./container-creating.ts";
import { containersOf, lastExit, stateOf, titleOf, type Container } from "./container.ts";
import { failedPod, nodeLost } from "./failed.ts";
import { imageProblem } from "./container-image.ts";
import { probeProblem } from "./probe.ts";
import { schedulingProblem } from "./scheduling.ts";

/**
 * A Pod: Argo CD's reasons and kstatus' scheduling rule, with init containers looked at as well.
 * Order: ended → no node → the worst container → ready → what readiness waits for.
 */
export function pod(scene: Scene): Finding {
  const { object } = scene;
  const phase = object.text("status", "phase");
  const conditions = conditionsOf(object);
  const phasePointer = object.at("status", "phase").pointer;
  if (phase === "Succeeded") return healthy("PodSucceeded", "It has ended with success.", phasePointer);
  if (phase === "Failed") return failedPod(scene, conditions);
  const node = object.text("spec", "nodeName") ?? "its node";
  if (phase === "Unknown") return nodeLost(node, phasePointer);
  if (phase !== undefined && phase !== "Pending" && phase !== "Running") throw new WrongShape(phasePointer, "a pod phase", phase);

  const unscheduled = schedulingProblem(scene, conditions.get("PodScheduled"));
  if (unscheduled !== undefined) return unscheduled;
  const ready = conditions.get("Ready");
  const containers = containersOf(scene);
  const findings = containers.map((container) => containerFinding(container, scene, conditions)).filter((finding) => finding !== undefined);
  const broken = findings.find(({ state }) => state === "Degraded");
  if (broken !== undefined) return broken;
  if (ready?.status === "True") return runsReady(scene, ready);
  return (
    lostNode(node, conditions, containers) ?? findings.find((finding) => finding.routine === undefined) ?? findings[0] ?? unready(scene, ready, containers)
  );
}

/** On a pod that never ends although its restart policy says so; Argo CD's word. */
const IGNORE_RESTART_POLICY = "argocd.argoproj.io/ignore-restart-policy";

/** Pods that are to end are done when they have ended, not when they run. */
function runsReady({ object }: Scene, ready: SeenCondition): Finding {
  const policy = object.text("spec", "restartPolicy") ?? "Always";
  if (policy === "Always" || object.text("metadata", "annotations", IGNORE_RESTART_POLICY) === "true")
    return healthy("PodReady", "It runs and is ready.", ready.pointer);
  return routine("Running", `It runs; it is done when its containers have ended (restartPolicy ${quote(policy)}).`, ready.pointer);
}

/** The node controller takes Ready away and leaves what the kubelet wrote last: every container still says ready. */
function lostNode(node: string, conditions: ReadonlyMap<string, SeenCondition>, containers: readonly Container[]): Finding | undefined {
  const ready = when(conditions, "Ready", "False");
  if (ready === undefined || ready.reason === "ReadinessGatesNotReady" || ready.reason === "PodCompleted" || ready.reason === "ContainersNotReady")
    return undefined;
  if (
    when(conditions, "ContainersReady", "True") === undefined ||
    containers.length === 0 ||
    containers.some(({ role, ready: answers }) => role !== "init" && !answers)
  )
    return undefined;
  return nodeLost(node, ready.pointer);
}

function unready({ object }: Scene, ready: SeenCondition | undefined, containers: readonly Container[]): Finding {
  if (ready?.reason === "ReadinessGatesNotReady") {
    const gates = object.list("spec", "readinessGates").map((gate) => gate.text("conditionType") ?? "");
    return progressing(
      "ReadinessGatesNotReady",
      `Its containers are ready; it waits for the readiness gates ${enumerate(gates)}. Look at the controllers that set them.`,
      ready.pointer,
    );
  }
  if (containers.length === 0) return routine("Starting", "It has a node, which has not started it yet.", "/status/containerStatuses");
  if (ready !== undefined && ready.message !== "") return routine("Starting", `It is not ready yet: ${quote(ready.message)}.`, ready.pointer);
  return routine("Starting", "It is not ready yet.", ready?.pointer ?? "/status/conditions");
}

/** What holds one container back; undefined when nothing does. */
function containerFinding(container: Container, scene: Scene, conditions: ReadonlyMap<string, SeenCondition>): Finding | undefined {
  const state = stateOf(container);
  if (state?.name === "waiting")
    return waitingFinding(container, scene, conditions, state.detail.text("reason") ?? "", state.detail.text("message") ?? "", state.detail.pointer);
  if (container.role === "init") return initFinding(container, scene, state?.name);
  if (container.ready) return undefined;
  if (state?.name === "terminated" && finished(container, scene)) return undefined;
  return recentCrash(container, scene.time) ?? probeProblem(container, scene, conditions.get("Ready")?.changedAt);
}

function waitingFinding(
  container: Container,
  scene: Scene,
  conditions: ReadonlyMap<string, SeenCondition>,
  reason: string,
  message: string,
  evidence: string,
): Finding | undefined {
  const image = imageProblem(container, reason, message, evidence);
  if (image !== undefined) return image;
  if (reason === "CrashLoopBackOff") return crashLoop(container, evidence);
  if (reason === "CreateContainerConfigError") return configProblem(container, scene.id.namespace, message, evidence);
  if (reason === "CreateContainerError" || reason === "RunContainerError" || reason.endsWith("HookError"))
    return startProblem(container, reason, message, evidence);
  if (reason === "ContainerCreating") return creatingProblem(container, scene, conditions, evidence);
  if (reason === "PodInitializing" || reason === "") return lastExit(container) === undefined ? undefined : recentCrash(container, scene.time);
  const known = reason.startsWith("Err") || reason.endsWith("Error") || reason.endsWith("BackOff");
  const said = message === "" ? "" : `: ${quote(message)}`;
  return known
    ? degraded(reason, `${titleOf(container)} cannot start (${reason})${said}.`, evidence)
    : routine("Starting", `${titleOf(container)} waits (${quote(reason)})${said}.`, evidence);
}

/** An init container is done when it ended with 0; while it runs the pod waits for it. */
function initFinding(container: Container, scene: Scene, state: "running" | "terminated" | undefined): Finding | undefined {
  if (state === "running") {
    return (
      recentCrash(container, scene.time) ??
      routine(
        "InitContainerRunning",
        `${titleOf(container)} runs; the pod's other containers start when it has ended. Read its output with tptctl logs.`,
        container.status.at("state", "running").pointer,
      )
    );
  }
  if (state === "terminated" && container.status.number("state", "terminated", "exitCode") !== 0) return recentCrash(container, scene.time);
  return undefined;
}

/** A container of a pod that may end has done its part when it ended with 0. */
function finished(container: Container, { object }: Scene): boolean {
  return container.status.number("state", "terminated", "exitCode") === 0 && (object.text("spec", "restartPolicy") ?? "Always") !== "Always";
}

import { when, type SeenCondition } from "../conditions.ts";
import { degraded, type Finding } from "../finding.ts";
import type { Scene } from "../scene.ts";
import { quote } from "../text.ts";
import { containersOf, stateOf, titleOf } from "./container.ts";
import { lastWords, readExit } from "./exit-code.ts";

/** A Pod that has ended and will not run again: why. */
export function failedPod(scene: Scene, conditions: ReadonlyMap<string, SeenCondition>): Finding {
  const { object } = scene;
  const reason = object.text("status", "reason") ?? "";
  const message = object.text("status", "message") ?? "";
  const node = object.text("spec", "nodeName") ?? "its node";
  const said = message === "" ? "" : `: ${quote(message)}`;
  const pointer = object.at("status", "reason").pointer;
  if (reason === "Evicted")
    return degraded(reason, `It was evicted from ${node}${said}. Set requests that fit what it uses, or give the node more of what ran short.`, pointer);
  if (reason === "NodeLost") return nodeLost(node, pointer);
  if (reason === "Preempting" || reason === "Preempted") return degraded("Preempted", `It had to make room on ${node} for a pod of higher priority.`, pointer);
  if (reason === "NodeShutdown" || reason === "Terminated") return degraded("NodeShutdown", `${node} was shut down${said}.`, pointer);
  if (reason === "DeadlineExceeded") return degraded(reason, "It ran longer than activeDeadlineSeconds allows. Raise that, or make it faster.", pointer);
  if (reason.startsWith("OutOf") || reason === "UnexpectedAdmissionError" || reason === "NodeAffinity")
    return degraded(
      "RejectedByNode",
      `${node} refused it (${reason})${said}. Its controller tries again; if this lasts, look at the node's free resources and labels.`,
      pointer,
    );

  for (const container of containersOf(scene)) {
    const state = stateOf(container);
    if (state?.name !== "terminated") continue;
    const exit = readExit(state.detail);
    if (exit.code === 0 && exit.reason !== "OOMKilled") continue;
    return degraded("ContainerFailed", `${titleOf(container)} ${exit.meaning}.${lastWords(exit)} ${exit.advice}`, state.detail.pointer);
  }
  const disruption = when(conditions, "DisruptionTarget", "True");
  if (disruption !== undefined)
    return degraded(disruption.reason || "Disrupted", `It was ended from outside: ${quote(disruption.message)}.`, disruption.pointer);
  return degraded(
    reason || "PodFailed",
    `It failed${said === "" ? "; Kubernetes gives no cause" : said}. Read its last output with tptctl logs.`,
    object.at("status", "phase").pointer,
  );
}

/** The node does not report any more; what runs there is not known. */
export function nodeLost(node: string, evidence: string): Finding {
  return degraded(
    "NodeLost",
    `${node} does not report to the cluster any more, so nobody knows how the pod is. Check that the node is up and connected.`,
    evidence,
  );
}

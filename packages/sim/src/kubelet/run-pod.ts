// The kubelet: a pod that has a node starts after a while, and its containers do what is said of them.
import { rfc3339 } from "@threeport/platform";
import type { StoredObject } from "@threeport/resource";
import type { SimCluster } from "../cluster.ts";
import type { Again } from "../controller.ts";
import { tellEvent } from "../controllers/events.ts";
import { conditionAt, conditionOf, fieldsOf, setStatus, type Fields } from "../controllers/owned.ts";
import { containersIn } from "../nodes/amounts.ts";
import type { NodeRoom } from "../nodes/room.ts";
import { keyOf } from "./key-of.ts";
import { behaviourOf, type Behaviour } from "./behaviour.ts";
import { environmentProblem, mountProblem } from "./configuration.ts";
import { stepContainer, type ContainerStep } from "./container-step.ts";
import { hashOf } from "./hash.ts";
import { startLines } from "./logs.ts";
import { setPodStatus } from "./pod-status.ts";
import { probeFailure } from "./probes.ts";

/** From its node to its containers, milliseconds: random between these, and up to a second less, since times of objects are whole seconds. */
const startMs = { least: 1_200, most: 1_800 };
/** How long a program of a pod that is to end runs. */
const runMs = 1_000;

export async function runPod(cluster: SimCluster, pod: StoredObject, node: NodeRoom | undefined): Promise<Again | undefined> {
  const status = fieldsOf(pod["status"]);
  if (node !== undefined && !node.ready) return markLost(cluster, pod);
  if (status["startTime"] === undefined) return accept(cluster, pod, node);
  const nowMs = cluster.time.now();
  const dueMs = Date.parse(String(status["startTime"])) + startMs.least + (hashOf(pod.metadata.uid) % (startMs.most - startMs.least));
  if (nowMs < dueMs) return { afterMs: dueMs - nowMs };
  const begun = status["containerStatuses"] !== undefined;
  if (!begun || isCreating(status)) {
    const problem = await mountProblem(cluster, pod);
    if (problem !== undefined) return create(cluster, pod, { problem, begun, node });
  }
  const policy = fieldsOf(pod["spec"])["restartPolicy"];
  return policy === undefined || policy === "Always" ? keepRunning(cluster, pod, node) : runToEnd(cluster, pod, dueMs);
}

async function accept(cluster: SimCluster, pod: StoredObject, node: NodeRoom | undefined): Promise<undefined> {
  const nowMs = cluster.time.now();
  await setStatus(cluster, pod, {
    ...fieldsOf(pod["status"]),
    phase: "Pending",
    startTime: rfc3339(nowMs),
    hostIP: node?.address ?? "",
    podIP: addressOf(pod),
    conditions: [conditionAt(pod, { type: "PodScheduled", status: "True", reason: "", message: "" }, nowMs)],
  });
}

/** Nobody hears of its node: it counts as not ready, whatever it does. */
async function markLost(cluster: SimCluster, pod: StoredObject): Promise<undefined> {
  const ready = conditionOf(pod, "Ready");
  if (ready?.["status"] !== "True") return undefined;
  const conditions = (fieldsOf(pod["status"])["conditions"] as readonly Fields[]).map((each) =>
    each === ready ? { ...each, status: "False", lastTransitionTime: rfc3339(cluster.time.now()) } : each,
  );
  await setStatus(cluster, pod, { ...fieldsOf(pod["status"]), conditions });
  await tellEvent(cluster, pod, { type: "Warning", reason: "NodeNotReady", message: "Node is not ready", component: "node-controller" });
}

function isCreating(status: Fields): boolean {
  const [first] = status["containerStatuses"] as readonly Fields[];
  return fieldsOf(fieldsOf(first?.["state"])["waiting"])["reason"] === "ContainerCreating";
}

/** A volume of it cannot be mounted: it waits until what is missing comes. */
async function create(
  cluster: SimCluster,
  pod: StoredObject,
  { problem, begun, node }: { readonly problem: string; readonly begun: boolean; readonly node: NodeRoom | undefined },
): Promise<undefined> {
  cluster.unstarted.add(keyOf(pod));
  if (!begun) await tellEvent(cluster, pod, { type: "Warning", reason: "FailedMount", message: problem, ...kubeletOf(node) });
  const containerStatuses = containersIn(fieldsOf(pod["spec"]), "containers").map(({ name, image }) => ({
    name,
    image,
    imageID: "",
    ready: false,
    started: false,
    restartCount: 0,
    state: { waiting: { reason: "ContainerCreating" } },
  }));
  await setPodStatus(cluster, pod, { phase: "Pending", containerStatuses });
}

async function keepRunning(cluster: SimCluster, pod: StoredObject, node: NodeRoom | undefined): Promise<Again | undefined> {
  const steps: ContainerStep[] = [];
  let lacking = false;
  for (const container of containersIn(fieldsOf(pod["spec"]), "containers")) {
    const behaviour = behaviourOf(cluster, pod, container);
    const known = statusOf(pod, container);
    const runs = fieldsOf(known?.["state"])["running"] !== undefined;
    const problem = runs ? undefined : await environmentProblem(cluster, pod, container);
    lacking ||= problem !== undefined;
    const step = stepContainer({ container, known, behaviour, problem, nowMs: cluster.time.now(), pod: nameIn(pod) });
    steps.push(step);
    if (step.happened === "ended" || step.happened === "backing-off")
      keepLog(cluster, pod, { container, behaviour, ended: fieldsOf(step.status["lastState"]) });
    await tell(cluster, pod, { container, behaviour, step, node });
  }
  const key = keyOf(pod);
  if (lacking) cluster.unstarted.add(key);
  else cluster.unstarted.delete(key);
  const unmade = steps.some(({ status }) => fieldsOf(status["state"])["waiting"] !== undefined && fieldsOf(status["lastState"])["terminated"] === undefined);
  await setPodStatus(cluster, pod, { phase: unmade ? "Pending" : "Running", containerStatuses: steps.map(({ status }) => status) });
  const next = Math.min(...steps.map(({ dueMs = Infinity }) => dueMs));
  return Number.isFinite(next) ? { afterMs: Math.max(1, next - cluster.time.now()) } : undefined;
}

/** A pod whose program ends, well or not: that of a Job. */
async function runToEnd(cluster: SimCluster, pod: StoredObject, dueMs: number): Promise<Again | undefined> {
  const nowMs = cluster.time.now();
  const containers = containersIn(fieldsOf(pod["spec"]), "containers");
  const behaviours = containers.map((container) => behaviourOf(cluster, pod, container));
  const problems = await Promise.all(containers.map((container) => environmentProblem(cluster, pod, container)));
  if (nowMs < dueMs + runMs || behaviours.some(({ does }) => does === "pull-error") || problems.some((problem) => problem !== undefined)) {
    const again = await keepRunning(cluster, pod, undefined);
    return nowMs < dueMs + runMs ? { afterMs: Math.min(again?.afterMs ?? Infinity, dueMs + runMs - nowMs) } : again;
  }
  const failed = behaviours.some(({ does }) => does === "end");
  const containerStatuses = containers.map((container, index) => {
    const behaviour = behaviours[index];
    const ended = behaviour?.does === "end" ? { exitCode: behaviour.exitCode, reason: behaviour.reason } : { exitCode: 0, reason: "Completed" };
    const known = statusOf(pod, container);
    const startedAt = fieldsOf(fieldsOf(known?.["state"])["running"])["startedAt"] ?? rfc3339(dueMs);
    const terminated = { ...ended, startedAt, finishedAt: rfc3339(nowMs) };
    if (behaviour !== undefined) keepLog(cluster, pod, { container, behaviour, ended: { terminated } });
    return { ...known, ready: false, started: false, state: { terminated } };
  });
  await setPodStatus(cluster, pod, { phase: failed ? "Failed" : "Succeeded", containerStatuses });
  return undefined;
}

/** What the run that ended wrote. `ended`: as in `lastState`. */
function keepLog(
  cluster: SimCluster,
  pod: StoredObject,
  { container, behaviour, ended }: { readonly container: Fields; readonly behaviour: Behaviour; readonly ended: Fields },
): void {
  const { startedAt, finishedAt } = fieldsOf(ended["terminated"]);
  const last = behaviour.does === "end" ? behaviour.log : [];
  const lines = [...startLines(container, Date.parse(String(startedAt))), ...last.map((text) => ({ atMs: Date.parse(String(finishedAt)), text }))];
  cluster.logs.end({ pod: keyOf(pod), uid: pod.metadata.uid, container: String(container["name"]) }, lines);
}

interface Told {
  readonly container: Fields;
  readonly behaviour: Behaviour;
  readonly step: ContainerStep;
  readonly node: NodeRoom | undefined;
}

async function tell(cluster: SimCluster, pod: StoredObject, { container, behaviour, step, node }: Told): Promise<void> {
  const name = String(container["name"]);
  const warn = (reason: string, message: string, type: "Warning" | "Normal" = "Warning"): Promise<void> =>
    tellEvent(cluster, pod, { type, reason, message, fieldPath: `spec.containers{${name}}`, ...kubeletOf(node) });
  const podIp = String(fieldsOf(pod["status"])["podIP"] ?? "");
  switch (step.happened) {
    case undefined:
      return;
    case "config-error":
      return warn("Failed", `Error: ${String(fieldsOf(fieldsOf(step.status["state"])["waiting"])["message"])}`);
    case "turned-unready": {
      const failure = probeFailure(container, "readinessProbe", podIp);
      return failure === undefined ? undefined : warn("Unhealthy", failure);
    }
    case "ended":
    case "backing-off":
      if (behaviour.does === "end" && behaviour.killedBy === "liveness") {
        await warn("Unhealthy", probeFailure(container, "livenessProbe", podIp) ?? "");
        await warn("Killing", `Container ${name} failed liveness probe, will be restarted`, "Normal");
      }
      if (step.happened === "backing-off") await warn("BackOff", `Back-off restarting failed container ${name} in pod ${nameIn(pod)}`);
  }
}

/** As kubelets name pods: `web-1_default(uid)`. */
function nameIn({ metadata }: StoredObject): string {
  return `${metadata.name}_${metadata.namespace ?? ""}(${metadata.uid})`;
}

function kubeletOf(node: NodeRoom | undefined): { readonly component: string; readonly host?: string } {
  return { component: "kubelet", ...(node === undefined ? {} : { host: node.name }) };
}

function statusOf(pod: StoredObject, container: Fields): Fields | undefined {
  const known = (fieldsOf(pod["status"])["containerStatuses"] as readonly Fields[] | undefined) ?? [];
  return known.find(({ name }) => name === container["name"]);
}

/** In the range of pods of a cluster; two may get the same one, which nothing here minds. */
function addressOf(pod: StoredObject): string {
  const hash = hashOf(pod.metadata.uid);
  return `10.244.${(hash >>> 8) & 255}.${hash & 255}`;
}

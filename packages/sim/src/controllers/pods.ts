// Scheduler and kubelet in one: a pod gets a node, starts after a while, and is what its image says.
import { rfc3339 } from "@threeport/platform";
import type { StoredObject } from "@threeport/resource";
import type { SimCluster } from "../cluster.ts";
import type { Again, Controller } from "../controller.ts";
import { conditionAt, fieldsOf, setStatus, type Fields } from "./owned.ts";
import { schedule, scheduleFitting, scheduleWaiting } from "./schedule.ts";

/** From its node to its containers, milliseconds: random between these, and up to a second less, since times of objects are whole seconds. */
const startMs = { least: 1_200, most: 1_800 };
/** How long a program of a pod that is to end runs. */
const runMs = 1_000;

/** What an image does, by a word in its name: so that a workload can be made to fail in a simulated cluster. Everything else runs and is ready. */
const behaviours: readonly { readonly word: RegExp; readonly does: "pull-error" | "crash" | "unready" }[] = [
  { word: /(?:^|[/:.-])(?:not-there|missing|broken)(?:$|[/:.-])/, does: "pull-error" },
  { word: /(?:^|[/:.-])crash(?:$|[/:.-])/, does: "crash" },
  { word: /(?:^|[/:.-])unready(?:$|[/:.-])/, does: "unready" },
];

/** Whoever waits for a node looks again at this key. */
const waiting = "/";

export const podController: Controller = {
  name: "pods",
  watches: [{ resource: "nodes", keys: () => [waiting] }, { resource: "pods" }, { resource: "persistentvolumeclaims", keys: () => [waiting] }],
  async reconcile(cluster, { namespace, name, text }) {
    if (text === waiting) {
      cluster.room.see(await cluster.objects.list({ apiVersion: "v1", kind: "Node" }));
      await scheduleWaiting(cluster);
      return undefined;
    }
    const pod = await cluster.objects.get({ apiVersion: "v1", kind: "Pod", namespace, name });
    const phase = fieldsOf(pod?.["status"])["phase"];
    if (pod === undefined || phase === "Succeeded" || phase === "Failed") {
      cluster.room.waiting.delete(text);
      if (cluster.room.release(text)) await scheduleFitting(cluster);
      return undefined;
    }
    if (pod.metadata.deletionTimestamp !== undefined) return undefined;
    const spec = fieldsOf(pod["spec"]);
    if (typeof spec["nodeName"] !== "string") {
      await schedule(cluster, pod, text);
      return undefined;
    }
    cluster.room.hold(text, { node: spec["nodeName"], spec });
    return run(cluster, pod, spec["nodeName"]);
  },
};

async function run(cluster: SimCluster, pod: StoredObject, node: string): Promise<Again | undefined> {
  const nowMs = cluster.time.now();
  const status = fieldsOf(pod["status"]);
  if (status["startTime"] === undefined) {
    const scheduled = conditionAt(pod, { type: "PodScheduled", status: "True", reason: "", message: "" }, nowMs);
    await setStatus(cluster, pod, {
      ...status,
      phase: "Pending",
      startTime: rfc3339(nowMs),
      hostIP: cluster.room.node(node)?.address ?? "",
      podIP: addressOf(pod),
      conditions: [scheduled],
    });
    return undefined;
  }
  const begunMs = Date.parse(String(status["startTime"]));
  const dueMs = begunMs + startMs.least + (hashOf(pod.metadata.uid) % (startMs.most - startMs.least));
  if (nowMs < dueMs) return { afterMs: dueMs - nowMs };
  const spec = fieldsOf(pod["spec"]);
  const containers = (spec["containers"] as Fields[] | undefined) ?? [];
  const states = containers.map((container) => stateOf(container, dueMs));
  const ends = spec["restartPolicy"] !== undefined && spec["restartPolicy"] !== "Always";
  if (ends && nowMs < dueMs + runMs) {
    await become(cluster, pod, { phase: "Running", states });
    return { afterMs: dueMs + runMs - nowMs };
  }
  if (ends && states.every(({ does }) => does !== "pull-error")) {
    const failed = states.some(({ does }) => does === "crash");
    await become(cluster, pod, { phase: failed ? "Failed" : "Succeeded", states });
    return undefined;
  }
  await become(cluster, pod, { phase: states.some(({ does }) => does === "pull-error") ? "Pending" : "Running", states });
  return undefined;
}

interface ContainerState {
  readonly does: "run" | "pull-error" | "crash" | "unready";
  readonly name: string;
  readonly image: string;
  readonly startedMs: number;
}

function stateOf(container: Fields, startedMs: number): ContainerState {
  const [name, image] = [String(container["name"] ?? ""), String(container["image"] ?? "")];
  return { name, image, startedMs, does: behaviours.find(({ word }) => word.test(image))?.does ?? "run" };
}

async function become(
  cluster: SimCluster,
  pod: StoredObject,
  { phase, states }: { readonly phase: string; readonly states: readonly ContainerState[] },
): Promise<void> {
  const nowMs = cluster.time.now();
  const ended = phase === "Succeeded" || phase === "Failed";
  const ready = !ended && states.every(({ does }) => does === "run");
  const unready = states.filter(({ does }) => does !== "run").map(({ name }) => name);
  const condition = (type: string, on: boolean): Fields =>
    conditionAt(
      pod,
      {
        type,
        status: on ? "True" : "False",
        reason: on ? "" : ended ? "PodCompleted" : "ContainersNotReady",
        message: on || ended ? "" : `containers with unready status: [${unready.join(" ")}]`,
      },
      nowMs,
    );
  await setStatus(cluster, pod, {
    ...fieldsOf(pod["status"]),
    phase,
    conditions: [condition("PodScheduled", true), condition("Initialized", true), condition("ContainersReady", ready), condition("Ready", ready)],
    containerStatuses: states.map((state) => containerStatus(state, phase)),
  });
}

function containerStatus({ does, name, image, startedMs }: ContainerState, phase: string): Fields {
  const base = {
    name,
    image,
    imageID: does === "pull-error" ? "" : `sha256:${hashOf(image).toString(16)}`,
    ready: phase === "Running" && does === "run",
    restartCount: 0,
  };
  const startedAt = rfc3339(startedMs);
  const ended = { exitCode: 1, reason: "Error", startedAt, finishedAt: startedAt };
  if (does === "pull-error")
    return {
      ...base,
      started: false,
      state: { waiting: { reason: "ImagePullBackOff", message: `Back-off pulling image "${image}": ErrImagePull: ${image}: not found` } },
    };
  if (phase === "Succeeded") return { ...base, started: false, state: { terminated: { exitCode: 0, reason: "Completed", startedAt, finishedAt: startedAt } } };
  if (phase === "Failed") return { ...base, started: false, state: { terminated: ended } };
  if (does === "crash")
    return {
      ...base,
      started: false,
      restartCount: 3,
      state: { waiting: { reason: "CrashLoopBackOff", message: `back-off restarting failed container=${name}` } },
      lastState: { terminated: ended },
    };
  return { ...base, started: true, state: { running: { startedAt } } };
}

/** In the range of pods of a cluster; two may get the same one, which nothing here minds. */
function addressOf(pod: StoredObject): string {
  const hash = hashOf(pod.metadata.uid);
  return `10.244.${(hash >>> 8) & 255}.${hash & 255}`;
}

function hashOf(text: string): number {
  let hash = 2_166_136_261; // FNV-1a
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 16_777_619) >>> 0;
  return hash;
}

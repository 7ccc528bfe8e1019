import { unlessWrong } from "../cursor.ts";
import type { SeenCondition } from "../conditions.ts";
import { degraded, progressing, routine, suspended, type Finding } from "../finding.ts";
import { childrenOf, type Scene } from "../scene.ts";
import { enumerate, quote, scannable } from "../text.ts";
import { claimsOf } from "./claims.ts";

/** A node may come up or a volume be bound within this time, in ms (kstatus' window). */
const UNSCHEDULABLE_GRACE_MS = 15_000;

/** A Pod that no node has taken. Undefined once it is scheduled. */
export function schedulingProblem(scene: Scene, scheduled: SeenCondition | undefined): Finding | undefined {
  const { object, time } = scene;
  if (scheduled?.status === "True" || object.text("spec", "nodeName") !== undefined) return undefined;
  if (scheduled?.reason === "SchedulingGated") {
    const gates = object.list("spec", "schedulingGates").map((gate) => gate.text("name") ?? "");
    return suspended("SchedulingGated", `It is held back by scheduling gates (${enumerate(gates)}); whoever set them lets it go.`, scheduled.pointer);
  }
  const createdAt = object.moment("metadata", "creationTimestamp");
  const fresh = createdAt !== undefined && !time.reached(createdAt + UNSCHEDULABLE_GRACE_MS);
  if (scheduled === undefined) {
    if (fresh) return routine("Scheduling", "It waits for a node.", "/status/conditions");
    // A claim that is bound when its first pod comes holds the scheduler up, which says nothing of it in the pod.
    const unbound = unboundClaims(scene);
    if (unbound.length > 0) return progressing("WaitingForVolume", `It waits for ${claimsText(unbound)} not bound to a volume yet.`, "/status/conditions");
    return progressing(
      "NoScheduler",
      `No scheduler has looked at it. Check that the scheduler "${object.text("spec", "schedulerName") ?? "default-scheduler"}" runs in this cluster.`,
      "/status/conditions",
    );
  }
  const plain = explainUnschedulable(scene, scheduled.message);
  const found = fresh ? progressing : degraded;
  return found("Unschedulable", `No node can take it: ${plain}`, scheduled.pointer);
}

interface Obstacle {
  readonly pattern: RegExp;
  /** `$1` stands for what the pattern caught. */
  readonly words: string;
  readonly advice: string;
}

/** What filter plugins of the scheduler say about nodes (k8s.io/kubernetes pkg/scheduler/framework/plugins, 1.36; older wording too). */
const obstacles: readonly Obstacle[] = [
  { pattern: /^Insufficient (.+)$/, words: "not enough free $1", advice: "Lower the pod's requests, remove other pods, or add a node." },
  { pattern: /^Too many pods$/, words: "already the most pods it may have", advice: "Add a node." },
  {
    pattern: /node affinity\/selector|requested node name/,
    words: "not the labels that nodeSelector or nodeAffinity ask for",
    advice: "Label a node, or change the selector.",
  },
  { pattern: /had untolerated taint \{(.+)\}$/, words: "a taint that the pod does not tolerate ($1)", advice: "Add a toleration, or remove the taint." },
  {
    pattern: /untolerated taint|taints that the pod didn't tolerate/,
    words: "a taint that the pod does not tolerate",
    advice:
      "Add a toleration, or remove the taint, which kubectl describe nodes names; one of node.kubernetes.io, such as disk-pressure, goes when the node is well again.",
  },
  { pattern: /anti-affinity/, words: "pods that the anti-affinity rules keep apart from this one", advice: "Add a node, or loosen podAntiAffinity." },
  { pattern: /pod affinity/, words: "none of the pods that podAffinity asks for", advice: "Check podAffinity and that those pods run." },
  {
    pattern: /topology spread/,
    words: "too many of these pods already (topologySpreadConstraints)",
    advice: "Add a node in another zone, or loosen the constraints.",
  },
  { pattern: /free ports/, words: "the pod's hostPort in use", advice: "Remove hostPort, or free the port." },
  { pattern: /were unschedulable|unschedulable$/, words: "been cordoned", advice: "Uncordon it (kubectl uncordon), or add a node." },
  { pattern: /find available persistent volumes to bind/, words: "no volume for the pod's claim", advice: "Check the claim's StorageClass and size." },
  {
    pattern: /node affinity conflict|PersistentVolume's node affinity|volume zone/,
    words: "no access to the pod's volume, which lives elsewhere",
    advice: "The volume's node or zone must have room for the pod.",
  },
  { pattern: /enough free storage/, words: "not enough free storage", advice: "Make the claim smaller, or add storage." },
  { pattern: /max volume count/, words: "as many volumes as it can attach", advice: "Add a node." },
  { pattern: /ReadWriteOncePod/, words: "the volume in use by another pod (ReadWriteOncePod)", advice: "End the other pod first." },
];

/** `0/3 nodes are available: 2 Insufficient cpu, 1 node(s) had untolerated taint(s). preemption: …` in plain words. */
function explainUnschedulable(scene: Scene, foreign: string): string {
  const message = scannable(foreign);
  const claims = explainClaims(scene, message);
  if (claims !== undefined) return claims;
  const [, total, listed] = /^0\/(\d{1,6}) nodes are available: (.*)$/.exec(message) ?? [];
  if (total === "0") return "the cluster has no node. Add one.";
  if (listed === undefined) return message === "" ? "the scheduler gave no reason." : `${quote(message)}.`;
  const words: string[] = [];
  const advice = new Set<string>();
  for (const part of partsOf(listed)) {
    const known = obstacles.find(({ pattern }) => pattern.test(part.text));
    const number = part.nodes === undefined ? "" : `${part.nodes} of ${total ?? ""} have `;
    words.push(
      known === undefined
        ? `${part.nodes === undefined ? "" : `${part.nodes} of ${total ?? ""}: `}${quote(part.text)}`
        : `${number}${known.words.replace("$1", () => known.pattern.exec(part.text)?.[1] ?? "")}`,
    );
    if (known !== undefined) advice.add(known.advice);
  }
  return [`${enumerate(words)}.`, ...advice].join(" ");
}

/** `2 Insufficient cpu, 1 node(s) …` up to the sentence about preemption. Taints may hold commas only inside braces. */
function partsOf(listed: string): { nodes: string | undefined; text: string }[] {
  const end = listed.search(/\. ?(?:no new claims|preemption:|$)| preemption:/); // what dynamic resources and preemption cannot do is no cause
  const reasons = end < 0 ? listed : listed.slice(0, end);
  return reasons
    .split(/, (?=\d)/)
    .map((part) => part.trim().replace(/[.,]$/, ""))
    .filter((part) => part !== "")
    .map((part) => {
      const [, nodes, text] = /^(\d{1,6}) (?:node\(s\) )?(.*)$/.exec(part) ?? [];
      return { nodes, text: text ?? part };
    });
}

/** Volumes are the cause before any node is looked at. */
function explainClaims(scene: Scene, message: string): string | undefined {
  const missing = /persistentvolumeclaim "([^"]+)" not found/.exec(message);
  if (missing !== null) return `PersistentVolumeClaim "${missing[1] ?? ""}" does not exist. Create it, or correct the volume's claimName.`;
  const leaving = /persistentvolumeclaim "([^"]+)" is being deleted/.exec(message);
  if (leaving !== null) return `PersistentVolumeClaim "${leaving[1] ?? ""}" is being deleted. Wait until it is gone and create it again.`;
  if (!message.includes("unbound immediate PersistentVolumeClaims")) return undefined;
  const unbound = unboundClaims(scene);
  const which =
    unbound.length === 0 ? "a PersistentVolumeClaim of it is" : `PersistentVolumeClaim ${enumerate(unbound)} ${unbound.length === 1 ? "is" : "are"}`;
  return `${which} not bound to a volume. Check that its StorageClass exists and its provisioner runs.`;
}

/** As far as the claims are known. */
function unboundClaims(scene: Scene): string[] {
  const claims = claimsOf(scene.object);
  return childrenOf(scene, "", "PersistentVolumeClaim")
    .filter(({ id, object }) => claims.includes(id.name) && unlessWrong(() => object.text("status", "phase")) !== "Bound")
    .map(({ id }) => id.name);
}

function claimsText(names: readonly string[]): string {
  return `PersistentVolumeClaim ${enumerate(names)}, which ${names.length === 1 ? "is" : "are"}`;
}

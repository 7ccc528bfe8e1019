// What is taken on the nodes of a cluster, by counters: placing a pod looks at each node once, and at no other pod.
//   N1  A pod is counted on its node from its binding until it ended or went, once, however often it is told.
//   N2  Nodes are as they were last told; what is counted on one stays counted while it is away.
import type { StoredObject } from "@threeport/resource";
import { conditionOf, fieldsOf, type Fields } from "../controllers/owned.ts";
import { amountsOf, requestsOf, type Amounts } from "./amounts.ts";
import { selects, tolerates, tolerationsOf, type Chosen, type Taint } from "./selection.ts";

export interface NodeRoom extends Chosen {
  readonly allocatable: Amounts;
  readonly taints: readonly Taint[];
  /** Closed to new pods, by `kubectl cordon`. */
  readonly cordoned: boolean;
  readonly address: string;
  /** Unless it is told otherwise: of a node that somebody made by hand nobody tells anything. */
  readonly ready: boolean;
}

/** Why a pod cannot go to a node. `hopeless`: also if all other pods went. */
export interface Obstacle {
  readonly reasons: readonly string[];
  readonly hopeless: boolean;
}

/** Where a pod is. `uid`: one of the same name that took its place may ask for something else. */
export interface Held {
  readonly node: string;
  readonly uid: string;
  readonly spec: Fields;
}

export interface Room {
  readonly nodes: readonly NodeRoom[];
  /** The nodes that there are now. */
  see(nodes: readonly StoredObject[]): void;
  node(name: string): NodeRoom | undefined;
  /** The pod is on the node. */
  hold(pod: string, on: Held): void;
  /** The pod is on no node any more. True when it was on one. */
  release(pod: string): boolean;
  /** Keys of the pods that have a node; of those on one node, by name. */
  held(): readonly string[];
  podsOn(node: string): readonly string[];
  /** Of the nodes that take the pod, the emptiest; or why none does. */
  place(spec: Fields): { readonly node: NodeRoom } | { readonly obstacles: readonly Obstacle[] };
  /** Pods that found no node, with what they asked for. */
  readonly waiting: Map<string, Fields>;
}

export function createRoom(): Room {
  const taken = new Map<string, Map<string, number>>();
  const held = new Map<string, { readonly node: string; readonly uid: string; readonly requests: Amounts }>();
  let nodes: readonly NodeRoom[] = [];

  function count(node: string, requests: Amounts, sign: 1 | -1): void {
    const of = taken.get(node) ?? new Map<string, number>();
    taken.set(node, of);
    for (const [name, amount] of requests) of.set(name, (of.get(name) ?? 0) + sign * amount);
  }

  function release(pod: string): boolean {
    const known = held.get(pod);
    if (known === undefined) return false;
    held.delete(pod);
    count(known.node, known.requests, -1);
    return true;
  }

  return {
    waiting: new Map(),
    get nodes() {
      return nodes;
    },
    see(found) {
      nodes = found.map(roomOf);
    },
    node: (name) => nodes.find((node) => node.name === name),
    hold(pod, { node, uid, spec }) {
      if (held.get(pod)?.uid === uid) return;
      release(pod);
      const requests = requestsOf(spec);
      held.set(pod, { node, uid, requests });
      count(node, requests, 1);
    },
    release,
    held: () => [...held.keys()],
    podsOn: (node) => [...held].flatMap(([pod, on]) => (on.node === node ? [pod] : [])).toSorted(),
    place(spec) {
      const requests = requestsOf(spec);
      const obstacles: Obstacle[] = [];
      let best: { readonly node: NodeRoom; readonly share: number } | undefined;
      for (const node of nodes) {
        const used = taken.get(node.name);
        const obstacle = obstacleOf(node, spec) ?? shortage(node, used, requests);
        if (obstacle !== undefined) {
          obstacles.push(obstacle);
          continue;
        }
        const share = shareOf(node, used);
        if (best === undefined || share < best.share) best = { node, share };
      }
      return best === undefined ? { obstacles } : { node: best.node };
    },
  };
}

/** Looked at in upstream's order; the first filter that refuses a node is the one that is told. */
export function obstacleOf(node: NodeRoom, spec: Fields): Obstacle | undefined {
  const tolerations = tolerationsOf(spec);
  const cordon = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };
  if (node.cordoned && !tolerations.some((each) => tolerates(each, cordon))) return { reasons: ["node(s) were unschedulable"], hopeless: true };
  const untolerated = node.taints.some((taint) => taint.effect !== "PreferNoSchedule" && !tolerations.some((each) => tolerates(each, taint)));
  if (untolerated) return { reasons: ["node(s) had untolerated taint(s)"], hopeless: true };
  if (!selects(spec, node)) return { reasons: ["node(s) didn't match Pod's node affinity/selector"], hopeless: true };
  return undefined;
}

function shortage({ allocatable }: NodeRoom, used: ReadonlyMap<string, number> | undefined, requests: Amounts): Obstacle | undefined {
  const reasons: string[] = [];
  let hopeless = false;
  for (const [name, amount] of requests) {
    const all = allocatable.get(name) ?? 0;
    if (amount === 0 || (used?.get(name) ?? 0) + amount <= all) continue;
    reasons.push(name === "pods" ? "Too many pods" : `Insufficient ${name}`);
    hopeless ||= amount > all;
  }
  return reasons.length === 0 ? undefined : { reasons, hopeless };
}

/** How full a node is, by the fullest of what it has. */
function shareOf({ allocatable }: NodeRoom, used: ReadonlyMap<string, number> | undefined): number {
  return Math.max(0, ...[...(used ?? [])].map(([name, amount]) => amount / (allocatable.get(name) ?? 1)));
}

function roomOf(node: StoredObject): NodeRoom {
  const [spec, status] = [fieldsOf(node["spec"]), fieldsOf(node["status"])];
  const addresses = (status["addresses"] as readonly Fields[] | undefined) ?? [];
  return {
    name: node.metadata.name,
    labels: node.metadata.labels ?? {},
    allocatable: amountsOf(status["allocatable"]),
    taints: (spec["taints"] as readonly Taint[] | undefined) ?? [],
    cordoned: spec["unschedulable"] === true,
    address: String(addresses.find(({ type }) => type === "InternalIP")?.["address"] ?? ""),
    ready: !["False", "Unknown"].includes(String(conditionOf(node, "Ready")?.["status"])),
  };
}

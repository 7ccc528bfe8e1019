import type { KubeObject } from "@threeport/resource";
import { assess, type AssessInput } from "./assess.ts";
import type { ObjectId, Verdict } from "./verdict.ts";

/** Builders of objects as Kubernetes 1.36 writes them, for the tests of this folder. */

/** The moment at which the tests look, in ms since the epoch. */
export const NOW = Date.parse("2026-11-22T10:00:00Z");

/** RFC 3339, `seconds` before `NOW`. */
export function ago(seconds: number): string {
  return new Date(NOW - seconds * 1000).toISOString().replace(".000Z", "Z");
}

export type Part = Readonly<Record<string, unknown>>;

/** Any object: created an hour ago, in namespace `shop`. */
export function sample(
  apiVersion: string,
  kind: string,
  name: string,
  parts: { metadata?: Part; spec?: Part; status?: unknown; fields?: Part } = {},
): KubeObject {
  return {
    apiVersion,
    kind,
    metadata: { name, namespace: "shop", uid: `${kind.toLowerCase()}-${name}`, creationTimestamp: ago(3600), ...parts.metadata },
    ...(parts.spec === undefined ? {} : { spec: parts.spec }),
    ...(parts.status === undefined ? {} : { status: parts.status }),
    ...parts.fields,
  };
}

export function condition(type: string, status: string, reason = "", message = "", more: Part = {}): Part {
  return { type, status, reason, message, lastTransitionTime: ago(300), ...more };
}

const rolloutDone = [
  condition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability."),
  condition("Progressing", "True", "NewReplicaSetAvailable", 'ReplicaSet "web-6d4" has successfully progressed.'),
];
export const rolloutUnderWay = [
  condition("Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability."),
  condition("Progressing", "True", "ReplicaSetUpdated", 'ReplicaSet "web-6d4" is progressing.'),
];

/** A Deployment of `replicas`, all of them up unless `status` says otherwise. */
export function deployment(replicas: number, parts: { metadata?: Part; spec?: Part; status?: Part } = {}): KubeObject {
  return sample("apps/v1", "Deployment", "web", {
    metadata: { generation: 2, annotations: { "deployment.kubernetes.io/revision": "2" }, ...parts.metadata },
    spec: {
      replicas,
      progressDeadlineSeconds: 600,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } },
      ...parts.spec,
    },
    status: {
      observedGeneration: 2,
      replicas,
      updatedReplicas: replicas,
      readyReplicas: replicas,
      availableReplicas: replicas,
      conditions: rolloutDone,
      ...parts.status,
    },
  });
}

/** A Deployment that waits for its one pod. */
export function waitingDeployment(parts: { spec?: Part; status?: Part } = {}): KubeObject {
  return deployment(1, {
    ...parts,
    status: { readyReplicas: undefined, availableReplicas: undefined, unavailableReplicas: 1, conditions: rolloutUnderWay, ...parts.status },
  });
}

export function statefulSet(replicas: number, parts: { metadata?: Part; spec?: Part; status?: Part } = {}): KubeObject {
  return sample("apps/v1", "StatefulSet", "db", {
    metadata: { generation: 2, ...parts.metadata },
    spec: { replicas, updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } }, podManagementPolicy: "OrderedReady", ...parts.spec },
    status: {
      observedGeneration: 2,
      replicas,
      readyReplicas: replicas,
      availableReplicas: replicas,
      currentReplicas: replicas,
      updatedReplicas: replicas,
      currentRevision: "db-1",
      updateRevision: "db-1",
      collisionCount: 0,
      ...parts.status,
    },
  });
}

export function daemonSet(nodes: number, parts: { metadata?: Part; spec?: Part; status?: Part } = {}): KubeObject {
  return sample("apps/v1", "DaemonSet", "agent", {
    metadata: { generation: 1, ...parts.metadata },
    spec: { updateStrategy: { type: "RollingUpdate" }, ...parts.spec },
    status: {
      observedGeneration: 1,
      desiredNumberScheduled: nodes,
      currentNumberScheduled: nodes,
      updatedNumberScheduled: nodes,
      numberReady: nodes,
      numberAvailable: nodes,
      numberMisscheduled: 0,
      ...parts.status,
    },
  });
}

export interface PodParts {
  readonly name?: string;
  readonly metadata?: Part;
  readonly spec?: Part;
  readonly status?: Part;
  /** Of the one container. */
  readonly container?: Part;
  readonly containerSpec?: Part;
  readonly conditions?: readonly Part[];
}

/** A Pod of one container "app", running and ready for a while unless told otherwise. */
export function pod(parts: PodParts = {}): KubeObject {
  const ready = parts.container === undefined || parts.container["ready"] === true;
  const word = ready ? "True" : "False";
  const why: readonly [string, string] = ready ? ["", ""] : ["ContainersNotReady", "containers with unready status: [app]"];
  return sample("v1", "Pod", parts.name ?? "web-6d4-abcde", {
    metadata: { labels: { "pod-template-hash": "6d4" }, ...parts.metadata },
    spec: {
      restartPolicy: "Always",
      nodeName: "node-1",
      schedulerName: "default-scheduler",
      containers: [{ name: "app", image: "registry.example/shop/web:1.2", ...parts.containerSpec }],
      ...parts.spec,
    },
    status: {
      phase: "Running",
      startTime: ago(600),
      conditions: parts.conditions ?? [
        condition("PodReadyToStartContainers", "True"),
        condition("Initialized", "True"),
        condition("Ready", word, ...why),
        condition("ContainersReady", word, ...why),
        condition("PodScheduled", "True"),
      ],
      containerStatuses: [
        {
          name: "app",
          image: "registry.example/shop/web:1.2",
          ready: true,
          started: true,
          restartCount: 0,
          state: { running: { startedAt: ago(600) } },
          lastState: {},
          ...parts.container,
        },
      ],
      ...parts.status,
    },
  });
}

/** A Pod whose container waits. */
export function waitingPod(reason: string, message = "", parts: PodParts = {}): KubeObject {
  return pod({
    ...parts,
    container: { ready: false, started: false, state: { waiting: { reason, message } }, ...parts.container },
    status: { phase: "Pending", ...parts.status },
  });
}

/** A Pod whose container crashed `restarts` times and waits to be started again. */
export function crashingPod(terminated: Part, restarts: number, parts: PodParts = {}): KubeObject {
  const message = "back-off 40s restarting failed container=app pod=web-6d4-abcde_shop(uid)";
  return pod({
    ...parts,
    container: {
      ready: false,
      started: false,
      restartCount: restarts,
      state: { waiting: { reason: "CrashLoopBackOff", message } },
      lastState: { terminated: { startedAt: ago(60), finishedAt: ago(50), ...terminated } },
      ...parts.container,
    },
  });
}

/** A Pod that no node takes. */
export function unscheduledPod(message: string, createdSecondsAgo: number, parts: PodParts = {}): KubeObject {
  return pod({
    ...parts,
    metadata: { creationTimestamp: ago(createdSecondsAgo), ...parts.metadata },
    spec: { nodeName: undefined, ...parts.spec },
    conditions: parts.conditions ?? [condition("PodScheduled", "False", "Unschedulable", message)],
    status: { phase: "Pending", startTime: undefined, containerStatuses: undefined, ...parts.status },
  });
}

export function identify(object: KubeObject): ObjectId {
  const { namespace, uid, name } = object.metadata;
  return { apiVersion: object.apiVersion, kind: object.kind, name, ...(namespace === undefined ? {} : { namespace }), ...(uid === undefined ? {} : { uid }) };
}

/** Assesses `object` at `NOW`, or as `more` says. Goes through JSON, as everything from a cluster does. */
export function look(object: KubeObject, more: Partial<Omit<AssessInput, "object" | "events">> = {}): Verdict {
  const children = (more.children ?? []).map(overTheWire);
  return assess({ now: NOW, id: identify(object), ...more, object: overTheWire(object), children });
}

function overTheWire(object: KubeObject): KubeObject {
  return JSON.parse(JSON.stringify(object)) as KubeObject;
}

import type { KubeObject } from "@threeport/resource";
import { expect, test } from "vitest";
import { ago, condition, crashingPod, look, NOW, pod, unscheduledPod, waitingPod } from "../samples.ts";

const image = "registry.example/shop/web:1.2";
const pulling = (detail: string): string => `Back-off pulling image "${image}": ErrImagePull: ${detail}`;

const cases = [
  { name: "ready", because: "it serves", object: pod(), state: "Healthy", reason: "PodReady", says: [] },
  {
    name: "ended with success",
    because: "it did what it was for",
    object: pod({ status: { phase: "Succeeded" } }),
    state: "Healthy",
    reason: "PodSucceeded",
    says: [],
  },
  {
    name: "restarted long ago and ready",
    because: "what counts is now",
    object: pod({ container: { ready: true, restartCount: 7, lastState: { terminated: { exitCode: 1 } } } }),
    state: "Healthy",
    reason: "PodReady",
    says: [],
  },
  {
    name: "runs and is to end",
    because: "restartPolicy Never is done when it has ended",
    object: pod({ spec: { restartPolicy: "Never" } }),
    state: "Progressing",
    reason: "Running",
    says: ["Never"],
  },

  {
    name: "the tag does not exist",
    because: "the registry says so",
    object: waitingPod(
      "ImagePullBackOff",
      pulling(`rpc error: code = NotFound desc = failed to pull and unpack image "${image}": failed to resolve image: ${image}: not found`),
    ),
    state: "Degraded",
    reason: "ImagePullBackOff",
    says: [image, '"app"', "name and tag exist"],
  },
  {
    name: "first failed pull",
    because: "the reason must not flip with each try",
    object: waitingPod("ErrImagePull", `rpc error: code = NotFound desc = failed to resolve image: ${image}: not found`),
    state: "Degraded",
    reason: "ImagePullBackOff",
    says: ["name and tag exist"],
  },
  {
    name: "the registry wants a login",
    because: "a pull secret is missing",
    object: waitingPod("ImagePullBackOff", pulling("failed to authorize: failed to fetch oauth token: unexpected status: 401 Unauthorized")),
    state: "Degraded",
    reason: "ImagePullBackOff",
    says: ["pull secret"],
  },
  {
    name: "the registry cannot be reached",
    because: "network, not name",
    object: waitingPod(
      "ImagePullBackOff",
      pulling('failed to do request: Head "https://registry.example/v2/": dial tcp: lookup registry.example: no such host'),
    ),
    state: "Degraded",
    reason: "ImagePullBackOff",
    says: ["cannot reach the registry", "DNS"],
  },
  {
    name: "no cause is given",
    because: "then all three are to be checked",
    object: waitingPod("ImagePullBackOff", `Back-off pulling image "${image}"`),
    state: "Degraded",
    reason: "ImagePullBackOff",
    says: ["name and tag", "reach the registry", "pull secret"],
  },
  {
    name: "the image's name is no name",
    because: "no wait helps",
    object: waitingPod(
      "InvalidImageName",
      'Failed to apply default image tag "Web:1": couldn\'t parse image name "Web:1": invalid reference format: repository name (library/Web) must be lowercase',
    ),
    state: "Degraded",
    reason: "InvalidImageName",
    says: ["lowercase"],
  },
  {
    name: "the image is never pulled",
    because: "imagePullPolicy Never and not on the node",
    object: waitingPod("ErrImageNeverPull", `Container image "${image}" is not present with pull policy of Never`),
    state: "Degraded",
    reason: "ErrImageNeverPull",
    says: ["imagePullPolicy is Never"],
  },

  {
    name: "a missing ConfigMap",
    because: "the kubelet names it",
    object: waitingPod("CreateContainerConfigError", 'configmap "settings" not found'),
    state: "Degraded",
    reason: "CreateContainerConfigError",
    says: ['ConfigMap "settings" does not exist in namespace shop'],
  },
  {
    name: "a missing Secret",
    because: "the kubelet names it",
    object: waitingPod("CreateContainerConfigError", 'secret "db" not found'),
    state: "Degraded",
    reason: "CreateContainerConfigError",
    says: ['Secret "db" does not exist'],
  },
  {
    name: "a missing key",
    because: "the object is there, the key is not",
    object: waitingPod("CreateContainerConfigError", "couldn't find key password in Secret shop/db"),
    state: "Degraded",
    reason: "CreateContainerConfigError",
    says: ['Secret "db"', 'no key "password"'],
  },
  {
    name: "root in a pod that must not",
    because: "the image has no USER",
    object: waitingPod("CreateContainerConfigError", 'container has runAsNonRoot and image will run as root (pod: "web_shop(1)", container: app)'),
    state: "Degraded",
    reason: "CreateContainerConfigError",
    says: ["runAsUser"],
  },
  {
    name: "the command is not in the image",
    because: "runc says so at the end of a long message",
    object: waitingPod(
      "RunContainerError",
      'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "serve": executable file not found in $PATH',
    ),
    state: "Degraded",
    reason: "RunContainerError",
    says: ['the command "serve" is not in the image'],
  },
  {
    name: "the container cannot be made",
    because: "passed on as it is",
    object: waitingPod("CreateContainerError", "context deadline exceeded"),
    state: "Degraded",
    reason: "CreateContainerError",
    says: ["context deadline exceeded"],
  },
  {
    name: "its hook failed",
    because: "the container is killed for it",
    object: waitingPod("PostStartHookError", "Exec lifecycle hook ([sh]) failed"),
    state: "Degraded",
    reason: "PostStartHookError",
    says: ["postStart"],
  },

  {
    name: "out of memory",
    because: "137 with the kernel's word for it",
    object: crashingPod({ exitCode: 137, reason: "OOMKilled" }, 4),
    state: "Degraded",
    reason: "CrashLoopBackOff",
    says: ["OOMKilled", "memory limit", "4 times"],
  },
  {
    name: "killed, but not for memory",
    because: "137 alone is SIGKILL",
    object: crashingPod({ exitCode: 137, reason: "Error" }, 4, { containerSpec: { livenessProbe: { httpGet: { path: "/healthz", port: 8080 } } } }),
    state: "Degraded",
    reason: "CrashLoopBackOff",
    says: ["SIGKILL", "livenessProbe (GET :8080/healthz)"],
  },
  {
    name: "command not found",
    because: "127 is the shell's word for it",
    object: crashingPod({ exitCode: 127, reason: "Error" }, 2),
    state: "Degraded",
    reason: "CrashLoopBackOff",
    says: ["command was not found", "127"],
  },
  {
    name: "command not executable",
    because: "126 is the shell's word for it",
    object: crashingPod({ exitCode: 126, reason: "Error" }, 2),
    state: "Degraded",
    reason: "CrashLoopBackOff",
    says: ["not executable"],
  },
  {
    name: "the app's own error with last words",
    because: "the termination message is worth more than the code",
    object: crashingPod({ exitCode: 1, reason: "Error", message: "panic: no DATABASE_URL\n" }, 5),
    state: "Degraded",
    reason: "CrashLoopBackOff",
    says: ["exit code 1", 'It said: "panic: no DATABASE_URL"', "tptctl logs", "5 times"],
  },
  {
    name: "ends with 0 again and again",
    because: "a server must stay",
    object: crashingPod({ exitCode: 0, reason: "Completed" }, 3),
    state: "Degraded",
    reason: "CrashLoopBackOff",
    says: ["by itself with exit code 0"],
  },
  {
    name: "the runtime cannot start it",
    because: "StartError carries runc's message",
    object: crashingPod(
      { exitCode: 128, reason: "StartError", message: 'failed to create task: exec: "serve": executable file not found in $PATH: unknown' },
      3,
    ),
    state: "Degraded",
    reason: "CrashLoopBackOff",
    says: ['"serve" is not in the image'],
  },
  {
    name: "between two crashes",
    because: "a look while it runs must remember",
    object: pod({
      container: { ready: false, restartCount: 3, state: { running: { startedAt: ago(4) } }, lastState: { terminated: { exitCode: 1, reason: "Error" } } },
    }),
    state: "Degraded",
    reason: "CrashLoopBackOff",
    says: ["3 times"],
  },
  {
    name: "one restart",
    because: "every app whose database was late has one",
    object: pod({
      container: { ready: false, restartCount: 1, state: { running: { startedAt: ago(4) } }, lastState: { terminated: { exitCode: 1, reason: "Error" } } },
    }),
    state: "Progressing",
    reason: "ContainerRestarted",
    says: ["exit code 1"],
  },
  {
    name: "crashes of long ago, now not ready",
    because: "the kubelet has forgotten them too",
    object: pod({
      container: { ready: false, restartCount: 3, state: { running: { startedAt: ago(1200) } }, lastState: { terminated: { exitCode: 1, reason: "Error" } } },
    }),
    state: "Progressing",
    reason: "ContainerNotReady",
    says: [],
  },
  {
    name: "just ended for the third time",
    because: "between the end and the back-off",
    object: pod({ container: { ready: false, restartCount: 2, state: { terminated: { exitCode: 1, reason: "Error" } } } }),
    state: "Degraded",
    reason: "CrashLoopBackOff",
    says: [],
  },

  {
    name: "readiness probe",
    because: "which container, which probe, since when",
    object: pod({ container: { ready: false }, containerSpec: { readinessProbe: { tcpSocket: { port: "http" } } } }),
    state: "Progressing",
    reason: "ReadinessProbeFailing",
    says: ['"app"', "TCP :http", "since 2026-11-22T09:55:00Z"],
  },
  {
    name: "startup probe",
    because: "readiness is not asked before it",
    object: pod({
      container: { ready: false, started: false },
      containerSpec: { startupProbe: { exec: { command: ["pg_isready", "-q"] } }, readinessProbe: { grpc: { port: 9 } } },
    }),
    state: "Progressing",
    reason: "StartupProbeFailing",
    says: ["pg_isready -q", "failureThreshold"],
  },
  {
    name: "readiness gate",
    because: "containers are fine, somebody else is asked",
    object: pod({
      container: { ready: true },
      spec: { readinessGates: [{ conditionType: "example.com/lb" }] },
      conditions: [
        condition("PodScheduled", "True"),
        condition("ContainersReady", "True"),
        condition("Ready", "False", "ReadinessGatesNotReady", 'the status of pod readiness gate "example.com/lb" is not "True", but False'),
      ],
    }),
    state: "Progressing",
    reason: "ReadinessGatesNotReady",
    says: ["example.com/lb"],
  },
  {
    name: "its node went silent",
    because: "Ready was taken away, containers still say ready",
    object: pod({ conditions: [condition("PodScheduled", "True"), condition("ContainersReady", "True"), condition("Ready", "False")] }),
    state: "Degraded",
    reason: "NodeLost",
    says: ["node-1"],
  },
  {
    name: "phase Unknown",
    because: "old clusters say it so",
    object: pod({ status: { phase: "Unknown", reason: "NodeLost" } }),
    state: "Degraded",
    reason: "NodeLost",
    says: [],
  },

  {
    name: "evicted",
    because: "the kubelet says what ran short",
    object: pod({
      status: {
        phase: "Failed",
        reason: "Evicted",
        message: "The node was low on resource: ephemeral-storage. Container app was using 9Gi, request is 0, has larger consumption of ephemeral-storage. ",
      },
    }),
    state: "Degraded",
    reason: "Evicted",
    says: ["ephemeral-storage", "node-1"],
  },
  {
    name: "refused by the kubelet",
    because: "scheduler and kubelet disagreed",
    object: pod({
      status: {
        phase: "Failed",
        reason: "OutOfcpu",
        message: "Pod was rejected: Node didn't have enough resource: cpu, requested: 500, used: 900, capacity: 1000",
      },
    }),
    state: "Degraded",
    reason: "RejectedByNode",
    says: ["OutOfcpu"],
  },
  {
    name: "ended with an error for good",
    because: "restartPolicy Never",
    object: pod({
      spec: { restartPolicy: "Never" },
      container: { ready: false, state: { terminated: { exitCode: 3, reason: "Error" } } },
      status: { phase: "Failed" },
    }),
    state: "Degraded",
    reason: "ContainerFailed",
    says: ["exit code 3"],
  },
  {
    name: "the node was shut down",
    because: "graceful node shutdown",
    object: pod({ status: { phase: "Failed", reason: "Terminated", message: "Pod was terminated in response to imminent node shutdown." } }),
    state: "Degraded",
    reason: "NodeShutdown",
    says: [],
  },

  {
    name: "being made",
    because: "that takes seconds",
    object: waitingPod("ContainerCreating", "", { status: { startTime: ago(5) } }),
    state: "Progressing",
    reason: "Starting",
    says: [],
  },
  {
    name: "volumes for a minute",
    because: "a missing Secret shows only as waiting",
    object: waitingPod("ContainerCreating", "", {
      conditions: [condition("PodScheduled", "True"), condition("PodReadyToStartContainers", "False")],
      spec: {
        volumes: [
          { name: "tls", secret: { secretName: "tls-web" } },
          { name: "data", persistentVolumeClaim: { claimName: "data-web" } },
        ],
      },
    }),
    state: "Progressing",
    reason: "VolumeOrNetworkSlow",
    says: ["Secret tls-web", "PersistentVolumeClaim data-web", "node-1"],
  },
  {
    name: "pulling for a minute",
    because: "sandbox and volumes are there",
    object: waitingPod("ContainerCreating"),
    state: "Progressing",
    reason: "ImagePullSlow",
    says: [image],
  },

  {
    name: "held by gates",
    because: "somebody wants that",
    object: unscheduledPod("", 600, {
      spec: { schedulingGates: [{ name: "example.com/quota" }] },
      conditions: [condition("PodScheduled", "False", "SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates")],
    }),
    state: "Suspended",
    reason: "SchedulingGated",
    says: ["example.com/quota"],
  },
  {
    name: "not scheduled for a moment",
    because: "kstatus gives it 15 s",
    object: unscheduledPod("0/1 nodes are available: 1 Insufficient cpu.", 10),
    state: "Progressing",
    reason: "Unschedulable",
    says: [],
  },
  {
    name: "no scheduler",
    because: "not even a condition after a while",
    object: pod({ spec: { nodeName: undefined, schedulerName: "mine" }, conditions: [], status: { phase: "Pending", containerStatuses: undefined } }),
    state: "Progressing",
    reason: "NoScheduler",
    says: ['"mine"'],
  },
  {
    name: "an unknown phase",
    because: "then we do not know",
    object: pod({ status: { phase: "Odd" } }),
    state: "Unknown",
    reason: "WrongShape",
    says: ["/status/phase"],
  },
];

test.each(cases)("a Pod: $name → $state ($reason)", ({ object, state, reason, says }) => {
  const verdict = look(object);
  expect(verdict).toMatchObject({ state, reason });
  for (const words of says) expect(verdict.message).toContain(words);
});

const unschedulable = [
  {
    because: "cpu and a taint",
    message:
      "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod.",
    says: ["2 of 3 have not enough free cpu", "1 of 3 have a taint", "Lower the pod's requests", "toleration"],
    silent: ["preemption"],
  },
  {
    because: "older wording names the taint",
    message:
      "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
    says: ["node.kubernetes.io/not-ready"],
    silent: [],
  },
  {
    because: "the selector matches nothing",
    message:
      "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
    says: ["labels that nodeSelector or nodeAffinity ask for"],
    silent: [],
  },
  {
    because: "memory",
    message:
      "0/1 nodes are available: 1 Insufficient memory. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.",
    says: ["not enough free memory"],
    silent: ["preemption"],
  },
  {
    because: "a claim without a volume",
    message:
      "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
    says: ["not bound to a volume", "StorageClass"],
    silent: [],
  },
  {
    because: "a claim that is not there",
    message:
      '0/1 nodes are available: persistentvolumeclaim "data" not found. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.',
    says: ['PersistentVolumeClaim "data" does not exist'],
    silent: [],
  },
  { because: "no node at all", message: "0/0 nodes are available: .", says: ["no node"], silent: [] },
  {
    because: "a plugin that we do not know is passed on",
    message: "0/4 nodes are available: 4 node(s) are on holiday.",
    says: ["4 of 4: are on holiday"],
    silent: [],
  },
  { because: "a message that is no list is passed on", message: "nominated node is being drained", says: ["nominated node is being drained"], silent: [] },
];

test.each(unschedulable)("the scheduler's message in plain words: $because", ({ message, says, silent }) => {
  const verdict = look(unscheduledPod(message, 60));
  expect(verdict).toMatchObject({ state: "Degraded", reason: "Unschedulable", evidence: "/status/conditions/0" });
  for (const words of says) expect(verdict.message).toContain(words);
  for (const words of silent) expect(verdict.message).not.toContain(words);
});

test("a pod whose claim waits for its volume names the claim, and not the scheduler", () => {
  const mounting = pod({
    spec: { nodeName: undefined, volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data" } }] },
    conditions: [],
    status: { phase: "Pending", containerStatuses: undefined },
  });
  const claim = (phase: string): KubeObject => ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: "data", namespace: "shop" },
    spec: { storageClassName: "local" },
    status: { phase },
  });
  expect(look(mounting, { children: [claim("Pending")] })).toMatchObject({
    state: "Progressing",
    reason: "WaitingForVolume",
    message: expect.stringContaining("It waits for PersistentVolumeClaim data, which is not bound to a volume yet.") as string,
  });
  expect(look(mounting, { children: [claim("Bound")] })).toMatchObject({ reason: "NoScheduler" });
});

test("both forms of a failing pull give one and the same verdict", () => {
  const detail = `rpc error: code = NotFound desc = failed to resolve image: ${image}: not found`;
  expect(look(waitingPod("ErrImagePull", detail))).toEqual(look(waitingPod("ImagePullBackOff", pulling(detail))));
});

test("an init container's image is looked at, and named as such", () => {
  const object = waitingPod("PodInitializing", "", {
    spec: { initContainers: [{ name: "migrate", image: "registry.example/shop/migrate:9" }] },
    status: {
      phase: "Pending",
      initContainerStatuses: [
        {
          name: "migrate",
          image: "registry.example/shop/migrate:9",
          ready: false,
          started: false,
          restartCount: 0,
          state: { waiting: { reason: "ImagePullBackOff", message: "denied" } },
          lastState: {},
        },
      ],
    },
  });
  const verdict = look(object);
  expect(verdict).toMatchObject({ state: "Degraded", reason: "ImagePullBackOff", evidence: "/status/initContainerStatuses/0/state/waiting" });
  expect(verdict.message).toContain('Init container "migrate"');
});

test("an init container that fails again and again is the reason, not the containers behind it", () => {
  const object = waitingPod("PodInitializing", "", {
    spec: { initContainers: [{ name: "migrate", image: "m" }] },
    status: {
      phase: "Pending",
      initContainerStatuses: [
        { name: "migrate", image: "m", ready: false, restartCount: 4, state: { terminated: { exitCode: 1, reason: "Error" } }, lastState: {} },
      ],
    },
  });
  expect(look(object)).toMatchObject({ state: "Degraded", reason: "CrashLoopBackOff" });
});

test("an init container that runs is an ordinary stage", () => {
  const object = waitingPod("PodInitializing", "", {
    spec: { initContainers: [{ name: "migrate", image: "m" }] },
    status: {
      phase: "Pending",
      initContainerStatuses: [
        { name: "migrate", image: "m", ready: false, started: true, restartCount: 0, state: { running: { startedAt: ago(100) } }, lastState: {} },
      ],
    },
  });
  expect(look(object)).toMatchObject({ state: "Progressing", reason: "InitContainerRunning" });
});

test("the pod is to be looked at again when its 15 seconds without a node are over", () => {
  const object = unscheduledPod("0/1 nodes are available: 1 Insufficient cpu.", 10);
  const first = look(object);
  expect(first.recheckAt).toBe(NOW + 5000);
  expect(look(object, { now: NOW + 5000, previous: first })).toMatchObject({ state: "Degraded", since: NOW + 5000 });
});

test("foreign text in a message is one short line without control characters", () => {
  const verdict = look(crashingPod({ exitCode: 1, message: `\u001b[31mboom\u001b[0m\n${"x".repeat(5000)}` }, 3));
  expect(verdict.message).toContain('It said: "boom xxx');
  expect(verdict.message).not.toMatch(/\p{Cc}/u);
  expect(verdict.message.length).toBeLessThan(800);
});

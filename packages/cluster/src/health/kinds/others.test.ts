import { expect, test } from "vitest";
import { ago, condition, look, NOW, pod, sample, type Part } from "../samples.ts";

const claim = (status: Part, parts: { metadata?: Part; spec?: Part } = {}): ReturnType<typeof sample> =>
  sample("v1", "PersistentVolumeClaim", "data", { ...parts, spec: { storageClassName: "fast", ...parts.spec }, status });
const consumer = pod({ spec: { volumes: [{ name: "d", persistentVolumeClaim: { claimName: "data" } }] } });
const storageClass = (mode: string): ReturnType<typeof sample> => sample("storage.k8s.io/v1", "StorageClass", "fast", { fields: { volumeBindingMode: mode } });
const service = (spec: Part, status: Part = {}): ReturnType<typeof sample> => sample("v1", "Service", "web", { spec, status });
const ingress = (spec: Part, status: Part): ReturnType<typeof sample> =>
  sample("networking.k8s.io/v1", "Ingress", "web", { metadata: { generation: 1 }, spec, status });
const hpa = (conditions: Part[]): ReturnType<typeof sample> => sample("autoscaling/v2", "HorizontalPodAutoscaler", "web", { status: { conditions } });
const pdb = (status: Part): ReturnType<typeof sample> =>
  sample("policy/v1", "PodDisruptionBudget", "web", { metadata: { generation: 1 }, status: { observedGeneration: 1, ...status } });
const crd = (conditions: Part[]): ReturnType<typeof sample> =>
  sample("apiextensions.k8s.io/v1", "CustomResourceDefinition", "widgets.example.com", { status: { conditions } });
const apiService = (conditions: Part[]): ReturnType<typeof sample> =>
  sample("apiregistration.k8s.io/v1", "APIService", "v1beta1.metrics.k8s.io", {
    spec: { service: { namespace: "kube-system", name: "metrics-server" } },
    status: { conditions },
  });
const certificate = (conditions: Part[], status: Part = {}): ReturnType<typeof sample> =>
  sample("cert-manager.io/v1", "Certificate", "web", { metadata: { generation: 1 }, status: { ...status, conditions } });
const noMetrics = (secondsAgo: number): Part[] => [
  condition("AbleToScale", "True", "SucceededGetScale"),
  condition("ScalingActive", "False", "FailedGetResourceMetric", "no metrics returned from resource metrics API", { lastTransitionTime: ago(secondsAgo) }),
];

const cases = [
  { name: "a bound claim", because: "it has its volume", object: claim({ phase: "Bound" }), children: [], state: "Healthy", reason: "Bound" },
  { name: "a lost claim", because: "its volume is gone", object: claim({ phase: "Lost" }), children: [], state: "Degraded", reason: "Lost" },
  {
    name: "a claim without consumer",
    because: "late binding is normal and must not block",
    object: claim({ phase: "Pending" }),
    children: [],
    state: "Suspended",
    reason: "WaitForFirstConsumer",
  },
  {
    name: "a claim of a class that binds at once",
    because: "then somebody should make the volume now",
    object: claim({ phase: "Pending" }),
    children: [storageClass("Immediate")],
    state: "Progressing",
    reason: "Provisioning",
  },
  {
    name: "a claim that a pod waits for",
    because: "now it should be bound",
    object: claim({ phase: "Pending" }),
    children: [consumer],
    state: "Progressing",
    reason: "Binding",
  },
  {
    name: "a claim that a provisioner works on",
    because: "the volume controller asked it",
    object: claim({ phase: "Pending" }, { metadata: { annotations: { "volume.kubernetes.io/storage-provisioner": "ebs.csi.aws.com" } } }),
    children: [],
    state: "Progressing",
    reason: "Provisioning",
  },
  {
    name: "a claim without class on a cluster without default",
    because: "nobody will ever bind it",
    object: claim({ phase: "Pending" }, { spec: { storageClassName: undefined } }),
    children: [],
    state: "Progressing",
    reason: "NoStorageClass",
  },
  {
    name: "a claim for a volume made by hand",
    because: "an empty class asks for that",
    object: claim({ phase: "Pending" }, { spec: { storageClassName: "" } }),
    children: [],
    state: "Progressing",
    reason: "NoVolume",
  },
  {
    name: "a volume that could not be cleaned",
    because: "its provisioner failed",
    object: sample("v1", "PersistentVolume", "pv-1", { status: { phase: "Failed", message: "delete failed" } }),
    children: [],
    state: "Degraded",
    reason: "ReclaimFailed",
  },
  {
    name: "a released volume",
    because: "that is what Retain means",
    object: sample("v1", "PersistentVolume", "pv-1", { status: { phase: "Released" } }),
    children: [],
    state: "Healthy",
    reason: "Released",
  },

  {
    name: "a plain Service",
    because: "it is what it says",
    object: service({ type: "ClusterIP" }, { loadBalancer: {} }),
    children: [],
    state: "Healthy",
    reason: "Exists",
  },
  {
    name: "a Service that waits for its balancer",
    because: "kstatus says Current, but nobody can reach it",
    object: service({ type: "LoadBalancer", clusterIP: "10.0.0.1" }, { loadBalancer: {} }),
    children: [],
    state: "Progressing",
    reason: "NoLoadBalancerAddress",
  },
  {
    name: "a Service with its balancer",
    because: "it has an address",
    object: service({ type: "LoadBalancer" }, { loadBalancer: { ingress: [{ ip: "203.0.113.9" }] } }),
    children: [],
    state: "Healthy",
    reason: "LoadBalancerReady",
  },
  {
    name: "an Ingress without address",
    because: "its controller has not answered",
    object: ingress({ ingressClassName: "nginx" }, { loadBalancer: {} }),
    children: [],
    state: "Progressing",
    reason: "NoIngressAddress",
  },
  {
    name: "an Ingress with address",
    because: "its controller serves it",
    object: ingress({ ingressClassName: "nginx" }, { loadBalancer: { ingress: [{ hostname: "lb.example" }] } }),
    children: [],
    state: "Healthy",
    reason: "AddressAssigned",
  },

  {
    name: "an HPA that can scale",
    because: "its conditions say so",
    object: hpa([condition("AbleToScale", "True", "ReadyForNewScale"), condition("ScalingActive", "True", "ValidMetricFound")]),
    children: [],
    state: "Healthy",
    reason: "ReadyForNewScale",
  },
  {
    name: "an HPA without metrics just after a start",
    because: "metrics take a minute or two",
    object: hpa(noMetrics(60)),
    children: [],
    state: "Progressing",
    reason: "FailedGetResourceMetric",
  },
  {
    name: "an HPA without metrics for long",
    because: "the metrics server is missing",
    object: hpa(noMetrics(180)),
    children: [],
    state: "Degraded",
    reason: "FailedGetResourceMetric",
  },
  {
    name: "an HPA without a target",
    because: "nothing to scale",
    object: hpa([condition("AbleToScale", "False", "FailedGetScale", 'deployments.apps "web" not found')]),
    children: [],
    state: "Degraded",
    reason: "FailedGetScale",
  },
  {
    name: "an HPA whose target is scaled to zero",
    because: "somebody switched it off",
    object: hpa([condition("AbleToScale", "True", "SucceededGetScale"), condition("ScalingActive", "False", "ScalingDisabled")]),
    children: [],
    state: "Healthy",
    reason: "ScalingDisabled",
  },
  {
    name: "an HPA of version 1",
    because: "its conditions stand in an annotation",
    object: sample("autoscaling/v1", "HorizontalPodAutoscaler", "web", {
      metadata: {
        annotations: { "autoscaling.alpha.kubernetes.io/conditions": JSON.stringify([condition("AbleToScale", "False", "FailedGetScale", "gone")]) },
      },
    }),
    children: [],
    state: "Degraded",
    reason: "FailedGetScale",
  },
  {
    name: "an HPA of version 1 with a broken annotation",
    because: "then we do not know",
    object: sample("autoscaling/v1", "HorizontalPodAutoscaler", "web", { metadata: { annotations: { "autoscaling.alpha.kubernetes.io/conditions": "{" } } }),
    children: [],
    state: "Unknown",
    reason: "WrongShape",
  },

  {
    name: "a PDB that allows none",
    because: "protecting is its work",
    object: pdb({ disruptionsAllowed: 0, conditions: [condition("DisruptionAllowed", "False", "InsufficientPods")] }),
    children: [],
    state: "Healthy",
    reason: "InsufficientPods",
  },
  {
    name: "a PDB that cannot count",
    because: "it protects nothing",
    object: pdb({ disruptionsAllowed: 0, conditions: [condition("DisruptionAllowed", "False", "SyncFailed", "found no controllers for pod")] }),
    children: [],
    state: "Degraded",
    reason: "SyncFailed",
  },

  {
    name: "an established CRD",
    because: "its kind is served",
    object: crd([condition("NamesAccepted", "True", "NoConflicts"), condition("Established", "True", "InitialNamesAccepted")]),
    children: [],
    state: "Healthy",
    reason: "Established",
  },
  {
    name: "a CRD being installed",
    because: "the API server is at it",
    object: crd([condition("NamesAccepted", "True", "NoConflicts"), condition("Established", "False", "Installing")]),
    children: [],
    state: "Progressing",
    reason: "Installing",
  },
  {
    name: "a CRD whose names are taken",
    because: "it never will be served",
    object: crd([condition("NamesAccepted", "False", "ShortNamesConflict", '"wd" is already in use'), condition("Established", "False", "NotAccepted")]),
    children: [],
    state: "Degraded",
    reason: "ShortNamesConflict",
  },
  {
    name: "an APIService that answers",
    because: "its backend is up",
    object: apiService([condition("Available", "True", "Passed")]),
    children: [],
    state: "Healthy",
    reason: "Available",
  },
  {
    name: "an APIService that does not",
    because: "it may still come; the deadline decides",
    object: apiService([condition("Available", "False", "MissingEndpoints", "no addresses")]),
    children: [],
    state: "Progressing",
    reason: "MissingEndpoints",
  },

  {
    name: "a Namespace",
    because: "it is there",
    object: sample("v1", "Namespace", "shop", { status: { phase: "Active" } }),
    children: [],
    state: "Healthy",
    reason: "Active",
  },

  {
    name: "a Certificate",
    because: "it is valid",
    object: certificate([condition("Ready", "True", "Ready")], { notAfter: "2027-01-01T00:00:00Z" }),
    children: [],
    state: "Healthy",
    reason: "Ready",
  },
  {
    name: "a Certificate being issued",
    because: "not ready is normal then",
    object: certificate([condition("Ready", "False", "DoesNotExist"), condition("Issuing", "True", "DoesNotExist")]),
    children: [],
    state: "Progressing",
    reason: "Issuing",
  },
  {
    name: "a Certificate that could not be issued",
    because: "that attempt is over",
    object: certificate([condition("Ready", "False", "DoesNotExist"), condition("Issuing", "False", "Failed", "order is invalid")]),
    children: [],
    state: "Degraded",
    reason: "IssuingFailed",
  },
  {
    name: "a Certificate being renewed",
    because: "the old one is still valid",
    object: certificate([condition("Ready", "True", "Ready"), condition("Issuing", "True", "Renewing")]),
    children: [],
    state: "Healthy",
    reason: "Renewing",
  },
];

test.each(cases)("$name → $state", ({ object, children, state, reason }) => {
  expect(look(object, { children })).toMatchObject({ state, reason });
});

test("an ingress class whose controller writes no address can be named", () => {
  expect(look(ingress({ ingressClassName: "traefik" }, {}), { ingressClassesWithoutAddress: ["traefik"] }).state).toBe("Healthy");
  expect(look(ingress({ ingressClassName: "nginx" }, {}), { ingressClassesWithoutAddress: ["traefik"] }).state).toBe("Progressing");
});

const slice = (endpoints: Part[]): ReturnType<typeof sample> => sample("discovery.k8s.io/v1", "EndpointSlice", "web-1", { fields: { endpoints } });

test("a Service that leads nowhere is healthy with a warning", () => {
  const object = service({ type: "ClusterIP", selector: { app: "web" } });
  expect(look(object, { children: [slice([])] })).toMatchObject({ state: "Healthy", warning: expect.stringContaining("matches no pod") as string });
  expect(look(object, { children: [slice([{ conditions: { ready: false } }])] }).warning).toContain("ready");
  expect(look(object, { children: [slice([{ conditions: { ready: true } }])] }).warning).toBeUndefined();
  expect(look(object).warning).toBeUndefined();
});

test("the HPA's grace ends by the clock, and the verdict says when", () => {
  const first = look(hpa(noMetrics(60)));
  expect(first.recheckAt).toBe(NOW + 60_000);
  expect(look(hpa(noMetrics(60)), { now: NOW + 60_000, previous: first }).state).toBe("Degraded");
});

test("a certificate whose renewal failed is healthy with a warning", () => {
  const verdict = look(
    certificate([condition("Ready", "True", "Ready"), condition("Issuing", "False", "Failed", "rate limited")], { notAfter: "2027-01-01T00:00:00Z" }),
  );
  expect(verdict).toMatchObject({ state: "Healthy", warning: expect.stringContaining("rate limited") as string });
});

const leaving = (kind: string, metadata: Part, more: { spec?: Part; status?: Part } = {}): ReturnType<typeof sample> =>
  sample("v1", kind, "gone", { metadata: { deletionTimestamp: ago(120), ...metadata }, ...more });

const deletions = [
  {
    because: "finalizers hold it",
    object: leaving("ConfigMap", { finalizers: ["example.com/a", "example.com/b"] }),
    reason: "FinalizersPending",
    says: "example.com/a, example.com/b",
  },
  { because: "its node does not answer", object: leaving("Pod", {}, { spec: { nodeName: "node-7" } }), reason: "NodeNotConfirming", says: "node-7" },
  { because: "its containers have time to end", object: leaving("Pod", { deletionTimestamp: ago(-30) }), reason: "Deleting", says: "grace period" },
  {
    because: "objects in it have finalizers",
    object: leaving(
      "Namespace",
      {},
      {
        spec: { finalizers: ["kubernetes"] },
        status: {
          phase: "Terminating",
          conditions: [
            condition(
              "NamespaceFinalizersRemaining",
              "True",
              "SomeFinalizersRemain",
              "Some content in the namespace has finalizers remaining: example.com/a in 1 resource instances",
            ),
          ],
        },
      },
    ),
    reason: "FinalizersPending",
    says: "example.com/a in 1 resource instances",
  },
  {
    because: "an aggregated API is down",
    object: leaving(
      "Namespace",
      {},
      {
        status: {
          phase: "Terminating",
          conditions: [condition("NamespaceDeletionDiscoveryFailure", "True", "DiscoveryFailed", "metrics.k8s.io/v1beta1: stale GroupVersion discovery")],
        },
      },
    ),
    reason: "DiscoveryFailed",
    says: "APIService",
  },
];

test.each(deletions)("an object under deletion is Terminating and says why it is still there: $because", ({ object, reason, says }) => {
  const verdict = look(object);
  expect(verdict).toMatchObject({ state: "Terminating", reason });
  expect(verdict.message).toContain(says);
});

const parent = (name: string, conditions: Part[]): Part => ({ parentRef: { name }, controllerName: "example.com/c", conditions });
const seen = (type: string, status: string, generation: number, reason = type, message = ""): Part =>
  condition(type, status, reason, message, { observedGeneration: generation });
const route = (parents: Part[], parentRefs: Part[] = [{ name: "edge" }]): ReturnType<typeof sample> =>
  sample("gateway.networking.k8s.io/v1", "HTTPRoute", "web", { metadata: { generation: 2 }, spec: { parentRefs }, status: { parents } });
const gateway = (status: Part): ReturnType<typeof sample> =>
  sample("gateway.networking.k8s.io/v1", "Gateway", "edge", { metadata: { generation: 2 }, spec: { gatewayClassName: "shiny" }, status });

const gatewayCases = [
  {
    because: "accepted by its gateway",
    object: route([parent("edge", [seen("Accepted", "True", 2), seen("ResolvedRefs", "True", 2)])]),
    state: "Healthy",
    reason: "Accepted",
  },
  {
    because: "its backend does not exist yet: both are made at the same time",
    object: route([parent("edge", [seen("Accepted", "True", 2), seen("ResolvedRefs", "False", 2, "BackendNotFound", "service web not found")])]),
    state: "Progressing",
    reason: "BackendNotFound",
  },
  {
    because: "a listener of its host is being made",
    object: route([
      parent("edge", [
        condition("Accepted", "False", "NoMatchingListenerHostname", "no listener has it", { observedGeneration: 2, lastTransitionTime: ago(10) }),
      ]),
    ]),
    state: "Progressing",
    reason: "NoMatchingListenerHostname",
  },
  {
    because: "its backend may not be used from there",
    object: route([parent("edge", [seen("Accepted", "True", 2), seen("ResolvedRefs", "False", 2, "RefNotPermitted", "service web is in another namespace")])]),
    state: "Degraded",
    reason: "RefNotPermitted",
  },
  {
    because: "the answer is about an older generation",
    object: route([parent("edge", [seen("Accepted", "False", 1, "NoMatchingParent")])]),
    state: "Progressing",
    reason: "GenerationNotObserved",
  },
  {
    because: "one of two gateways is silent",
    object: route([parent("edge", [seen("Accepted", "True", 2)])], [{ name: "edge" }, { name: "inner" }]),
    state: "Progressing",
    reason: "NoParentYet",
  },
  {
    because: "the CRD's defaults mean that nobody has looked",
    object: gateway({
      conditions: [
        condition("Accepted", "Unknown", "Pending", "Waiting for controller"),
        condition("Programmed", "Unknown", "Pending", "Waiting for controller"),
      ],
    }),
    state: "Progressing",
    reason: "Pending",
  },
  {
    because: "programmed",
    object: gateway({
      conditions: [seen("Accepted", "True", 2), seen("Programmed", "True", 2)],
      listeners: [{ name: "https", conditions: [seen("Accepted", "True", 2), seen("ResolvedRefs", "True", 2)] }],
    }),
    state: "Healthy",
    reason: "Programmed",
  },
  {
    because: "a listener's certificate is missing",
    object: gateway({
      conditions: [seen("Accepted", "True", 2), seen("Programmed", "True", 2)],
      listeners: [{ name: "https", conditions: [seen("ResolvedRefs", "False", 2, "InvalidCertificateRef", "secret tls not found")] }],
    }),
    state: "Degraded",
    reason: "InvalidCertificateRef",
  },
];

test.each(gatewayCases)("Gateway API, $because → $state", ({ object, state, reason }) => {
  expect(look(object)).toMatchObject({ state, reason });
});

import type { KubeObject, StoredObject } from "@threeport/resource";
import type { SimCluster } from "../cluster.ts";
import type { Controller } from "../controller.ts";
import { fieldsOf, controlledBy, isReady, podKind, setStatus, type Fields } from "./owned.ts";

const sliceKind = { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice" };

/** Where a Service's pods are, as one EndpointSlice; and an address for those of type LoadBalancer. */
export const serviceController: Controller = {
  name: "services",
  // A pod's Services are not known without looking at all of its namespace: they are found by its key.
  watches: [{ resource: "services" }, { resource: "pods", keys: ({ metadata }) => [`${metadata.namespace ?? ""}/`] }],
  async reconcile(cluster, { namespace, name }) {
    if (name !== "") {
      const service = await cluster.objects.get({ apiVersion: "v1", kind: "Service", namespace, name });
      if (service !== undefined) await look(cluster, service, await podsIn(cluster, namespace));
      return undefined;
    }
    const services = await cluster.objects.list({ apiVersion: "v1", kind: "Service" }, { namespace });
    const pods = services.length === 0 ? [] : await podsIn(cluster, namespace);
    for (const service of services) await look(cluster, service, pods);
    return undefined;
  },
};

async function podsIn({ objects }: SimCluster, namespace: string): Promise<readonly StoredObject[]> {
  return objects.list(podKind, { namespace });
}

async function look(cluster: SimCluster, service: StoredObject, pods: readonly StoredObject[]): Promise<void> {
  if (service.metadata.deletionTimestamp !== undefined) return;
  const spec = fieldsOf(service["spec"]);
  const selector = Object.entries(fieldsOf(spec["selector"]));
  if (spec["type"] === "LoadBalancer" && (fieldsOf(fieldsOf(service["status"])["loadBalancer"])["ingress"] ?? undefined) === undefined)
    await setStatus(cluster, service, { ...fieldsOf(service["status"]), loadBalancer: { ingress: [{ ip: "192.0.2.1", ipMode: "VIP" }] } });
  if (selector.length === 0) return;
  const chosen = pods.filter((pod) => fieldsOf(pod["status"])["podIP"] !== undefined && selector.every(([key, value]) => pod.metadata.labels?.[key] === value));
  await cluster.objects.apply(sliceOf(service, chosen));
}

function sliceOf(service: StoredObject, pods: readonly StoredObject[]): KubeObject {
  const ports = ((fieldsOf(service["spec"])["ports"] as Fields[] | undefined) ?? []).map(({ name, port, targetPort, protocol }) => ({
    name: name ?? "",
    port: typeof targetPort === "number" ? targetPort : port,
    protocol: protocol ?? "TCP",
  }));
  return {
    ...sliceKind,
    metadata: {
      name: `${service.metadata.name}-${service.metadata.uid.slice(-5)}`,
      namespace: service.metadata.namespace ?? "",
      labels: { "kubernetes.io/service-name": service.metadata.name, "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io" },
      ownerReferences: controlledBy(service),
    },
    addressType: "IPv4",
    endpoints: pods.map((pod) => ({
      addresses: [String(fieldsOf(pod["status"])["podIP"])],
      conditions: { ready: isReady(pod), serving: isReady(pod), terminating: false },
      targetRef: { kind: "Pod", namespace: pod.metadata.namespace ?? "", name: pod.metadata.name, uid: pod.metadata.uid },
    })),
    ports,
  };
}

import { conditionsOf, when } from "../conditions.ts";
import { unlessWrong } from "../cursor.ts";
import { degraded, healthy, progressing, type Finding } from "../finding.ts";
import { childrenOf, type Scene } from "../scene.ts";
import { quote } from "../text.ts";

/** A Service is healthy as it stands; one that wants a load balancer needs its address. */
export function service(scene: Scene): Finding {
  const { object } = scene;
  const type = object.text("spec", "type") ?? "ClusterIP";
  if (type === "LoadBalancer") {
    const ports = when(conditionsOf(object), "LoadBalancerPortsError", "True");
    if (ports !== undefined)
      return degraded(
        ports.reason || "LoadBalancerPortsError",
        `The load balancer cannot serve its ports: ${quote(ports.message || ports.reason)}.`,
        ports.pointer,
      );
    if (object.list("status", "loadBalancer", "ingress").length === 0)
      return progressing(
        "NoLoadBalancerAddress",
        "It has no load balancer address yet. The cluster needs something that gives addresses, such as a cloud controller or MetalLB; its events say what went wrong.",
        "/status/loadBalancer/ingress",
      );
  }
  const found = healthy(
    type === "LoadBalancer" ? "LoadBalancerReady" : "Exists",
    type === "LoadBalancer" ? "It has a load balancer address." : "It exists.",
    type === "LoadBalancer" ? "/status/loadBalancer/ingress" : "/spec/type",
  );
  const warning = endpointWarning(scene, type);
  return warning === undefined ? found : { ...found, warning };
}

/** Known only when the caller brought EndpointSlices along; a Service with a selector always has one. */
function endpointWarning(scene: Scene, type: string): string | undefined {
  const slices = childrenOf(scene, "discovery.k8s.io", "EndpointSlice");
  if (type === "ExternalName" || slices.length === 0 || scene.object.keys("spec", "selector").length === 0) return undefined;
  const endpoints = slices.flatMap(({ object }) => unlessWrong(() => object.list("endpoints")) ?? []);
  if (endpoints.some((endpoint) => unlessWrong(() => endpoint.flag("conditions", "ready")) ?? true)) return undefined;
  return endpoints.length === 0
    ? "Its selector matches no pod, so that it leads nowhere. Compare the selector with the pods' labels."
    : "None of the pods behind it is ready, so that it leads nowhere. Look at the pods.";
}

/** An Ingress is served when its controller has written an address, except where the controller never writes one. */
export function ingress({ object, options }: Scene): Finding {
  const ingressClass = object.text("spec", "ingressClassName") ?? object.text("metadata", "annotations", "kubernetes.io/ingress.class");
  if (object.list("status", "loadBalancer", "ingress").length > 0)
    return healthy("AddressAssigned", "Its controller serves it at an address.", "/status/loadBalancer/ingress");
  if (ingressClass !== undefined && options.ingressClassesWithoutAddress.includes(ingressClass))
    return healthy("Exists", `It exists; controllers of class ${quote(ingressClass)} write no address.`, "/spec/ingressClassName");
  const who =
    ingressClass === undefined
      ? "It names no ingress class: check that the cluster has a default one and a controller for it."
      : `Check that the controller of ingress class ${quote(ingressClass)} runs and publishes addresses.`;
  return progressing("NoIngressAddress", `No controller has given it an address yet. ${who}`, "/status/loadBalancer/ingress");
}

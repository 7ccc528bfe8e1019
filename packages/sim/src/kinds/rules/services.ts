import type { KubeObject } from "@threeport/resource";
import { immutable, required } from "./causes.ts";
import { defaults, digestOf, fields, list, type Fields, type Rules } from "./fields.ts";

export const serviceRules: Rules = {
  normalize(service) {
    const spec = fields(service, "spec");
    defaults(spec, { type: "ClusterIP", sessionAffinity: "None", internalTrafficPolicy: "Cluster" });
    const external = spec["type"] === "NodePort" || spec["type"] === "LoadBalancer";
    if (external) defaults(spec, { externalTrafficPolicy: "Cluster" });
    if (spec["type"] === "LoadBalancer") defaults(spec, { allocateLoadBalancerNodePorts: true });
    else delete spec["allocateLoadBalancerNodePorts"];
    for (const port of list(spec["ports"])) {
      defaults(port, { protocol: "TCP", targetPort: port["port"] });
    }
  },
  prepare(service, old) {
    const spec = fields(service, "spec");
    const before = old === undefined ? {} : fields(old, "spec");
    if (spec["type"] === "ExternalName") return;
    defaults(spec, { clusterIP: before["clusterIP"] ?? clusterIpOf(service) });
    defaults(spec, { clusterIPs: before["clusterIPs"] ?? [spec["clusterIP"]], ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" });
    if (spec["type"] === "ClusterIP") {
      if (before["type"] === "ClusterIP" || old === undefined) return;
      // What the old type had been given goes with it.
      delete spec["externalTrafficPolicy"];
      for (const port of list(spec["ports"])) delete port["nodePort"];
      return;
    }
    for (const port of list(spec["ports"])) defaults(port, { nodePort: nodePortOf(service, port) });
  },
  validate(service, old) {
    const spec = fields(service, "spec");
    const causes = list(spec["ports"]).length > 0 || spec["clusterIP"] === "None" || spec["type"] === "ExternalName" ? [] : [required("spec.ports")];
    return [...causes, ...(old !== undefined && spec["type"] !== "ExternalName" ? immutable(service, old, ["spec.clusterIP"]) : [])];
  },
};

/** Addresses come from the object's uid: the same seed gives the same ones, and clusters need no allocator. */
function clusterIpOf({ metadata }: KubeObject): string {
  const [high = 0, low = 0] = digestOf(metadata.uid ?? metadata.name);
  return `10.96.${high}.${Math.max(1, low)}`;
}

function nodePortOf({ metadata }: KubeObject, port: Fields): number {
  return 30_000 + (digestOf(`${metadata.uid ?? metadata.name}|${String(port["port"])}|${String(port["protocol"])}`).readUInt16BE() % 2_768);
}

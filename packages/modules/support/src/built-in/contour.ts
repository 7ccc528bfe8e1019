import { deletionPolicyAnnotation } from "@threeport/cluster";
/**
 * The Gateway API by Contour and Envoy, from the file that the release publishes. Each host that is asked for gets a listener of its own with its
 * certificate, beside the one for plain HTTP.
 */
export const contour = {
  name: "contour",
  spec: {
    service: "gateway",
    version: "1.33.8",
    priority: -100,
    manifests: [
      {
        url: "https://raw.githubusercontent.com/projectcontour/contour/v1.33.8/examples/render/contour-gateway.yaml",
        sha256: "67db5cabd4938cdc2ad13bc3409430abd1fb37810a9724541ab03afb1874a3ae",
      },
    ],
    patches: [
      // Contour looks after the one Gateway that its configuration names: it wants the class, and never answers for it.
      { kind: "GatewayClass", name: "example", merge: { metadata: { name: "contour", annotations: { "threeport.io/ignore-healthcheck": "true" } } } },
      {
        kind: "Gateway",
        name: "contour",
        merge: {
          spec: {
            gatewayClassName: "contour",
            listeners:
              "${[{'name': 'http', 'port': 80, 'protocol': 'HTTP', 'allowedRoutes': {'namespaces': {'from': 'All'}}}] + " +
              "certificates.map(c, {'name': c.name, 'hostname': c.host, 'port': 443, 'protocol': 'HTTPS', " +
              "'tls': {'mode': 'Terminate', 'certificateRefs': [{'group': '', 'kind': 'Secret', 'name': c.secret}]}, 'allowedRoutes': {'namespaces': {'from': 'All'}}})}",
          },
        },
      },
      // A Service brings the traffic in; ports of the node would be in the way of others.
      { kind: "DaemonSet", name: "envoy", remove: ["/spec/template/spec/containers/1/ports/0/hostPort", "/spec/template/spec/containers/1/ports/1/hostPort"] },
      // They may be in use by what is not ours, and go with nothing.
      { kind: "CustomResourceDefinition", merge: { metadata: { annotations: { [deletionPolicyAnnotation]: "orphan" } } } },
    ],
    certificates: { hosts: "${users.map(user, user.values.host)}", namespace: "projectcontour" },
    existing: {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "Gateway",
      when:
        "${has(found.status) && has(found.status.conditions) && found.status.conditions.exists(c, c.type == 'Programmed' && c.status == 'True') && " +
        "found.spec.listeners.exists(l, l.protocol == 'HTTP' && has(l.allowedRoutes) && has(l.allowedRoutes.namespaces) && l.allowedRoutes.namespaces.from == 'All')}",
      outputs: { name: "${found.metadata.name}", namespace: "${found.metadata.namespace}", address: "${found.?status.?addresses[?0].?value}" },
    },
    observe: { service: { apiVersion: "v1", kind: "Service", namespace: "projectcontour", name: "envoy" } },
    outputs: {
      name: "contour",
      namespace: "projectcontour",
      address: "${observed.service.?status.?loadBalancer.?ingress[?0].?ip.or(observed.service.?status.?loadBalancer.?ingress[?0].?hostname)}",
    },
    gracePeriodSeconds: 600,
  },
} as const;

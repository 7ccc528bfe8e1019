import { labels, priority } from "./shared.ts";

const host = "params.?host.orValue(hostLabel + '.' + environment.baseDomain)";
const port = "workload.ports.filter(p, !has(params.port) || p.name == string(params.port) || string(p.port) == string(params.port))[0].port";
const gateway = "'group': 'gateway.networking.k8s.io', 'kind': 'Gateway', 'name': services.gateway.name, 'namespace': services.gateway.namespace";

/** A way from outside to a port of the workload's Service, through the gateway of the runtime. */
export const route = {
  name: "route-v1",
  spec: {
    type: "route",
    class: "default",
    priority,
    params: {
      properties: {
        host: {
          type: "string",
          description: "Host name that it answers to; made of the workload, project and environment unless said.",
          pattern: "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?([.][a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$",
          maxLength: 253,
        },
        path: { type: "string", description: "Beginning of the paths that lead there: / for all.", default: "/", pattern: "^/", maxLength: 1024 },
        port: { description: "Port of the workload's service, by name or number; its only one unless said.", "x-kubernetes-int-or-string": true },
      },
    },
    withWorkload: true,
    allow: { kinds: [{ group: "gateway.networking.k8s.io", kind: "HTTPRoute" }] },
    services: { gateway: { values: { host: `\${${host}}` } } },
    provisioner: {
      manifests: {
        objects: [
          {
            apiVersion: "gateway.networking.k8s.io/v1",
            kind: "HTTPRoute",
            metadata: { name: "${name}", labels },
            spec: {
              parentRefs: `\${environment.https == 'Required' ? [{${gateway}, 'port': 443}] : [{${gateway}}]}`,
              hostnames: [`\${${host}}`],
              rules: [
                {
                  matches: [{ path: { type: "PathPrefix", value: "${params.path}" } }],
                  backendRefs: [
                    {
                      name: "${workload.service}",
                      port: `\${${port}}`,
                    },
                  ],
                },
              ],
            },
          },
          // Only where HTTPS is required: who asks over HTTP is sent there.
          "${environment.https == 'Required' ? optional.of(" +
            "{'apiVersion': 'gateway.networking.k8s.io/v1', 'kind': 'HTTPRoute', 'metadata': {'name': name + '-https'}, " +
            `'spec': {'parentRefs': [{${gateway}, 'port': 80}], 'hostnames': [${host}], ` +
            "'rules': [{'matches': [{'path': {'type': 'PathPrefix', 'value': params.path}}], " +
            "'filters': [{'type': 'RequestRedirect', 'requestRedirect': {'scheme': 'https', 'statusCode': 301}}]}]}}" +
            ") : optional.none()}",
        ],
      },
    },
    outputs: {},
  },
} as const;

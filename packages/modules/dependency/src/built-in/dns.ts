import { priority } from "./shared.ts";

/** A host name below the environment's base domain. Nothing is made: whoever has the domain points `*.<base domain>` at the gateway. */
export const dns = {
  name: "dns-v1",
  spec: {
    type: "dns",
    class: "default",
    priority,
    params: {
      properties: {
        name: {
          type: "string",
          description: "What stands before the base domain; made of the workload, project and environment unless said.",
          pattern: "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?([.][a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$",
        },
      },
    },
    provisioner: { static: {} },
    outputs: {
      host: { value: "${params.?name.orValue(hostLabel)}.${environment.baseDomain}" },
      url: {
        value:
          "${environment.https == 'Required' ? 'https' : 'http'}://${params.?name.orValue(hostLabel)}.${environment.baseDomain}" +
          "${environment.https == 'Required' ? (environment.ports.https == 443 ? '' : ':' + string(environment.ports.https)) : (environment.ports.http == 80 ? '' : ':' + string(environment.ports.http))}",
      },
    },
  },
} as const;

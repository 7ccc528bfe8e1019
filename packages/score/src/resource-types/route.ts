import type { ErrorCause } from "@threeport/resource";
import type { ScoreDocument } from "../document.ts";
import { below, invalid, required, shown } from "../field.ts";
import type { NamedResource } from "./resource-type.ts";

/** A way from outside to a port of the workload's own service. It is provided as dependencies are; what is wrong with it by itself is told at once. */
export const routeType = "route";

export function routeCauses(named: NamedResource, document: ScoreDocument): ErrorCause[] {
  const field = below(named.field, "params");
  const { host, path, port } = named.resource.params ?? {};
  return [...hostCauses(host, below(field, "host")), ...pathCauses(path, below(field, "path")), ...portCauses(port, document, below(field, "port"))];
}

/** A route that names no host answers at the host of the workload's `dns`, where it has one. Files in the wild leave host, path and port out. */
export function withRouteDefaults(named: NamedResource, all: readonly NamedResource[]): NamedResource {
  const { resource } = named;
  const [dns, ...more] = all.filter((each) => each.resource.type === "dns");
  if (resource.type !== routeType || resource.params?.["host"] !== undefined || dns === undefined || more.length > 0) return named;
  return { ...named, resource: { ...resource, params: { ...resource.params, host: `\${resources.${dns.name}.host}` } } };
}

/** Known when it is deployed. */
const isOpen = (value: unknown): boolean => typeof value === "string" && value.includes("${");

function hostCauses(host: unknown, field: string): ErrorCause[] {
  if (host === undefined || isOpen(host)) return [];
  const fits = typeof host === "string" && /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/.test(host);
  return fits ? [] : [invalid(field, `${shown(host)}: must be a host name in lower case, such as shop.example.com, without a scheme and a port`)];
}

function pathCauses(path: unknown, field: string): ErrorCause[] {
  return path === undefined || isOpen(path) || (typeof path === "string" && path.startsWith("/"))
    ? []
    : [invalid(field, `${shown(path)}: a path begins with /`)];
}

function portCauses(port: unknown, document: ScoreDocument, field: string): ErrorCause[] {
  const ports = Object.entries(document.service?.ports ?? {});
  if (ports.length === 0) return [invalid(field, "a route leads to a port of this workload's service, and it has none: add it under service.ports")];
  const names = ports.map(([name, each]) => `${name} (${each.port})`).join(", ");
  if (port === undefined) return ports.length === 1 ? [] : [required(field, `write one of this workload's service ports: ${names}`)];
  if (isOpen(port) || ports.some(([name, each]) => name === String(port) || String(each.port) === String(port))) return [];
  const target = ports.find(([, each]) => String(each.targetPort) === String(port));
  return [
    invalid(
      field,
      target === undefined
        ? `${shown(port)}: this workload's service has the ports ${names}`
        : `${shown(port)}: that is where the container listens; write the service's port, ${target[0]} or ${target[1].port}`,
    ),
  ];
}

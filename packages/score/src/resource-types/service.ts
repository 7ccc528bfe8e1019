import type { ErrorCause } from "@threeport/resource";
import { identityOf } from "../identity.ts";
import { below, invalid, required, shown } from "../field.ts";
import type { ScoreServicePort } from "../document.ts";
import type { NamedResource, ProvisionContext, Provided, ResourceType } from "./resource-type.ts";

/** The name under which another workload of the project is reached: the last part of the resource's id, which is its own name unless said. */
export const serviceType: ResourceType = {
  type: "service",
  outputNames: ["name"],
  params: [],
  check: () => [],
  provide: (named, context, document) => {
    const workload = workloadOf(named, document.metadata.name);
    return context.workloads.has(workload) ? outputs({ name: serviceNameIn(context, workload) }) : { kind: "waiting", workload };
  },
  workloadsOf: (named) => [workloadOf(named, "")],
};

/** Only this name is known to the cluster's DNS. */
export function serviceNameIn({ serviceNames }: ProvisionContext, workload: string): string {
  return serviceNames?.get(workload) ?? workload;
}

export function workloadOf(named: NamedResource, self: string): string {
  const { id } = identityOf(named, self);
  return id.slice(id.lastIndexOf(".") + 1);
}

/** Host and port of another workload's service. The port is the service's, which is the one that can be called. */
export const servicePortType: ResourceType = {
  type: "service-port",
  outputNames: ["hostname", "port"],
  params: ["workload", "port"],
  check: (named) => {
    const params = below(named.field, "params");
    const { workload, port } = named.resource.params ?? {};
    return [
      ...(typeof workload === "string" && workload !== "" ? [] : [required(below(params, "workload"), "name the other workload")]),
      ...((typeof port === "string" && port !== "") || typeof port === "number"
        ? []
        : [required(below(params, "port"), "write the name of the port, or its number")]),
    ];
  },
  provide: (named, context) => portOf(named, context),
  workloadsOf: ({ resource }) => (typeof resource.params?.["workload"] === "string" ? [resource.params["workload"]] : []),
};

function portOf(named: NamedResource, context: ProvisionContext): Provided {
  const { workloads } = context;
  const { workload, port } = named.resource.params ?? {};
  const name = String(workload);
  const ports = workloads.get(name);
  if (ports === undefined) return { kind: "waiting", workload: name };
  const found = portNamed(ports, String(port));
  if (found !== undefined) return outputs({ hostname: serviceNameIn(context, name), port: found.port });
  const cause: ErrorCause = invalid(below(below(named.field, "params"), "port"), `${shown(port)}: workload ${name} ${portsText(ports)}`);
  return { kind: "invalid", causes: [cause] };
}

type Ports = Readonly<Record<string, ScoreServicePort>>;

/** By its name or its number. */
export function portNamed(ports: Ports, wanted: string): ScoreServicePort | undefined {
  return Object.hasOwn(ports, wanted) ? ports[wanted] : Object.values(ports).find((each) => String(each.port) === wanted);
}

export function portsText(ports: Ports): string {
  const there = Object.entries(ports).map(([key, each]) => `${key} (${each.port})`);
  return there.length === 0 ? "has no service ports" : `has the ports ${there.join(", ")}`;
}

export function outputs(values: Readonly<Record<string, unknown>>): Provided {
  return { kind: "outputs", outputs: new Map(Object.entries(values).map(([key, value]) => [key, { value }])) };
}

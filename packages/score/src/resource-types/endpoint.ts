import { below, invalid, shown } from "../field.ts";
import type { ProvisionContext, Provided, NamedResource, ResourceType } from "./resource-type.ts";
import { outputs, portNamed, portsText, serviceNameIn, workloadOf } from "./service.ts";

/** What would describe a stand-in for a workload that is not there; here it is waited for. */
const descriptions = ["openapi_file", "openapi_title", "artifacts", "name", "version"];

/** URL of another workload of the project, which is named as for `service`. */
export const endpointType: ResourceType = {
  type: "endpoint",
  outputNames: ["url", "name"],
  params: ["port", ...descriptions],
  check: (named) => {
    const port = named.resource.params?.["port"];
    const fits = port === undefined || (typeof port === "string" && port !== "") || typeof port === "number";
    return fits ? [] : [invalid(below(below(named.field, "params"), "port"), `${shown(port)}: write the name of the port, or its number`)];
  },
  provide: (named, context, document) => endpointOf(named, context, workloadOf(named, document.metadata.name)),
  workloadsOf: (named) => [workloadOf(named, "")],
};

function endpointOf(named: NamedResource, context: ProvisionContext, workload: string): Provided {
  const ports = context.workloads.get(workload);
  if (ports === undefined) return { kind: "waiting", workload };
  const wanted = named.resource.params?.["port"];
  const [only, ...others] = Object.values(ports);
  const found = wanted === undefined ? (others.length === 0 ? only : undefined) : portNamed(ports, String(wanted));
  const name = serviceNameIn(context, workload);
  if (found !== undefined) return outputs({ url: `http://${name}:${found.port}`, name });
  const what = wanted === undefined ? "say which port" : shown(wanted);
  return { kind: "invalid", causes: [invalid(below(below(named.field, "params"), "port"), `${what}: workload ${workload} ${portsText(ports)}`)] };
}

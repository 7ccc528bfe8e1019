import type { ApiResource, Discovery } from "@threeport/client";
import { PlatformError } from "@threeport/resource";

/** Kinds proposed for a name that is none. */
const proposedMax = 5;

/** The resource that a person means by `wi`, `WorkloadInstance`, `environments.threeport.io`. @throws PlatformError TP_KIND_UNKNOWN */
export function findResource(discovery: Discovery, name: string): ApiResource {
  const [found] = discovery.find(name);
  if (found !== undefined) return found;
  const near = [...new Set(discovery.resources.map((resource) => resource.resource))]
    .filter((plural) => plural.includes(name.toLowerCase().replace(/s$/, "")) || plural.startsWith(name.slice(0, 3).toLowerCase()))
    .slice(0, proposedMax);
  const known =
    near.length > 0
      ? `did you mean ${near.join(", ")}?`
      : `there are ${[...new Set(discovery.resources.map((resource) => resource.resource))].sort().join(", ")}`;
  throw new PlatformError("TP_KIND_UNKNOWN", { message: `the control plane has no kind ${JSON.stringify(name.slice(0, 60))}`, detail: { hint: known } });
}

/** `environment.threeport.io/dev`, as kubectl prints names. */
export function fullName(resource: Pick<ApiResource, "resource" | "singular" | "group">, name: string): string {
  const singular = resource.singular || resource.resource;
  return `${resource.group === "" ? singular : `${singular}.${resource.group}`}/${name}`;
}

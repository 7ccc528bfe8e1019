import { PlatformError } from "@threeport/resource";
import type { ApiResource } from "./api-resource.ts";

export interface PathParts {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

/**
 * The path of a resource, of one object, or of a subresource. A namespace is left out for cluster-scoped resources; without one, a
 * namespaced resource means all namespaces.
 * @throws PlatformError TP_BAD_REQUEST when one object of a namespaced resource is asked for without its namespace, or a name cannot stand in a path
 */
export function resourcePath(resource: Pick<ApiResource, "group" | "version" | "resource" | "namespaced">, parts: PathParts = {}): string {
  const { namespace, name, subresource } = parts;
  let path = resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  if (resource.namespaced && namespace !== undefined) path += `/namespaces/${segment(namespace)}`;
  else if (resource.namespaced && name !== undefined) {
    throw new PlatformError("TP_BAD_REQUEST", { message: `${resource.resource} live in namespaces; say which one "${name}" is in` });
  }
  path += `/${resource.resource}`;
  if (name !== undefined) path += `/${segment(name)}`;
  if (subresource !== undefined) path += `/${segment(subresource)}`;
  return path;
}

/** Object names are not all DNS labels (`system:node` is an RBAC name), but none may climb out of its place in the path. */
function segment(name: string): string {
  if (name === "" || name === "." || name === ".." || /[/%\0]/.test(name)) {
    throw new PlatformError("TP_BAD_REQUEST", { message: `"${name}" cannot be the name of an object` });
  }
  return encodeURIComponent(name).replaceAll("%3A", ":");
}

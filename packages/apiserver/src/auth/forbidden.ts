import { PlatformError } from "@threeport/resource";
import type { User } from "@threeport/store";
import { qualifiedResource, type Attributes } from "./attributes.ts";

/** 403 in the words of Kubernetes. It says the same whether the object is there or not. */
export function forbidden(user: User, attributes: Attributes, why = ""): PlatformError {
  const who = JSON.stringify(user.name);
  const because = why === "" ? "" : `: ${why}`;
  if ("path" in attributes)
    return new PlatformError("TP_FORBIDDEN", {
      message: `forbidden: User ${who} cannot ${attributes.verb} path ${JSON.stringify(attributes.path.slice(0, shownMax))}${because}`,
    });
  const { verb, group, namespace, name } = attributes;
  const resource = group === "" ? attributes.resource : `${attributes.resource}.${group}`;
  const where = namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(namespace.slice(0, shownMax))}`;
  return new PlatformError("TP_FORBIDDEN", {
    message: `${resource}${name === "" ? "" : ` ${JSON.stringify(name.slice(0, shownMax))}`} is forbidden: User ${who} cannot ${verb} resource "${qualifiedResource(attributes)}" in API group "${group}" ${where}${because}`,
    detail: { kind: attributes.resource, group, ...(name === "" ? {} : { name: name.slice(0, shownMax) }) },
  });
}

/** Of what the caller sent only this much is repeated. */
const shownMax = 253;

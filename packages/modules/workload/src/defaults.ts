// What an environment gives to Score workloads that do not say it: replicas, and resources of containers.
import { countedResources, podSpecOf, withPodTemplate, type Environment } from "@threeport/module-environment";
import { fields, items, type KubeObject } from "@threeport/resource";

type Defaults = NonNullable<Environment["spec"]["defaults"]>;

/** Pure. A container that says a request or a limit of a resource has said what it wants of it. */
export function withDefaultResources(object: KubeObject, defaults: Defaults["resources"]): KubeObject {
  if (defaults === undefined) return object;
  const filled = (containers: unknown) => items(containers).map((container) => withResources(fields(container), defaults));
  return withPodTemplate(object, (template) => {
    const spec = podSpecOf(template);
    const init = spec["initContainers"] === undefined ? {} : { initContainers: filled(spec["initContainers"]) };
    return { ...template, spec: { ...spec, ...init, containers: filled(spec["containers"]) } };
  });
}

function withResources(container: Readonly<Record<string, unknown>>, defaults: NonNullable<Defaults["resources"]>): object {
  const { requests, limits, ...others } = fields(container["resources"]);
  const unsaid = countedResources.filter((resource) => fields(requests)[resource] === undefined && fields(limits)[resource] === undefined);
  const complete = (said: unknown, given: Readonly<Record<string, string | undefined>> = {}): Record<string, unknown> => ({
    ...fields(said),
    ...Object.fromEntries(unsaid.flatMap((resource) => (given[resource] === undefined ? [] : [[resource, given[resource]]]))),
  });
  const all = { requests: complete(requests, defaults.requests), limits: complete(limits, defaults.limits) };
  const given = Object.fromEntries(Object.entries(all).filter(([, amounts]) => Object.keys(amounts).length > 0));
  const resources = { ...others, ...given };
  return Object.keys(resources).length === 0 ? container : { ...container, resources };
}

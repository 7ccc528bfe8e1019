import { below, invalid, shown } from "../field.ts";
import type { NamedResource, ResourceType } from "./resource-type.ts";

/** Space that the containers of one pod share, and that goes with the pod. Mounted, not read: it has no outputs. */
export const volumeType: ResourceType = {
  type: "volume",
  outputNames: [],
  params: ["sizeLimit", "medium"],
  check: (named) => {
    const { sizeLimit, medium } = named.resource.params ?? {};
    const params = below(named.field, "params");
    return [
      ...(sizeLimit === undefined || (typeof sizeLimit === "string" && /^[1-9]\d*(?:\.\d+)?(?:[KMGTPE]i?)?$/.test(sizeLimit))
        ? []
        : [invalid(below(params, "sizeLimit"), `${shown(sizeLimit)}: must be bytes as text, such as "256Mi"`)]),
      ...(medium === undefined || medium === "Memory"
        ? []
        : [invalid(below(params, "medium"), `${shown(medium)}: write Memory, or remove it for the node's disk`)]),
    ];
  },
  provide: () => ({ kind: "outputs", outputs: new Map() }),
};

/** The source of the pod's volume. */
export function emptyDirOf({ resource }: NamedResource): object {
  const { sizeLimit, medium } = resource.params ?? {};
  return {
    emptyDir: {
      ...(medium === undefined ? {} : { medium }),
      ...(typeof sizeLimit === "string" ? { sizeLimit: kubernetesBytes(sizeLimit) } : {}),
    },
  };
}

/** The format writes thousands as K, Kubernetes as k. */
export function kubernetesBytes(text: string): string {
  return text.replace(/K$/, "k");
}

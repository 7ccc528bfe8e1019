import { resourcePath, type KubeClient } from "@threeport/client";
import { isErrorCode } from "@threeport/resource";
import { readTree, type TreeNode } from "./tree-node.ts";

/** Where the subresources of deployments are. */
export const instances = { group: "threeport.io", version: "v1alpha1", resource: "workloadinstances", namespaced: true };

/** The tree of a deployment; undefined when there is none. */
export async function fetchTree(
  client: KubeClient,
  instance: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
): Promise<TreeNode | undefined> {
  try {
    return readTree((await client.request(resourcePath(instances, { ...instance, subresource: "tree" }), { signal })).body);
  } catch (error) {
    if (isErrorCode(error, "TP_NOT_FOUND")) return undefined;
    throw error;
  }
}

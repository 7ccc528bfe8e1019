import { namespaceSetName } from "@threeport/module-environment";
import { resourceSetKind, type TreeNode } from "@threeport/cluster";
import { PlatformError } from "@threeport/resource";
import { dependencyNodes } from "./dependency-insight.ts";
import { entriesOf, nodeOf, readInstance, readSet, setNode, type InsightOptions } from "./insight.ts";

/** The instance, its dependencies, its sets, their objects, and what these own. */
export async function instanceTree(options: InsightOptions, name: { readonly namespace: string; readonly name: string }): Promise<{ root: TreeNode }> {
  const instance = await readInstance(options, name);
  const { targetNamespace } = instance.status ?? {};
  const { runtime } = instance.spec;
  const sets = await Promise.all([
    ...(targetNamespace === undefined || runtime === undefined
      ? []
      : [readSet(options, { namespace: name.namespace, name: namespaceSetName({ runtime, targetNamespace }) })]),
    readSet(options, name),
  ]);
  const dependencies = await dependencyNodes(options, name.namespace, instance.status?.claims ?? []);
  const children = await Promise.all(sets.flatMap((set) => (set === undefined ? [] : [setNode(options, set)])));
  return { root: { ...nodeOf(instance), children: [...dependencies, ...children] } };
}

/** The inventory of a set: what it has put into its runtime, with the state of each object. */
export async function setInventory(
  options: InsightOptions,
  name: { readonly namespace: string; readonly name: string },
): Promise<{ items: readonly object[] }> {
  const set = await readSet(options, name);
  if (set === undefined)
    throw new PlatformError("TP_NOT_FOUND", {
      message: `resourcesets.threeport.io "${name.name}" not found`,
      detail: { kind: resourceSetKind.plural, group: resourceSetKind.group, name: name.name },
    });
  return { items: (await entriesOf(options, set)).map(({ id, uid, state, detail: { digest: _, ...detail } }) => ({ id, uid, state, ...detail })) };
}

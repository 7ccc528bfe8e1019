import type { TreeNode } from "./tree-node.ts";

/** What was said about each object, to say only what is new. */
export type Told = ReadonlyMap<string, string>;

/** Lines for what changed since `before`, for output that nothing can move on: one object, one line, no repetition. */
export function treeChanges(before: Told, root: TreeNode): { readonly told: Told; readonly lines: readonly string[] } {
  const told = new Map<string, string>();
  const lines: string[] = [];
  const visit = (node: TreeNode): void => {
    const key = `${node.kind}/${node.name}`;
    const sentence = sentenceOf(node);
    told.set(key, sentence);
    if (sentence !== "" && before.get(key) !== sentence) lines.push(`${key}: ${sentence}`);
    node.children.forEach(visit);
  };
  root.children.forEach(visit);
  for (const key of before.keys()) if (!told.has(key)) lines.push(`${key}: gone`);
  return { told, lines };
}

function sentenceOf({ state, reason, message }: TreeNode): string {
  if (state === "Healthy") return state;
  if (reason === "" && message === "") return state === "Progressing" ? "" : state; // nothing is known yet
  return [state, state === "Suspended" || reason === state ? "" : reason, message].filter((part) => part !== "").join(": ");
}

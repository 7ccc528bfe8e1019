import { plainText } from "../output/terminal.ts";

/** One object in the tree of a deployment, safe to print. */
export interface TreeNode {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string | undefined;
  readonly state: string;
  readonly reason: string;
  readonly message: string;
  readonly children: readonly TreeNode[];
}

/** Nodes that are kept; a screen shows some dozens. */
const nodesMax = 5_000;
/** Instance, set, Deployment, ReplicaSet, Pod, and room for operators that nest. */
const depthMax = 12;

/** Reads the answer of the `tree` subresource; what does not look like a node is left out. */
export function readTree(body: unknown): TreeNode | undefined {
  const budget = { nodes: nodesMax };
  return readNode((body as { root?: unknown } | undefined)?.root, budget, 0);
}

function readNode(value: unknown, budget: { nodes: number }, depth: number): TreeNode | undefined {
  if (typeof value !== "object" || value === null || depth > depthMax || budget.nodes-- <= 0) return undefined;
  const { kind, name, namespace, reason, message, children } = value as Record<string, unknown>;
  const given = (value as Record<string, unknown>)["state"];
  // Unknown for a reason is trouble; without one, nobody has looked at the object yet.
  const state = given === "Unknown" && (reason === undefined || reason === "") ? "Progressing" : given;
  return {
    kind: text(kind),
    name: text(name),
    namespace: typeof namespace === "string" ? text(namespace) : undefined,
    state: text(state),
    reason: text(reason),
    message: text(message),
    children: Array.isArray(children) ? children.flatMap((child: unknown) => readNode(child, budget, depth + 1) ?? []) : [],
  };
}

function text(value: unknown): string {
  return typeof value === "string" ? plainText(value) : "";
}

/** The tree as people think of it: the sets between a deployment and its objects are left out. */
export function withoutSets(node: TreeNode): TreeNode {
  return { ...node, children: node.children.flatMap((child) => (child.kind === "ResourceSet" ? withoutSets(child).children : [withoutSets(child)])) };
}

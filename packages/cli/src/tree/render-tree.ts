import { cut, type Color, type Terminal } from "../output/terminal.ts";
import type { TreeNode } from "./tree-node.ts";

export interface TreePicture {
  readonly terminal: Pick<Terminal, "paint">;
  readonly columns: number;
  /** Rows that may be used; where the tree is longer, what is healthy is folded first, and the rest is counted. */
  readonly rows: number;
  /** What stands in front of an object that is on its way. */
  readonly progressMark: string;
}

const good = new Set(["Healthy", "Suspended"]);
const bad = new Set(["Degraded", "Unknown"]);

interface Line {
  readonly branch: string;
  readonly node: TreeNode;
  readonly folded: number;
}

/** Lines of a tree. Pure: the same tree and picture give the same lines. */
export function treeLines(root: TreeNode, picture: TreePicture): string[] {
  let lines = linesOf(root, { fold: false });
  if (lines.length > picture.rows) lines = linesOf(root, { fold: true });
  const shown = lines.length > picture.rows ? lines.slice(0, Math.max(picture.rows - 1, 1)) : lines;
  const rest = lines.length - shown.length;
  return [...shown.map((line) => draw(line, picture)), ...(rest > 0 ? [picture.terminal.paint("dim", `… and ${rest} more`)] : [])];
}

function linesOf(root: TreeNode, options: { readonly fold: boolean }): Line[] {
  const lines: Line[] = [];
  const visit = (node: TreeNode, branch: string, stem: string): void => {
    const foldable = options.fold && node.children.length > 0 && allGood(node);
    lines.push({ branch, node, folded: foldable ? countOf(node) - 1 : 0 });
    if (foldable) return;
    node.children.forEach((child, index) => {
      const last = index === node.children.length - 1;
      visit(child, `${stem}${last ? "└─ " : "├─ "}`, `${stem}${last ? "   " : "│  "}`);
    });
  };
  visit(root, "", "");
  return lines;
}

function draw({ branch, node, folded }: Line, { terminal, columns, progressMark }: TreePicture): string {
  const { mark, color } = look(node, progressMark);
  const name = `${node.kind}/${node.name}`;
  // Nothing to say about what is well, beside that it is; and the trouble is told once, by the deepest object that has it.
  const told =
    folded > 0
      ? `and ${folded} below it`
      : good.has(node.state) && node.children.length === 0
        ? ""
        : good.has(node.state)
          ? node.reason
          : [node.reason || node.state, toldBelow(node) ? "" : node.message].filter((part) => part !== "").join(": ");
  const room = Math.max(columns - branch.length - 2, 1);
  const head = cut(name, room);
  const tail = told === "" || room - head.length < 4 ? "" : cut(told, room - head.length - 2);
  return `${terminal.paint("dim", branch)}${terminal.paint(color, mark)} ${head}${tail === "" ? "" : `  ${terminal.paint(color === "green" ? "dim" : color, tail)}`}`;
}

function look(node: TreeNode, progressMark: string): { mark: string; color: Color } {
  if (node.state === "Suspended") return { mark: "‖", color: "cyan" };
  if (good.has(node.state)) return { mark: "✔", color: "green" };
  if (bad.has(node.state)) return { mark: "✘", color: "red" };
  return { mark: progressMark, color: "yellow" };
}

/** A failure that an object below has too: its words are the same ones. */
function toldBelow(node: TreeNode): boolean {
  return bad.has(node.state) && node.children.some((child) => bad.has(child.state));
}

function allGood(node: TreeNode): boolean {
  return good.has(node.state) && node.children.every(allGood);
}

function countOf(node: TreeNode): number {
  return 1 + node.children.reduce((sum, child) => sum + countOf(child), 0);
}

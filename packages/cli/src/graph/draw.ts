// Pictures of a graph, as text for the programs that draw them. Pure.
import { plainText } from "../output/terminal.ts";
import type { Graph, GraphEdge, GraphNode } from "./model.ts";

const shapes = {
  WorkloadInstance: "box",
  Dependency: "cylinder",
  DependencyClaim: "note",
  SupportServiceInstance: "component",
  ResourceSet: "folder",
} as const;

/** For Graphviz. */
export function dotText({ project, nodes, edges }: Graph): string {
  return [
    `digraph ${dotQuoted(project)} {`,
    "  rankdir=LR;",
    ...nodes.map(
      (node) =>
        `  ${dotQuoted(node.id)} [shape=${shapes[node.kind]}, label=${dotQuoted(linesOf(node).join("\n"))}${node.ready === "True" ? "" : ", style=dashed"}];`,
    ),
    ...edges.map((edge) => `  ${dotQuoted(edge.from)} -> ${dotQuoted(edge.to)} [label=${dotQuoted(wordOf(edge))}];`),
    "}",
  ].join("\n");
}

/** Inside of quotes only quotes, backslashes and line ends mean anything. */
function dotQuoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}

const brackets = {
  WorkloadInstance: ["[", "]"],
  Dependency: ["[(", ")]"],
  DependencyClaim: ["([", "])"],
  SupportServiceInstance: ["{{", "}}"],
  ResourceSet: ["[[", "]]"],
} as const;

/** For Mermaid. Names there may hold next to nothing, so nodes are numbered. */
export function mermaidText({ nodes, edges }: Graph): string {
  const numbers = new Map(nodes.map(({ id }, index) => [id, `n${index}`]));
  const late = nodes.filter(({ ready }) => ready !== "True").map(({ id }) => numbers.get(id) ?? "");
  return [
    "flowchart LR",
    ...nodes.map((node) => {
      const [open, close] = brackets[node.kind];
      return `  ${numbers.get(node.id) ?? ""}${open}"${linesOf(node).map(mermaidEscaped).join("<br/>")}"${close}`;
    }),
    ...edges.map((edge) => `  ${numbers.get(edge.from) ?? ""} -->|"${mermaidEscaped(wordOf(edge))}"| ${numbers.get(edge.to) ?? ""}`),
    ...(late.length === 0 ? [] : ["  classDef waiting stroke-dasharray: 5 5", `  class ${late.join(",")} waiting`]),
  ].join("\n");
}

/** Everything but plain words as a number, which Mermaid reads back. */
function mermaidEscaped(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N} ._/:()-]/gu, (character) => `#${character.codePointAt(0) ?? 0};`);
}

function linesOf({ kind, name, type, profile, ready }: GraphNode): string[] {
  const what = kind === "Dependency" || kind === "DependencyClaim" ? `${type ?? ""}${profile === undefined ? "" : ` by ${profile}`}` : kind;
  return [plainText(name), plainText(what), ...stateOf(ready)];
}

function stateOf(ready: string): string[] {
  if (ready === "True") return [];
  return [ready === "Unknown" ? "state unknown" : "not ready"];
}

function wordOf({ relation, resource }: GraphEdge): string {
  return resource === undefined ? relation : `${relation} ${plainText(resource)}`;
}

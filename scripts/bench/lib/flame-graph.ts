import type { Stack } from "./cpu-profile.ts";

interface Node {
  readonly label: string;
  ms: number;
  readonly children: Map<string, Node>;
}

const widthPx = 1200;
const rowPx = 16;
/** Narrower frames are left out: nobody could read them, and they are most of the file. */
const narrowestPx = 1.5;
/** Of a label so much fits into a pixel. */
const charactersPerPx = 1 / 6.2;
const topPx = 24;

/** Stacks as an SVG: the wider a frame, the more CPU time was spent in it and in what it called. Frames that call each other in one place stand once. */
export function flameGraph(stacks: readonly Stack[], title: string): string {
  const root: Node = { label: "all", ms: 0, children: new Map() };
  for (const { frames, ms } of stacks) {
    root.ms += ms;
    let node = root;
    for (const { name, file } of frames) {
      const label = file === "" ? name : `${name} (${file.replace(/^packages\//, "").replace("/src/", "/")})`;
      let child = node.children.get(label);
      if (child === undefined) node.children.set(label, (child = { label, ms: 0, children: new Map() }));
      child.ms += ms;
      node = child;
    }
  }
  const rectangles: string[] = [];
  let depthMax = 0;
  const draw = (node: Node, left: number, depth: number): void => {
    const width = (node.ms / root.ms) * widthPx;
    if (width < narrowestPx) return;
    depthMax = Math.max(depthMax, depth);
    const y = topPx + depth * rowPx;
    const shown = node.label.slice(0, Math.floor(width * charactersPerPx));
    rectangles.push(
      `<g><title>${escape(node.label)}: ${((100 * node.ms) / root.ms).toFixed(1)} %</title><rect x="${left.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${rowPx - 1}" fill="${colorOf(node.label)}"/>${
        shown.length < 3 ? "" : `<text x="${(left + 2).toFixed(1)}" y="${y + 11}">${escape(shown)}</text>`
      }</g>`,
    );
    let at = left;
    for (const child of [...node.children.values()].toSorted((a, b) => b.ms - a.ms)) {
      draw(child, at, depth + 1);
      at += (child.ms / root.ms) * widthPx;
    }
  };
  draw(root, 0, 0);
  const height = topPx + (depthMax + 1) * rowPx;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${widthPx} ${height}" font-family="monospace" font-size="10">
<rect width="${widthPx}" height="${height}" fill="#fff"/><text x="4" y="15" font-size="12">${escape(title)}</text>
${rectangles.join("\n")}
</svg>
`;
}

/** One hue for each place, so that neighbours from the same package look alike. */
function colorOf(label: string): string {
  if (/\((?:pg|store\/)/.test(label)) return "#8fb8de";
  if (/\(resource\//.test(label)) return "#a8d08d";
  if (/\(apiserver\//.test(label)) return "#f4c542";
  if (/\((?:engine|server|platform|modules)\//.test(label)) return "#d5a6bd";
  if (/\(node:/.test(label)) return "#e6b8a2";
  return "#d0d0d0";
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

import { durationText } from "../parse.ts";
import { plainText, type Color, type Terminal } from "../output/terminal.ts";
import { isWell, type CauseStep } from "./cause-step.ts";

export interface ChainPicture {
  readonly terminal: Pick<Terminal, "paint">;
  readonly columns: number;
  readonly nowMs: number;
}

/** The way down, one object a line, and then the cause: what, since when, and what shows it. Pure. */
export function chainLines(steps: readonly CauseStep[], picture: ChainPicture): string[] {
  const { paint } = picture.terminal;
  const cause = steps.at(-1);
  if (cause === undefined) return [];
  if (steps.length === 1 && isWell(cause))
    return [`${paint("green", "✔")} ${nameOf(cause)} is healthy${sinceText(cause, picture.nowMs)}: ${plainText(cause.message)}`];
  const way = steps.map((step, index) => `${"  ".repeat(index)}${index === 0 ? "" : "└─ "}${paint(colorOf(step), nameOf(step))}  ${step.reason}`);
  return [
    ...way,
    "",
    ...wrapped(`Cause: ${nameOf(cause)}: ${plainText(cause.message)}`, picture.columns, "       "),
    `Since: ${cause.since === undefined ? "unknown" : `${new Date(cause.since).toISOString().replace(/\.\d+Z$/, "Z")} (${durationText(Math.max(picture.nowMs - cause.since, 0))})`}`,
    ...(cause.deadline === undefined ? [] : [`Until: it counts as failed at ${new Date(cause.deadline).toISOString().replace(/\.\d+Z$/, "Z")}`]),
    ...(cause.evidence === undefined ? [] : wrapped(`Seen:  ${cause.evidence.pointer} = ${plainText(cause.evidence.value)}`, picture.columns, "       ")),
  ];
}

export function nameOf({ kind, namespace, name }: CauseStep): string {
  return plainText(`${kind}/${name}${namespace === undefined || kind === "Namespace" ? "" : ` (${namespace})`}`);
}

function sinceText({ since }: CauseStep, nowMs: number): string {
  return since === undefined ? "" : ` since ${durationText(Math.max(nowMs - since, 0))}`;
}

function colorOf(step: CauseStep): Color {
  if (isWell(step)) return "green";
  return step.state === "Degraded" || step.state === "Unknown" || step.state === "Missing" ? "red" : "yellow";
}

/** Breaks at blanks; what follows the first line is indented. */
function wrapped(text: string, columns: number, indent: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const next = line === "" ? word : `${line} ${word}`;
    if (next.length > columns && line !== "" && line.trim() !== "") {
      lines.push(line);
      line = `${indent}${word}`;
    } else line = next;
  }
  return [...lines, line];
}

import type { Frame, Stack } from "./cpu-profile.ts";

interface CostGroup {
  readonly name: string;
  /** Whether time with this frame as the innermost one that any group knows belongs here. */
  readonly owns: (frame: Frame) => boolean;
}

const inFile =
  (...patterns: readonly RegExp[]) =>
  (frame: Frame): boolean =>
    patterns.some((pattern) => pattern.test(frame.file));

/** Going from the innermost frame out, the first frame that a group owns decides; of several groups the first. */
const groups: readonly CostGroup[] = [
  { name: "garbage collection", owns: (frame) => frame.name === "(garbage collector)" },
  { name: "talking to PostgreSQL: the driver and the system", owns: inFile(/^pg(-|$)/, /store\/src\/(database|flight|shared-get)\.ts$/, /store\/src\/sql\//) },
  { name: "grouping and telling writes", owns: inFile(/store\/src\//) },
  { name: "who manages which fields", owns: inFile(/resource\/src\/apply\//, /pipeline\/managed-fields\.ts$/) },
  { name: "who may do what", owns: inFile(/apiserver\/src\/auth\//, /http\/authenticate\.ts$/) },
  { name: "reading, checking and merging objects", owns: inFile(/packages\/resource\//, /^ajv/, /pipeline\/(admission|body|references)\.ts$/) },
  { name: "UUIDs and clock", owns: inFile(/packages\/platform\//) },
  { name: "the verbs", owns: inFile(/apiserver\/src\/(pipeline|crd|kinds)\//, /apiserver\/src\/[^/]+\.ts$/) },
  { name: "writing answers: node:http, TLS and the system", owns: inFile(/http\/(answer-with|watch-output|join-bytes)\.ts$/) },
  { name: "our HTTP layer", owns: inFile(/apiserver\/src\//, /^prom-client/, /engine\/src\/metrics/) },
  { name: "reconcilers and the rest of the server", owns: inFile(/^packages\//) },
];
const elsewhere = "reading requests: node:http, TLS, streams, timers";

/** Share of each group in all of the time, 0 to 1, largest first. */
export function costShares(stacks: readonly Stack[]): readonly { readonly name: string; readonly share: number }[] {
  const all = stacks.reduce((sum, { ms }) => sum + ms, 0);
  const ms = new Map<string, number>([...groups.map(({ name }) => [name, 0] as const), [elsewhere, 0]]);
  for (const stack of stacks) {
    const name = groupOf(stack);
    ms.set(name, (ms.get(name) ?? 0) + stack.ms);
  }
  return [...ms].map(([name, spent]) => ({ name, share: spent / all })).toSorted((a, b) => b.share - a.share);
}

function groupOf({ frames }: Stack): string {
  for (const frame of frames.toReversed()) {
    const group = groups.find(({ owns }) => owns(frame));
    if (group !== undefined) return group.name;
  }
  return elsewhere;
}

import { readFile, readdir } from "node:fs/promises";
import { join, relative, resolve } from "node:path";

/** V8's CPU profile, as far as it is read here. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
    readonly children?: readonly number[];
  }[];
  /** Microseconds of the system's monotonic clock. */
  readonly startTime: number;
  readonly samples: readonly number[];
  /** Microseconds from one sample to the next. */
  readonly timeDeltas: readonly number[];
}

export interface Frame {
  readonly name: string;
  /** From the repository's folder on; a package's name for what is installed, `node:…` for Node's own, "" for V8's. */
  readonly file: string;
}

/** A time span in milliseconds of the system's monotonic clock. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** One stack, outermost frame first, and the CPU time that was spent in it. */
export interface Stack {
  readonly frames: readonly Frame[];
  readonly ms: number;
}

const repository = resolve(import.meta.dirname, "../../..");
/** What V8 calls time in which the process did nothing, and the root of all stacks. */
const notRunning: readonly string[] = ["(idle)", "(root)"];

/** Stacks of the newest profile in `folder` that were seen within one of the spans. */
export async function readStacks(folder: string, spans: readonly Span[]): Promise<readonly Stack[]> {
  const file = (await readdir(folder)) // their names begin with the time of the process's start
    .filter((name) => name.endsWith(".cpuprofile"))
    .toSorted()
    .at(-1);
  if (file === undefined) throw new Error(`the server left no profile in ${folder}`);
  const profile = JSON.parse(await readFile(join(folder, file), "utf8")) as CpuProfile;
  const parents = new Map<number, number>();
  const frames = new Map<number, Frame>();
  for (const { id, callFrame, children = [] } of profile.nodes) {
    frames.set(id, { name: callFrame.functionName === "" ? "(anonymous)" : callFrame.functionName, file: placeOf(callFrame.url) });
    for (const child of children) parents.set(child, id);
  }
  const microseconds = new Map<number, number>();
  let at = profile.startTime;
  profile.samples.forEach((node, index) => {
    const took = profile.timeDeltas[index] ?? 0;
    at += took;
    if (spans.some(({ from, to }) => at / 1000 >= from && at / 1000 <= to)) microseconds.set(node, (microseconds.get(node) ?? 0) + took);
  });
  return [...microseconds].map(([node, us]) => ({ ms: us / 1000, frames: stackOf(node, parents, frames) })).filter(({ frames: stack }) => stack.length > 0);
}

function stackOf(leaf: number, parents: ReadonlyMap<number, number>, frames: ReadonlyMap<number, Frame>): Frame[] {
  const stack: Frame[] = [];
  for (let node: number | undefined = leaf; node !== undefined; node = parents.get(node)) {
    const frame = frames.get(node);
    if (frame === undefined) continue;
    if (frame.name === "(idle)") return [];
    if (!notRunning.includes(frame.name)) stack.unshift(frame);
  }
  return stack;
}

function placeOf(url: string): string {
  if (!url.startsWith("file://") && !url.startsWith("/")) return url;
  const path = url.startsWith("file://") ? decodeURIComponent(new URL(url).pathname) : url;
  const installed = path.lastIndexOf("/node_modules/");
  return installed < 0 ? relative(repository, path) : path.slice(installed + "/node_modules/".length).replace(/^((?:@[^/]+\/)?[^/]+).*$/, "$1");
}

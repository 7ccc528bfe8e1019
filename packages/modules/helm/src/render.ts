// From a chart and values to objects: the same ones for the same input (design.md §7), else a word about what is in the way.
import { createHash } from "node:crypto";
import { PlatformError, type KubeObject } from "@threeport/resource";
import { loadYamlDocuments } from "@threeport/resource/yaml";
import { describeChart, type Chart } from "./chart.ts";
import type { Charts } from "./charts.ts";
import { withHooks } from "./hooks.ts";
import { outputBytesMax, runTemplate, type HelmProcess } from "./run-helm.ts";

export interface RenderRequest {
  readonly chart: Chart;
  /** What the chart calls `.Release.Name`. */
  readonly release: string;
  readonly namespace: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** Version of Kubernetes that it is rendered for: `v1.36.4`. */
  readonly kubeVersion: string;
  /** APIs, such as `monitoring.coreos.com/v1`, that the chart is told of beside Kubernetes' own. */
  readonly apiVersions: readonly string[];
}

export type Rendered = { readonly objects: readonly KubeObject[] } | { readonly problem: string };

interface RenderTools extends HelmProcess {
  readonly charts: Charts;
  /** Path of helm. */
  readonly program: (signal: AbortSignal) => Promise<string>;
}

/** Runs at most this many helms at once: each is a process of 100 MB. */
const atOnceMax = 2;
/** Rendered charts that are kept in memory: looking again at what has not changed starts no process. */
const keptMax = 64;

/** @returns a function that renders. It throws PlatformError when helm or the chart cannot be had. */
export function createRenderer({ charts, program, ...process }: RenderTools): (request: RenderRequest, signal: AbortSignal) => Promise<Rendered> {
  const kept = new Map<string, Rendered>();
  const turns = limit(atOnceMax);
  return async (request, signal) => {
    // A digest says as much of the chart as all of it.
    const chart = request.chart.sha256 ?? request.chart;
    const key = createHash("sha256")
      .update(JSON.stringify({ ...request, chart }))
      .digest("hex");
    const known = kept.get(key);
    if (known !== undefined) {
      kept.delete(key); // the least recently used one goes first
      kept.set(key, known);
      return known;
    }
    const [helm, file] = await Promise.all([program(signal), charts.pin(request.chart, signal).then((pinned) => charts.file(pinned, signal))]);
    const once = () => turns(() => runTemplate(process, { ...request, helm, file }, signal));
    const [first, second] = await Promise.all([once(), once()]);
    const rendered = judged(request, first, second);
    kept.set(key, rendered);
    const [oldest] = kept.keys();
    if (kept.size > keptMax && oldest !== undefined) kept.delete(oldest);
    return rendered;
  };
}

type Output = Awaited<ReturnType<typeof runTemplate>>;

function judged({ chart }: RenderRequest, first: Output, second: Output): Rendered {
  const what = describeChart(chart);
  if ("problem" in first) return { problem: `${what}: ${first.problem}` };
  const objects = objectsIn(first.text, what);
  if ("problem" in objects || !("text" in second) || first.text === second.text) return objects;
  const other = objectsIn(second.text, what);
  const differing = "problem" in other ? undefined : firstDifference(objects.objects, other.objects);
  // Order alone may differ: maps that a template ranges over.
  if (differing === undefined) return objects;
  return {
    problem: `${what} gives another ${differing} each time it is rendered, which would change it at each look: set the value that it makes up, often a password or a certificate, in values`,
  };
}

function objectsIn(text: string, what: string): Rendered {
  try {
    const { documents } = loadYamlDocuments(text, { file: what, bytesMax: outputBytesMax });
    const objects = documents.flatMap(({ value }) => (isList(value) ? (value["items"] as unknown[]) : [value])).filter((value) => value !== null);
    const strange = objects.find((object) => !isObject(object));
    if (strange !== undefined)
      return {
        problem: `${what} renders to something that is no Kubernetes object, since apiVersion, kind or metadata.name is missing: ${JSON.stringify(strange).slice(0, 200)}`,
      };
    return { objects: withHooks(objects as KubeObject[]) };
  } catch (error) {
    if (error instanceof PlatformError) return { problem: error.message };
    throw error;
  }
}

function isList(value: unknown): value is Record<string, unknown> {
  const { kind, items } = (typeof value === "object" && value !== null ? value : {}) as { kind?: unknown; items?: unknown };
  return kind === "List" && Array.isArray(items);
}

function isObject(value: unknown): value is KubeObject {
  const { apiVersion, kind, metadata } = (typeof value === "object" && value !== null ? value : {}) as Partial<KubeObject>;
  return (
    typeof apiVersion === "string" && typeof kind === "string" && typeof metadata === "object" && typeof metadata.name === "string" && metadata.name !== ""
  );
}

/** `Secret web-redis` of the first object that has no equal on the other side. */
function firstDifference(objects: readonly KubeObject[], others: readonly KubeObject[]): string | undefined {
  const there = new Set(others.map((object) => JSON.stringify(object)));
  const found = objects.find((object) => !there.has(JSON.stringify(object)));
  return found === undefined ? undefined : `${found.kind} ${found.metadata.name}`;
}

function limit(max: number): <T>(run: () => Promise<T>) => Promise<T> {
  let free = max;
  const waiting: (() => void)[] = [];
  return async (run) => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else free--;
    try {
      return await run();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}

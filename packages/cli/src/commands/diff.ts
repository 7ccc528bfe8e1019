import { createTwoFilesPatch } from "diff";
import type { KubeClient } from "@threeport/client";
import { isErrorCode, sortKeys, type JsonObject } from "@threeport/resource";
import { connect } from "../connect.ts";
import { note, say, type CliContext } from "../context.ts";
import { dependency, dependencyClaim, resourceSet, type Dependency, type DependencyClaim } from "../kinds.ts";
import { getIfThere } from "../objects/get-if-there.ts";
import { requireEnvironment } from "../objects/require-environment.ts";
import { plainText, type Color } from "../output/terminal.ts";
import { yamlText } from "../output/yaml.ts";
import { loadWorkloads } from "../workloads/load-workloads.ts";
import { counted } from "../workloads/workload.ts";
import { renderAll, type RenderFlags } from "./render.ts";

/** What `--exit-code` ends with when something would change, as diff and git have it. */
export const differsExitCode = 1;

/** Shows what a deployment of these files would change in the cluster, object by object; changes nothing. */
export async function diff(this: CliContext, flags: RenderFlags & { readonly exitCode: boolean }, ...paths: string[]): Promise<void> {
  const workloads = await loadWorkloads(this, flags, paths);
  await using client = await connect(this);
  await requireEnvironment(client, flags.env, this.signal);
  const rendered = await renderAll(this, client, flags, workloads);
  let changes = 0;
  for (const { instance, objects } of rendered) {
    const applied = await appliedObjects(client, { namespace: flags.project, name: instance }, this.signal);
    const compared = compare(applied, objects);
    for (const change of compared) printChange(this, change);
    changes += compared.length;
    say(this, `${instance}: ${summaryOf(compared, objects.length)}`);
    for (const line of await takenAlong(client, { namespace: flags.project, name: instance }, this.signal)) note(this, line);
  }
  if (flags.exitCode && changes > 0) this.process.exitCode = differsExitCode;
}

/** What a deployment makes its dependencies take: profiles that changed and say `updatePolicy: OnDeploy`. */
async function takenAlong(
  client: KubeClient,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
): Promise<string[]> {
  const { items } = await client.list<DependencyClaim>({ ...dependencyClaim, namespace }, { signal }).catch((error: unknown) => {
    if (isErrorCode(error, "TP_FORBIDDEN")) return { items: [] }; // who may not see them is not told of them
    throw error;
  });
  const claims = items.filter(({ spec }) => spec.workload === name);
  const lines = claims.map(async ({ spec }) => {
    const found = spec.dependency === undefined ? undefined : await getIfThere<Dependency>(client, { ...dependency, namespace, name: spec.dependency }, signal);
    const { update } = found?.status ?? {};
    if (update?.policy !== "OnDeploy") return [];
    return [`notice: a deployment makes ${spec.dependency ?? ""} take generation ${update.generation} of profile ${found?.spec.profile ?? ""}`];
  });
  return (await Promise.all(lines)).flat();
}

export interface Change {
  readonly name: string;
  readonly before: string;
  readonly after: string;
}

/** What a ResourceSet has now. */
export async function appliedObjects(
  client: KubeClient,
  target: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
): Promise<readonly JsonObject[]> {
  const found = await getIfThere<{ spec: { objects: JsonObject[] } }>(client, { ...resourceSet, ...target }, signal);
  return found?.spec.objects ?? [];
}

/** Objects that differ, in the order of what would be there; what would go comes last. */
export function compare(before: readonly JsonObject[], after: readonly JsonObject[]): Change[] {
  const old = new Map(before.map((object) => [nameOf(object), object]));
  const changes: Change[] = [];
  for (const object of after) {
    const name = nameOf(object);
    const was = old.get(name);
    old.delete(name);
    const [text, now] = [was === undefined ? "" : yamlText(sortKeys(was)), yamlText(sortKeys(object))];
    if (text !== now) changes.push({ name, before: text, after: now });
  }
  for (const [name, object] of old) changes.push({ name, before: yamlText(sortKeys(object)), after: "" });
  return changes;
}

function nameOf({ apiVersion, kind, metadata }: JsonObject): string {
  const { name, namespace } = (metadata ?? {}) as { name?: string; namespace?: string };
  return `${String(apiVersion)} ${String(kind)} ${namespace === undefined ? "" : `${namespace}/`}${name ?? ""}`;
}

const colors: Readonly<Record<string, Color>> = { "+": "green", "-": "red", "@": "cyan" };

export function printChange(context: CliContext, { name, before, after }: Change): void {
  const { paint } = context.terminal;
  const [from, to] = [before === "" ? "/dev/null" : name, after === "" ? "/dev/null" : name];
  const lines = createTwoFilesPatch(from, to, before, after, undefined, undefined, { context: 3 })
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("Index:") && !line.startsWith("=====") && !line.startsWith("\\"));
  for (const line of lines) {
    const color = colors[line[0] ?? ""];
    say(context, color === undefined ? plainText(line) : paint(color, plainText(line)));
  }
}

export function summaryOf(changes: readonly Change[], total: number): string {
  if (changes.length === 0) return `nothing would change (${counted(total, "object")})`;
  const count = (which: (change: Change) => boolean): number => changes.filter(which).length;
  const parts = [
    [count(({ before }) => before === ""), "created"],
    [count(({ before, after }) => before !== "" && after !== ""), "changed"],
    [count(({ after }) => after === ""), "removed"],
  ] as const;
  return `${parts
    .filter(([number]) => number > 0)
    .map(([number, what]) => `${number} would be ${what}`)
    .join(", ")} (of ${counted(total, "object")})`;
}

import { createClient, type KubeClient } from "../../../packages/client/src/index.ts";
import { runLoad, type LoadResult } from "./load.ts";
import { cpuMs, pssMiB } from "./process-cost.ts";
import type { SystemUnderTest } from "./system-under-test.ts";
import { waitUntil } from "./wait-until.ts";
import { watchLatency, type WatchLoad, type WatchResult } from "./watch-latency.ts";

export const operations = ["create", "get", "patch", "list", "delete"] as const;
export type Operation = (typeof operations)[number];

export interface Load {
  readonly objects: number;
  readonly callers: number;
  readonly watch: WatchLoad;
}

export interface OperationResult extends LoadResult {
  /** Server CPU of one operation, database included. */
  readonly cpuMsEach: number;
}

export type RoundResult = Readonly<Record<Operation, OperationResult>> & { readonly watch: WatchResult; readonly pssMiB: number };

/** Whole lists of one round: each is heavy, so few are enough. */
const lists = 20;
/** Lists at the same time: what 32 callers would do to either server is wait. */
const listCallers = 2;

/** Data that makes the object about 1 KB of JSON. */
const data = { text: "x".repeat(800) };
const mergePatch = { "content-type": "application/merge-patch+json" };

export type Calls = Readonly<Record<Operation, (index: number) => Promise<unknown>>> & { readonly path: string };

/** Makes a namespace, and the calls that each operation is for the object of an index. */
export async function loadOf(client: KubeClient, namespace: string): Promise<Calls> {
  await client.request("/api/v1/namespaces", { method: "POST", body: { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } } });
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const name = (index: number) => `object-${String(index).padStart(6, "0")}`;
  const at = (index: number) => `${path}/${name(index)}`;
  return {
    path,
    create: (index) =>
      client.request(path, { method: "POST", body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: name(index), labels: { app: "bench" } }, data } }),
    get: (index) => client.request(at(index)),
    patch: (index) => client.request(at(index), { method: "PATCH", headers: mergePatch, body: { data: { patched: String(index) } } }),
    list: () => client.request(path),
    delete: (index) => client.request(at(index), { method: "DELETE" }),
  };
}

/** One round: every operation on every object, in a namespace of its own that is empty again in the end. */
export async function measureRound(system: SystemUnderTest, load: Load, namespace: string): Promise<RoundResult> {
  await using client = createClient(system.connection, { connectionsMax: load.callers });
  const calls = await loadOf(client, namespace);
  const { path } = calls;
  const present = async () => ((await client.request(path)).body as { items: unknown[] }).items.length;
  const all = { count: load.objects, callers: load.callers };
  const measured = async (input: { count: number; callers: number }, call: (index: number) => Promise<unknown>): Promise<OperationResult> => {
    const before = await cpuMs(system.roots);
    const result = await runLoad(input, call);
    return { ...result, cpuMsEach: ((await cpuMs(system.roots)) - before) / input.count };
  };

  const already = await present(); // kube-apiserver puts nothing there without its controllers, but who knows
  const create = await measured(all, calls.create);
  const get = await measured(all, calls.get);
  const patch = await measured(all, calls.patch);
  const list = await measured({ count: lists, callers: listCallers }, calls.list);
  const memory = await pssMiB(system.roots);
  const watch = await watchLatency(system, path, load.watch);
  const removed = await measured(all, calls.delete);
  await waitUntil(async () => ((await present()) === already ? true : undefined), { what: "every object is gone", deadlineMs: 30_000, everyMs: 100 });
  return { create, get, patch, list, delete: removed, watch, pssMiB: memory };
}

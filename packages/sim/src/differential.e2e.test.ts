import { createClient, type KubeClient } from "@threeport/client";
import { describeWithKubernetes, startApiServer, type TestApiServer } from "@threeport/cluster/testing";
import { PlatformError, type KubeObject, type StoredObject } from "@threeport/resource";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startSimulation, type Simulation } from "./simulation.ts";
import { documentOf, generatedKinds } from "./testing/workload-documents.ts";

let real: TestApiServer;
let simulation: Simulation;
let simulated: KubeClient;
let run = 0;
/** The same documents each time: a new difference is a change of ours, or of the release that we compare with. */
const seed = 20_261_126;

/** Times of managedFields, which kube-apiserver leaves out at times; and a list that it writes as null, which no schema of ours allows. */
const untold: ReadonlySet<string> = new Set(["time", "currentMetrics"]);

/** What two servers cannot have in common: identities, numbers, times, and addresses that each gives out by itself. */
function comparable(value: unknown, key = ""): unknown {
  if (["uid", "resourceVersion", "creationTimestamp", "clusterIP", "nodePort", "lastTransitionTime"].includes(key) && value !== null) return `a ${key}`;
  if (key === "clusterIPs") return "addresses";
  if (key.endsWith("controller-uid")) return "a uid";
  if (typeof value === "string" && value.startsWith("kube-api-access-")) return "a volume";
  if (Array.isArray(value)) return value.map((item) => comparable(item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !untold.has(name))
      .map(([name, child]) => [name, comparable(child, name)]),
  );
}

/** The answer, or what was refused: its code and the fields that were told. */
async function answer(call: Promise<unknown>): Promise<unknown> {
  try {
    return comparable(await call);
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    return { refused: error.detail["httpStatus"] ?? error.code, fields: error.causes.map(({ field }) => field).sort() };
  }
}

async function both(call: (client: KubeClient) => Promise<unknown>): Promise<void> {
  const [theirs, ours] = await Promise.all([answer(call(real.client)), answer(call(simulated))]);
  expect(differences(theirs, ours)).toEqual([]);
}

/** One line for each place that differs. */
function differences(theirs: unknown, ours: unknown, path = ""): string[] {
  if (JSON.stringify(theirs) === JSON.stringify(ours)) return [];
  const both_ = [theirs, ours].every((value) => typeof value === "object" && value !== null) && Array.isArray(theirs) === Array.isArray(ours);
  if (!both_) return [`${path}: kube-apiserver has ${JSON.stringify(theirs)}, the simulation ${JSON.stringify(ours)}`];
  const [one, other] = [theirs, ours] as [Record<string, unknown>, Record<string, unknown>];
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].sort().flatMap((key) => differences(one[key], other[key], `${path}.${key}`));
}

describeWithKubernetes("simulated beside real", () => {
  beforeAll(async () => {
    real = await startApiServer();
    simulation = await startSimulation({ factor: 1 });
    const cluster = await simulation.addCluster("one");
    simulated = createClient({ server: cluster.server, caData: simulation.caPem, token: cluster.token });
    for (const client of [real.client, simulated]) {
      const account = { apiVersion: "v1", kind: "ServiceAccount" };
      for (const name of ["default", "robot"])
        await client.apply({ ...account, metadata: { name, namespace: "default" } } as KubeObject, { fieldManager: "test", force: true });
    }
  }, 90_000);
  afterAll(async () => {
    await simulated?.[Symbol.asyncDispose]();
    await simulation?.[Symbol.asyncDispose]();
    await real?.[Symbol.asyncDispose]();
  });

  for (const kind of generatedKinds) {
    test(`a ${kind.kind} is created, applied over and stored as kube-apiserver does it`, async () => {
      await fc.assert(
        fc.asyncProperty(kind.spec, kind.spec, async (first, second) => {
          const target = { apiVersion: kind.apiVersion, kind: kind.kind, namespace: "default" };
          const name = `g-${run++}`;
          await both((client) => client.create<StoredObject>(target, documentOf(kind, name, first)));
          const applied = `g-${run++}`;
          for (const spec of [first, second, first])
            await both(async (client) => (await client.apply(documentOf(kind, applied, spec), { fieldManager: "applier", force: true })).object);
          await both((client) => client.get({ ...target, name: applied }));
        }),
        { numRuns: 25, seed },
      );
    });
  }
});

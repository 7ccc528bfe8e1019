// A simulated cluster beside a real kube-apiserver, both asked the same.
import { createClient, type KubeClient } from "@threeport/client";
import { startApiServer } from "@threeport/cluster/testing";
import { PlatformError, type KubeObject } from "@threeport/resource";
import { expect } from "vitest";
import { startSimulation } from "../simulation.ts";

export interface BesideReal extends AsyncDisposable {
  /** The same call of both must be answered the same, or refused by the same code for the same fields, unless these are not to be compared. */
  both(call: (client: KubeClient) => Promise<unknown>, options?: { readonly fieldsTold?: boolean }): Promise<void>;
  /** Both must refuse in the same words. Answers them. */
  refusal(call: (client: KubeClient) => Promise<unknown>): Promise<string>;
}

export async function openBesideReal(): Promise<BesideReal> {
  await using stack = new AsyncDisposableStack();
  const real = stack.use(await startApiServer());
  const simulation = stack.use(await startSimulation({ factor: 1 }));
  const cluster = await simulation.addCluster("one");
  const simulated = stack.use(createClient({ server: cluster.server, caData: simulation.caPem, token: cluster.token }));
  for (const client of [real.client, simulated])
    for (const name of ["default", "robot"])
      await client.apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace: "default" } } as KubeObject, {
        fieldManager: "test",
        force: true,
      });
  const owned = stack.move();
  return {
    async both(call, { fieldsTold = true } = {}) {
      const [theirs, ours] = await Promise.all([real.client, simulated].map((client) => answer(call(client), fieldsTold)));
      expect(differences(theirs, ours)).toEqual([]);
    },
    async refusal(call) {
      const [theirs, ours] = await Promise.all([words(call(real.client)), words(call(simulated))]);
      expect(ours).toBe(theirs);
      return theirs;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function words(call: Promise<unknown>): Promise<string> {
  return call.then(
    (answered) => `no refusal: ${JSON.stringify(answered)}`,
    (error: unknown) => (error as Error).message,
  );
}

/** Times of managedFields, which kube-apiserver leaves out at times; and a list that it writes as null, which no schema of ours allows. */
const untold: ReadonlySet<string> = new Set(["time", "currentMetrics"]);

/** What two servers cannot have in common: identities, numbers, times, and addresses that each gives out by itself. */
function comparable(value: unknown, key = ""): unknown {
  if (["uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "clusterIP", "nodePort", "lastTransitionTime"].includes(key) && value !== null)
    return `a ${key}`;
  if (key === "clusterIPs") return "addresses";
  if (key.endsWith("controller-uid")) return "a uid";
  if (typeof value === "string" && value.startsWith("kube-api-access-")) return "a volume";
  if (key === "managedFields") return (value as { manager: string; operation: string }[]).map((item) => comparable(item)).toSorted(byManager);
  if (Array.isArray(value)) return value.map((item) => comparable(item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !untold.has(name))
      .map(([name, child]) => [name, comparable(child, name)]),
  );
}

/** Their order hangs on their times, which the real server does not give to who applies what is there already. */
function byManager(a: unknown, b: unknown): number {
  const [one, other] = [a, b].map((entry) => JSON.stringify(entry)) as [string, string];
  return one < other ? -1 : 1;
}

/** The answer, or what was refused: its code and the fields that were told. */
async function answer(call: Promise<unknown>, fieldsTold: boolean): Promise<unknown> {
  try {
    return comparable(await call);
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    return { refused: error.detail["httpStatus"] ?? error.code, ...(fieldsTold ? { fields: error.causes.map(({ field }) => field).sort() } : {}) };
  }
}

/** One line for each place that differs. */
function differences(theirs: unknown, ours: unknown, path = ""): string[] {
  if (JSON.stringify(theirs) === JSON.stringify(ours)) return [];
  const both_ = [theirs, ours].every((value) => typeof value === "object" && value !== null) && Array.isArray(theirs) === Array.isArray(ours);
  if (!both_) return [`${path}: kube-apiserver has ${JSON.stringify(theirs)}, the simulation ${JSON.stringify(ours)}`];
  const [one, other] = [theirs, ours] as [Record<string, unknown>, Record<string, unknown>];
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].sort().flatMap((key) => differences(one[key], other[key], `${path}.${key}`));
}

// PUT, patches, a second field manager and deletes, to a simulated cluster and to a kube-apiserver.
import type { KubeClient } from "@threeport/client";
import { describeWithKubernetes } from "@threeport/cluster/testing";
import type { JsonObject, KubeObject, StoredObject } from "@threeport/resource";
import fc from "fast-check";
import { afterAll, beforeAll, test } from "vitest";
import { openBesideReal, type BesideReal } from "./testing/beside-real.ts";
import { documentOf, generatedKinds, type GeneratedKind } from "./testing/workload-documents.ts";

let beside: BesideReal;
let run = 0;
/** The same documents each time: a new difference is a change of ours, or of the release that we compare with. */
const seed = 20_261_126;

interface Write {
  readonly name: string;
  send(client: KubeClient, target: Target, to: KubeObject): Promise<unknown>;
}
type Target = { readonly apiVersion: string; readonly kind: string; readonly namespace: string; readonly name: string };

const labels = { tier: "front" };
const writes: readonly Write[] = [
  {
    name: "replaced, by its version",
    async send(client, target, to) {
      const { metadata } = await client.get(target);
      return client.update(target, { ...to, metadata: { ...metadata, labels } });
    },
  },
  { name: "replaced, whatever its version", send: (client, target, to) => client.update(target, to) },
  {
    name: "merge-patched",
    send: (client, target, { spec }: KubeObject & { spec?: unknown }) => client.patch(target, { metadata: { labels }, spec }, { type: "merge" }),
  },
  {
    name: "strategically patched",
    send: (client, target, { spec }: KubeObject & { spec?: unknown }) => client.patch(target, { metadata: { labels }, spec }, { type: "strategic" }),
  },
  {
    name: "JSON-patched",
    send: (client, target, { spec }: KubeObject & { spec?: unknown }) =>
      client.patch(
        target,
        [
          { op: "add", path: "/metadata/labels", value: labels },
          { op: "replace", path: "/spec", value: spec },
        ],
        { type: "json" },
      ),
  },
  { name: "applied by a second manager", send: async (client, _target, to) => (await client.apply(to, { fieldManager: "second", force: false })).object },
  { name: "taken over by a second manager", send: async (client, _target, to) => (await client.apply(to, { fieldManager: "second", force: true })).object },
];

function targetOf(kind: GeneratedKind): Target {
  return { apiVersion: kind.apiVersion, kind: kind.kind, namespace: "default", name: `w-${run++}` };
}

describeWithKubernetes("writes to a simulated cluster beside real ones", () => {
  beforeAll(async () => {
    beside = await openBesideReal();
  }, 90_000);
  afterAll(() => beside?.[Symbol.asyncDispose]());

  for (const kind of generatedKinds) {
    for (const write of writes) {
      test(`a ${kind.kind} is ${write.name} as kube-apiserver does it`, async () => {
        await fc.assert(
          fc.asyncProperty(kind.spec, kind.spec, async (first: JsonObject, second: JsonObject) => {
            const target = targetOf(kind);
            await beside.both(async (client) => (await client.apply(documentOf(kind, target.name, first), { fieldManager: "applier", force: true })).object);
            // Of a Job's selector, which nobody may change, kube-apiserver tells more than one problem.
            await beside.both((client) => write.send(client, target, documentOf(kind, target.name, second)), { fieldsTold: kind.kind !== "Job" });
            await beside.both((client) => client.get<StoredObject>(target));
          }),
          { numRuns: 8, seed },
        );
      });
    }

    test(`a ${kind.kind} is deleted with each propagation as kube-apiserver does it`, async () => {
      for (const propagationPolicy of ["Background", "Foreground", "Orphan", undefined] as const) {
        const target = targetOf(kind);
        const [spec] = fc.sample(kind.spec, { numRuns: 1, seed });
        await beside.both((client) => client.create(target, documentOf(kind, target.name, spec ?? {})));
        await beside.both((client) => client.delete(target, propagationPolicy === undefined ? {} : { propagationPolicy }));
      }
    });
  }
});

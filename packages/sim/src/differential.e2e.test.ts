import { describeWithKubernetes } from "@threeport/cluster/testing";
import type { StoredObject } from "@threeport/resource";
import fc from "fast-check";
import { afterAll, beforeAll, test } from "vitest";
import { openBesideReal, type BesideReal } from "./testing/beside-real.ts";
import { documentOf, generatedKinds } from "./testing/workload-documents.ts";

let beside: BesideReal;
let run = 0;
/** The same documents each time: a new difference is a change of ours, or of the release that we compare with. */
const seed = 20_261_126;

describeWithKubernetes("simulated beside real", () => {
  beforeAll(async () => {
    beside = await openBesideReal();
  }, 90_000);
  afterAll(() => beside?.[Symbol.asyncDispose]());

  for (const kind of generatedKinds) {
    test(`a ${kind.kind} is created, applied over and stored as kube-apiserver does it`, async () => {
      await fc.assert(
        fc.asyncProperty(kind.spec, kind.spec, async (first, second) => {
          const target = { apiVersion: kind.apiVersion, kind: kind.kind, namespace: "default" };
          const name = `g-${run++}`;
          await beside.both((client) => client.create<StoredObject>(target, documentOf(kind, name, first)));
          const applied = `g-${run++}`;
          for (const spec of [first, second, first])
            await beside.both(async (client) => (await client.apply(documentOf(kind, applied, spec), { fieldManager: "applier", force: true })).object);
          await beside.both((client) => client.get({ ...target, name: applied }));
        }),
        { numRuns: 25, seed },
      );
    });
  }
});

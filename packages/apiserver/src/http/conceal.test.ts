import { expect, test } from "vitest";
import { userWith } from "../testing/access.ts";
import { secrets } from "../testing/paths.ts";
import { openTestApi } from "../testing/test-api.ts";

const canary = "Y2FuYXJ5LXZhbHVlLW9mLWEtc2VjcmV0";

test("I13: who may write and delete Secrets but not get them reads no value in any answer, dry runs, tables and refusals included", async () => {
  await using api = await openTestApi();
  const writer = await userWith(api, "writer", {
    here: [{ apiGroups: [""], resources: ["secrets"], verbs: ["create", "update", "patch", "delete", "deletecollection"] }],
  });
  const secret = (name: string, metadata: object = {}) => ({ apiVersion: "v1", kind: "Secret", metadata: { name, ...metadata }, data: { password: canary } });
  await api.call("POST", secrets, { body: secret("s", { finalizers: ["test.threeport.io/hold"], annotations: { note: canary } }) });
  const jsonPatch = { "content-type": "application/json-patch+json" };
  const table = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" };
  const copy = (path: string) => JSON.stringify([{ op: "copy", from: "/data/password", path }]);
  const answers = [
    await writer("PATCH", `${secrets}/s`, { body: { metadata: { labels: { a: "b" } } } }),
    await writer("PATCH", `${secrets}/s?dryRun=All`, { body: { metadata: { labels: { a: "c" } } } }),
    await writer("PATCH", `${secrets}/s`, {
      body: { metadata: { labels: { a: "d" } } },
      headers: { ...table, "content-type": "application/merge-patch+json" },
    }),
    await writer("PATCH", `${secrets}/s?includeObject=Object`, { body: {}, headers: { ...table, "content-type": "application/merge-patch+json" } }),
    await writer("PATCH", `${secrets}/s`, { body: copy("/metadata/labels/stolen"), headers: jsonPatch }),
    await writer("PATCH", `${secrets}/s`, { body: copy("/metadata/annotations/stolen"), headers: jsonPatch }),
    await writer("PATCH", `${secrets}/s`, { body: copy("/type"), headers: jsonPatch }),
    await writer("PATCH", `${secrets}/s`, { body: copy("/metadata/finalizers/0"), headers: jsonPatch }),
    await writer("PATCH", `${secrets}/s`, { body: copy("/metadata/name"), headers: jsonPatch }),
    await writer("PATCH", `${secrets}/s`, { body: copy("/metadata/namespace"), headers: jsonPatch }),
    await writer("PATCH", `${secrets}/s`, { body: copy("/kind"), headers: jsonPatch }),
    await writer("PATCH", `${secrets}/s`, { body: copy("/unknown"), headers: jsonPatch }),
    await writer("PATCH", `${secrets}/s`, { body: JSON.stringify([{ op: "test", path: "/data/password", value: "x" }]), headers: jsonPatch }),
    await writer("DELETE", `${secrets}/s`),
    await writer("DELETE", secrets),
  ];
  for (const [index, answer] of answers.entries())
    expect(answer.text + JSON.stringify(answer.headers), `answer ${index} (${answer.status})`).not.toContain(canary);
  expect(answers.slice(0, 4).map((answer) => answer.status)).toEqual([200, 200, 200, 200]);
  expect(answers[0]?.body.metadata).toMatchObject({ name: "s", namespace: "default" });
  const reader = await userWith(api, "reader", { here: [{ apiGroups: [""], resources: ["secrets"], verbs: ["patch", "get"] }] });
  expect((await reader("PATCH", `${secrets}/s`, { body: { metadata: { labels: { a: "e" } } } })).text).toContain(canary);
});

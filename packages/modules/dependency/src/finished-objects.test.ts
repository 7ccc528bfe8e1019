import { expect, test } from "vitest";
import type { KubeObject } from "@threeport/resource";
import { finishedObjects } from "./finished-objects.ts";

const secret = (name: string, value: string): KubeObject =>
  ({ apiVersion: "v1", kind: "Secret", metadata: { name }, stringData: { key: value } }) as KubeObject;
const running = (kind: string, podSpec: object, apiVersion = "apps/v1"): KubeObject =>
  ({ apiVersion, kind, metadata: { name: "it" }, spec: { template: { spec: { containers: [{ name: "a" }], ...podSpec } } } }) as KubeObject;
const markOf = (objects: readonly KubeObject[]): string | undefined => {
  const { template } =
    (
      finishedObjects(objects, { pullSecret: false, digest: (content) => `of ${content}` }).at(-1) as {
        spec?: { template?: { metadata?: { annotations?: Record<string, string> } } };
      }
    ).spec ?? {};
  return template?.metadata?.annotations?.["threeport.io/secrets-digest"];
};
const variable = { containers: [{ name: "a", env: [{ name: "P", valueFrom: { secretKeyRef: { name: "s", key: "key" } } }] }] };

test.each<[string, object]>([
  ["a variable", variable],
  ["all variables of it", { containers: [{ name: "a", envFrom: [{ secretRef: { name: "s" } }] }] }],
  ["an init container's variable", { initContainers: variable.containers }],
  ["files", { volumes: [{ name: "v", secret: { secretName: "s" } }] }],
  ["files beside others", { volumes: [{ name: "v", projected: { sources: [{ secret: { name: "s" } }] } }] }],
])("pods that read a Secret of the profile as %s are replaced when it changes, and by nothing else", (_, podSpec) => {
  const mark = markOf([secret("s", "one"), secret("other", "one"), running("Deployment", podSpec)]);
  expect(mark).toBeDefined();
  expect(markOf([secret("s", "two"), secret("other", "one"), running("Deployment", podSpec)])).not.toBe(mark);
  expect(markOf([secret("s", "one"), secret("other", "two"), running("Deployment", podSpec)])).toBe(mark);
});

test("pods that read one value of a Secret stay when another one changes", () => {
  const two = (key: string, other: string) => ({ ...secret("s", key), stringData: { key, other } }) as KubeObject;
  const mark = markOf([two("one", "one"), running("StatefulSet", variable)]);
  expect(markOf([two("one", "two"), running("StatefulSet", variable)])).toBe(mark);
  expect(markOf([two("two", "one"), running("StatefulSet", variable)])).not.toBe(mark);
});

test.each<[string, KubeObject]>([
  ["a Job, whose template cannot change", running("Job", variable, "batch/v1")],
  ["pods that read a Secret of somebody else", running("Deployment", { volumes: [{ name: "v", secret: { secretName: "theirs" } }] })],
  ["pods that read none", running("StatefulSet", {})],
])("%s is left as it is", (_, object) => {
  expect(markOf([secret("s", "one"), object])).toBeUndefined();
});

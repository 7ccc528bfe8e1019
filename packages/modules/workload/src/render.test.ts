import { expect, test } from "vitest";
import type { KubeObject } from "@threeport/resource";
import { renderManifests, replicasOf, scalableIn } from "./render.ts";

const document = (kind: string, name: string, spec: object = {}, apiVersion = "apps/v1"): KubeObject => ({ apiVersion, kind, metadata: { name }, spec });
const settings = document("ConfigMap", "c", {}, "v1");
const render = (objects: readonly KubeObject[], replicas?: number) => renderManifests({ objects, definition: "app", instance: "app", replicas });

test("replicas of an instance go into its one scalable object, whatever that says itself, and into nothing else", () => {
  const web = document("Deployment", "web", { replicas: 2, paused: false });
  const [first, second] = render([settings, web], 5);
  expect([first?.["spec"], second?.["spec"]]).toEqual([{}, { replicas: 5, paused: false }]);
  expect(render([document("StatefulSet", "db")], 0)[0]?.["spec"]).toEqual({ replicas: 0 });
  expect(web["spec"]).toEqual({ replicas: 2, paused: false }); // the release's document stays as it was
});

test("without replicas the documents stay as written", () => {
  expect(render([document("Deployment", "web", { replicas: 2 })])[0]?.["spec"]).toEqual({ replicas: 2 });
});

test("which object is meant is clear only when there is exactly one that can be scaled", () => {
  const cases: [readonly KubeObject[], string | undefined][] = [
    [[settings], undefined],
    [[settings, document("Deployment", "web")], "web"],
    [[document("Deployment", "web"), document("StatefulSet", "db")], undefined],
    [[document("Deployment", "web"), document("DaemonSet", "log"), document("Job", "once", {}, "batch/v1")], "web"],
    [[document("ReplicationController", "old", {}, "v1")], "old"],
    [[document("Deployment", "other", {}, "example.com/v1")], undefined],
  ];
  for (const [objects, wanted] of cases) expect(scalableIn(objects)?.metadata.name).toBe(wanted);
});

test("a document that does not say how often it runs, runs once", () => {
  expect([replicasOf(document("Deployment", "a")), replicasOf(document("Deployment", "a", { replicas: 0 }))]).toEqual([1, 0]);
});

test("asked for new pods, the templates that can change change, and nothing else does", () => {
  const template = { metadata: { annotations: { a: "b" } }, spec: { containers: [] } };
  const documents = ["Deployment", "StatefulSet", "DaemonSet", "Job"].map((kind) => document(kind, "x", { template }, kind === "Job" ? "batch/v1" : "apps/v1"));
  const rendered = renderManifests({ objects: documents, definition: "app", instance: "app", restartedAt: "2026-01-02T03:04:05Z" });
  const annotations = rendered.map((object) => (object["spec"] as { template: typeof template }).template.metadata.annotations);
  const changed = { a: "b", "threeport.io/restarted-at": "2026-01-02T03:04:05Z" };
  expect(annotations).toEqual([changed, changed, changed, { a: "b" }]);
});

import type { StoredObject } from "@threeport/resource";
import { expect, test } from "vitest";
import { fieldsOf } from "../../controllers/owned.ts";
import { openScene, workload } from "../../testing/scene.ts";

const container = { name: "main", image: "example.com/app:1" };
const toleration = { key: "k", operator: "Exists" };

const changes = [
  { name: "another container", spec: { containers: [container, { ...container, name: "more" }], tolerations: [] }, fields: ["spec.containers"] },
  { name: "a toleration that goes", spec: { tolerations: [] }, fields: ["spec.tolerations"] },
  { name: "another command", spec: { containers: [{ ...container, command: ["x"] }] }, fields: ["spec"] },
  {
    name: "a mount of what is no volume",
    spec: { containers: [{ ...container, volumeMounts: [{ name: "gone", mountPath: "/x" }] }] },
    fields: ["spec.containers[0].volumeMounts[0].name", "spec"],
  },
  {
    name: "a probe that asks in two ways",
    spec: { containers: [{ ...container, livenessProbe: { exec: { command: ["true"] }, tcpSocket: { port: 1 } } }] },
    fields: ["spec.containers[0].livenessProbe.tcpSocket", "spec"],
  },
];
for (const { name, spec, fields } of changes) {
  test(`${name} in a pod that is there is refused by ${fields.join(" and ")}`, async () => {
    await using scene = await openScene();
    const pod = await scene.create(workload("Pod", "p", { containers: [container], tolerations: [toleration] }));
    const kept = fieldsOf(pod["spec"]);
    const refused = scene.cluster.objects.commit<StoredObject>(pod, { ...pod, spec: { ...kept, ...spec } });
    await expect(refused).rejects.toMatchObject({ code: "TP_INVALID", causes: fields.map((field) => expect.objectContaining({ field }) as object) });
  });
}

import { createClient } from "@threeport/client";
import type { KubeObject, StoredObject } from "@threeport/resource";
import { expect, test } from "vitest";
import { conditionOf } from "../controllers/owned.ts";
import { deployment, openScene, template, workload, type Scene } from "../testing/scene.ts";

const hook = (spec: object = {}, kind = "ValidatingWebhookConfiguration"): KubeObject =>
  ({
    apiVersion: "admissionregistration.k8s.io/v1",
    kind,
    metadata: { name: "policy" },
    webhooks: [
      {
        name: "check.example.com",
        clientConfig: { service: { name: "policy", namespace: "default", path: "/validate" } },
        rules: [{ operations: ["CREATE", "UPDATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"] }],
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        ...spec,
      },
    ],
  }) as unknown as KubeObject;
const configMap = (name: string, labels: Record<string, string> = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default", labels },
  data: { a: "b" },
});
const service = workload("Service", "policy", { selector: { app: "policy" }, ports: [{ port: 443, targetPort: 8443 }] });
const refusal =
  'Internal error occurred: failed calling webhook "check.example.com": failed to call webhook: Post "https://policy.default.svc:443/validate?timeout=10s": ';

async function withHook(spec?: object, kind?: string): Promise<Scene> {
  const scene = await openScene();
  await scene.create(service);
  await scene.create(hook(spec, kind));
  return scene;
}

test("a webhook with nobody behind its Service refuses what it is for, by HTTP as a real cluster does", async () => {
  await using scene = await withHook();
  await using client = createClient({ server: scene.cluster.server, caData: scene.simulation.caPem, token: scene.cluster.token });
  const sent = client.request("/api/v1/namespaces/default/configmaps", { method: "POST", body: configMap("a") as never });
  await expect(sent).rejects.toMatchObject({ code: "TP_INTERNAL", message: `${refusal}no endpoints available for service "policy"` });
  await scene.create(workload("Service", "other", { ports: [{ port: 80 }] }));
});

test("it takes writes again when its pods are ready, and refuses them when they are not", async () => {
  await using scene = await withHook();
  await expect(scene.create(configMap("a"))).rejects.toThrow("no endpoints available");
  await scene.create(deployment("policy", { replicas: 1, template: template("policy") }));
  await scene.seconds(5);
  await scene.create(configMap("a"));
  scene.simulation.faults.add({ kind: "unready", pod: /^policy-/ });
  await scene.seconds(2);
  await expect(scene.create(configMap("b"))).rejects.toThrow(`${refusal}no endpoints available for service "policy"`);
  await scene.cluster.objects.delete({ apiVersion: "v1", kind: "Service", namespace: "default", name: "policy" });
  await expect(scene.create(configMap("b"))).rejects.toThrow(`${refusal}service "policy" not found`);
});

test("updates and dry runs are refused too, deletes only where a rule says so, and the configuration can always go", async () => {
  await using scene = await openScene();
  const stored = await scene.create(configMap("a"));
  await scene.create(service);
  await scene.create(hook({ rules: [{ operations: ["*"], apiGroups: ["*"], apiVersions: ["*"], resources: ["*"] }] }));
  await expect(scene.cluster.objects.commit(stored, { ...stored, data: {} } as StoredObject)).rejects.toThrow("failed calling webhook");
  const target = { apiVersion: "v1", kind: "ConfigMap", namespace: "default", name: "a" };
  await expect(scene.cluster.objects.delete(target)).rejects.toThrow("failed calling webhook");
  await scene.cluster.objects.delete({ apiVersion: "admissionregistration.k8s.io/v1", kind: "ValidatingWebhookConfiguration", name: "policy" });
  await scene.cluster.objects.delete(target);
});

const passing = [
  { name: "may be ignored", spec: { failurePolicy: "Ignore" } },
  { name: "is for another kind", spec: { rules: [{ operations: ["*"], apiGroups: ["apps"], apiVersions: ["*"], resources: ["*"] }] } },
  { name: "is for other operations", spec: { rules: [{ operations: ["DELETE"], apiGroups: [""], apiVersions: ["v1"], resources: ["*"] }] } },
  { name: "is for subresources", spec: { rules: [{ operations: ["*"], apiGroups: [""], apiVersions: ["v1"], resources: ["*/status"] }] } },
  { name: "selects other objects", spec: { objectSelector: { matchLabels: { team: "data" } } } },
  {
    name: "leaves the namespace out",
    spec: { namespaceSelector: { matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "NotIn", values: ["default"] }] } },
  },
  { name: "is outside of the cluster", spec: { clientConfig: { url: "https://policy.example.com" } } },
];
for (const { name, spec } of passing) {
  test(`a webhook that ${name} refuses nothing`, async () => {
    await using scene = await withHook(spec);
    await scene.create(configMap("a", { team: "web" }));
  });
}

test("a mutating webhook that is down refuses as well; controllers whose pods are refused say so", async () => {
  await using scene = await withHook(
    { rules: [{ operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] }] },
    "MutatingWebhookConfiguration",
  );
  await scene.create(deployment("web", { replicas: 1 }));
  await scene.seconds(5);
  const web = (await scene.get("Deployment", "web")) as StoredObject;
  expect(conditionOf(web, "ReplicaFailure")).toMatchObject({ reason: "FailedCreate", message: `${refusal}no endpoints available for service "policy"` });
});

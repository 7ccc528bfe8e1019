import type { KubeObject } from "@threeport/resource";
import { expect, test } from "vitest";
import { conditionOf, fieldsOf } from "../controllers/owned.ts";
import { deployment, openScene, template, workload, type Scene } from "../testing/scene.ts";

const quota = (hard: object, spec: object = {}): KubeObject => workload("ResourceQuota", "small", { hard, ...spec });
const pod = (name: string, resources: object = {}, spec: object = {}): KubeObject =>
  workload("Pod", name, { containers: [{ name: "main", image: "example.com/app:1", resources }], ...spec });
const configMap = (name: string): KubeObject => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "default" } });
const used = async (scene: Scene): Promise<unknown> => fieldsOf((await scene.get("ResourceQuota", "small"))?.["status"])["used"];

async function withQuota(hard: object, spec: object = {}): Promise<Scene> {
  const scene = await openScene();
  await scene.create(quota(hard, spec));
  await scene.seconds(1);
  return scene;
}

test("pods are refused when the quota has no room for what they ask for, and taken again when others went", async () => {
  await using scene = await withQuota({ pods: "2", "requests.cpu": "1", "limits.memory": "1Gi" });
  const resources = { requests: { cpu: "400m" }, limits: { memory: "256Mi" } };
  await scene.create(pod("a", resources));
  await scene.create(pod("b", resources));
  expect(await used(scene)).toEqual({ pods: "2", "requests.cpu": "800m", "limits.memory": "512Mi" });
  await expect(scene.create(pod("c", resources))).rejects.toMatchObject({
    code: "TP_FORBIDDEN",
    message:
      'pods "c" is forbidden: exceeded quota: small, requested: pods=1,requests.cpu=400m, used: pods=2,requests.cpu=800m, limited: pods=2,requests.cpu=1',
  });
  await scene.cluster.objects.delete({ apiVersion: "v1", kind: "Pod", namespace: "default", name: "a" });
  await scene.seconds(1);
  expect(await used(scene)).toEqual({ pods: "1", "requests.cpu": "400m", "limits.memory": "256Mi" });
  await scene.create(pod("c", resources));
});

test("a quota of compute resources demands that every container says them", async () => {
  await using scene = await withQuota({ "requests.memory": "1Gi", "limits.cpu": "2" });
  const message = 'pods "p" is forbidden: failed quota: small: must specify limits.cpu for: main; requests.memory for: main';
  await expect(scene.create(pod("p"))).rejects.toMatchObject({ message });
});

test("A1: of many at once only as many come as the quota has room for", async () => {
  await using scene = await withQuota({ "count/configmaps": "3" });
  const results = await Promise.allSettled(["a", "b", "c", "d", "e", "f"].map((name) => scene.create(configMap(name))));
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
  expect(String((results.find(({ status }) => status === "rejected") as PromiseRejectedResult).reason)).toContain(
    "exceeded quota: small, requested: count/configmaps=1, used: count/configmaps=3, limited: count/configmaps=3",
  );
});

test("A2: pods that ended give back what they asked for, and still count as objects", async () => {
  await using scene = await withQuota({ pods: "1", "count/pods": "5" });
  await scene.create(pod("job", {}, { restartPolicy: "Never" }));
  expect(await used(scene)).toEqual({ pods: "1", "count/pods": "1" });
  await scene.seconds(5);
  expect(await used(scene)).toEqual({ pods: "0", "count/pods": "1" });
});

const counted = [
  {
    name: "load balancers",
    hard: { "services.loadbalancers": "0", services: "5" },
    object: workload("Service", "s", { type: "LoadBalancer", ports: [{ port: 80 }] }),
    says: "requested: services.loadbalancers=1, used: services.loadbalancers=0, limited: services.loadbalancers=0",
  },
  {
    name: "storage of a class",
    hard: { "standard.storageclass.storage.k8s.io/requests.storage": "1Gi" },
    object: workload("PersistentVolumeClaim", "c", {
      storageClassName: "standard",
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: "2Gi" } },
    }),
    says: "requested: standard.storageclass.storage.k8s.io/requests.storage=2Gi",
  },
  {
    name: "Deployments",
    hard: { "count/deployments.apps": "0" },
    object: deployment("web"),
    says: 'deployments.apps "web" is forbidden: exceeded quota: small',
  },
];
for (const { name, hard, object, says } of counted) {
  test(`a quota counts ${name}`, async () => {
    await using scene = await withQuota(hard);
    await expect(scene.create(object)).rejects.toMatchObject({ message: expect.stringContaining(says) as string });
  });
}

test("a quota with scopes is about the pods that it means", async () => {
  await using scene = await withQuota({ pods: "0" }, { scopes: ["BestEffort"] });
  await scene.create(pod("burstable", { requests: { cpu: "1m" } }));
  await expect(scene.create(pod("best-effort"))).rejects.toMatchObject({ message: expect.stringContaining("exceeded quota") as string });
});

test("a Deployment whose pods are refused says so, as does its ReplicaSet by an Event, and goes on when there is room", async () => {
  await using scene = await withQuota({ pods: "1" });
  await scene.create(deployment("web", { replicas: 2 }));
  await scene.seconds(5);
  await scene.create(workload("StatefulSet", "db", { replicas: 1, serviceName: "db", selector: { matchLabels: { app: "db" } }, template: template("db") }));
  await scene.seconds(5);
  const web = await scene.get("Deployment", "web");
  expect(conditionOf(web ?? deployment("x"), "ReplicaFailure")).toMatchObject({
    status: "True",
    reason: "FailedCreate",
    message: expect.stringMatching(/^pods "web-\w+-\w+" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1$/) as string,
  });
  const told = (await scene.events("FailedCreate")).map((event) => String(event["message"]));
  expect(told.some((message) => message.startsWith('Error creating: pods "web-'))).toBe(true);
  expect(told.some((message) => message.startsWith('create Pod db-0 in StatefulSet db failed error: pods "db-0" is forbidden'))).toBe(true);
  await scene.change("ResourceQuota", "small", { hard: { pods: "9" } });
  await scene.seconds(30);
  const mended = await scene.get("Deployment", "web");
  expect(mended?.["status"]).toMatchObject({ availableReplicas: 2 });
  expect(conditionOf(mended ?? deployment("x"), "ReplicaFailure")).toBeUndefined();
  expect((await scene.get("StatefulSet", "db"))?.["status"]).toMatchObject({ readyReplicas: 1 });
});

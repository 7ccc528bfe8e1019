import { expect, test, vi } from "vitest";
import { isErrorCode, type KubeObject } from "@threeport/resource";
import { definition, instance } from "./testing/documents.ts";
import { environments, instances, openTestControlPlane, releases } from "./testing/test-control-plane.ts";

const rbac = "rbac.authorization.k8s.io";

test("P2: a developer with edit in his project deploys only into environments that he may use, and his release is made by the control plane", async () => {
  await using plane = await openTestControlPlane();
  const objects = [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: { a: "b" } }];
  // A runtime that never becomes reachable is enough: what is asked here is who may say what.
  await plane.create({ apiVersion: "v1", kind: "Secret", metadata: { name: "k", namespace: "default" }, stringData: { kubeconfig: "none" } });
  const group = "threeport.io/v1alpha1";
  await plane.create({
    apiVersion: group,
    kind: "KubernetesRuntimeInstance",
    metadata: { name: "r" },
    spec: { provider: "kubeconfig", kubeconfig: { secretRef: { namespace: "default", name: "k" } } },
  });
  for (const name of ["dev", "production"]) await plane.create({ apiVersion: group, kind: "Environment", metadata: { name }, spec: { runtime: "r" } });
  const subjects = [{ kind: "User", apiGroup: rbac, name: "jane" }];
  const bind = (name: string, role: string, namespace?: string): KubeObject => ({
    apiVersion: `${rbac}/v1`,
    kind: namespace === undefined ? "ClusterRoleBinding" : "RoleBinding",
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    roleRef: { apiGroup: rbac, kind: "ClusterRole", name: role },
    subjects,
  });
  await plane.create(bind("jane", "edit", "default"));
  const rule = { apiGroups: ["threeport.io"], resources: ["environments"], resourceNames: ["dev"], verbs: ["get", "use"] };
  await plane.create({ apiVersion: `${rbac}/v1`, kind: "ClusterRole", metadata: { name: "use-dev" }, rules: [rule] } as KubeObject);
  await plane.create(bind("jane-dev", "use-dev"));

  const headers = { "impersonate-user": "jane" };
  const write = (object: KubeObject, plural: string) =>
    plane.client.request(`/apis/${group}/namespaces/default/${plural}`, {
      method: "POST",
      body: JSON.stringify(object),
      headers: { ...headers, "content-type": "application/json" },
    });
  await vi.waitFor(() => write(definition("app", objects), "workloaddefinitions"), { timeout: 5_000 });
  await write(instance("app-dev", "app"), "workloadinstances");
  await expect(write(instance("app-production", "app", { environment: "production" }), "workloadinstances")).rejects.toSatisfy(
    (error) =>
      isErrorCode(error, "TP_FORBIDDEN") &&
      String(error).includes('cannot use resource "environments"') &&
      String(error).includes("spec.environment refers to it"),
  );
  await expect(
    plane.client.request(`/apis/${group}/environments`, {
      method: "POST",
      body: JSON.stringify({ apiVersion: group, kind: "Environment", metadata: { name: "own" }, spec: { runtime: "r" } }),
      headers: { ...headers, "content-type": "application/json" },
    }),
  ).rejects.toSatisfy((error) => isErrorCode(error, "TP_FORBIDDEN"));
  await vi.waitFor(async () => expect(await plane.get(releases, "app-1")).toBeDefined(), { timeout: 10_000 });
  expect((await plane.get(instances, "app-dev"))?.["spec"]).toMatchObject({ environment: "dev" });
  expect(await plane.get(environments, "own")).toBeUndefined();
});

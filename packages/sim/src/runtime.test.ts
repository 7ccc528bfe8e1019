import { configMap } from "@threeport/cluster/testing";
import { openTestControlPlane, resourceSets, runtimes } from "@threeport/server/testing";
import type { KubeObject, StoredObject } from "@threeport/resource";
import { expect, test } from "vitest";
import { startSimulation } from "./simulation.ts";

const group = "threeport.io/v1alpha1";

test(
  "a simulated cluster is a runtime: it becomes Ready by its kubeconfig, sets are applied to it, and what leaves a set is pruned",
  { timeout: 60_000 },
  async () => {
    await using simulation = await startSimulation({ factor: 1 });
    const cluster = await simulation.addCluster("one");
    await using plane = await openTestControlPlane();
    await plane.addRuntime("simulated", cluster.kubeconfig);
    await plane.ready(runtimes, "simulated");
    const lease = await cluster.objects.get({ apiVersion: "coordination.k8s.io/v1", kind: "Lease", namespace: "kube-system", name: "threeport-control-plane" });
    expect(lease).toBeDefined();
    const set = { apiVersion: group, kind: "ResourceSet", metadata: { name: "app", namespace: "default" } };
    const service = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", namespace: "default" },
      spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
    };
    const objects = [configMap("default", "settings"), service];
    await plane.create({ ...set, spec: { runtime: "simulated", objects } } as unknown as KubeObject);
    await plane.ready(resourceSets, "app");
    const stored = await cluster.objects.get<StoredObject & { spec: { clusterIP?: string } }>({
      apiVersion: "v1",
      kind: "Service",
      namespace: "default",
      name: "web",
    });
    expect(stored?.spec.clusterIP).toMatch(/^10\.96\./);
    await plane.change(resourceSets, "app", (object) => {
      (object as unknown as { spec: { objects: unknown[] } }).spec.objects = [service];
    });
    await plane.ready(resourceSets, "app");
    expect(await cluster.objects.get({ apiVersion: "v1", kind: "ConfigMap", namespace: "default", name: "settings" })).toBeUndefined();
  },
);

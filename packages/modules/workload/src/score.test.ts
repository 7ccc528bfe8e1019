import { afterAll, beforeAll, expect, test } from "vitest";
import { systemRandom } from "@threeport/platform";
import type { KubeObject, StoredObject } from "@threeport/resource";
import { describeWithKubernetes, runPods, startApiServer, type PodRunner, type TestApiServer } from "@threeport/cluster/testing";
import { until } from "@threeport/engine/testing";
import {
  conditionOf,
  definitions,
  environment,
  environments,
  instance,
  instances,
  openTestControlPlane,
  releases,
  runtimes,
  type TestControlPlane,
} from "@threeport/server/testing";
import type { Release, WorkloadDefinition, WorkloadInstance } from "./index.ts";

describeWithKubernetes("a Score workload from document to pods", () => {
  let server: TestApiServer;
  let pods: PodRunner;
  let plane: TestControlPlane;
  beforeAll(async () => {
    server = await startApiServer({
      controllers: ["deployment", "replicaset", "serviceaccount", "garbagecollector", "namespace", "endpointslice", "clusterrole-aggregation"],
    });
    pods = runPods(server.client);
    plane = await openTestControlPlane();
    await plane.addRuntime("one", server.kubeconfig);
    await plane.ready(runtimes, "one");
    await plane.create({ ...environment("dev", "one"), spec: { runtime: "one", variables: { LEVEL: "debug" } } });
  });
  afterAll(async () => {
    await plane?.[Symbol.asyncDispose]();
    await pods?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  const fresh = (prefix: string): string => `${prefix}-${systemRandom.suffix(5)}`;
  const workload = (name: string, more: { variables?: object; resources?: object; ports?: object; image?: string } = {}): KubeObject => ({
    apiVersion: "threeport.io/v1alpha1",
    kind: "WorkloadDefinition",
    metadata: { name, namespace: "default" },
    spec: {
      source: {
        score: {
          document: {
            apiVersion: "score.dev/v1b1",
            metadata: { name },
            ...(more.ports === undefined ? {} : { service: { ports: more.ports } }),
            containers: { web: { image: more.image ?? "example.com/app:1", variables: more.variables ?? {} } },
            ...(more.resources === undefined ? {} : { resources: more.resources }),
          },
        },
      },
    },
  });
  const live = async (kind: string, name: string): Promise<StoredObject | undefined> =>
    server.client.get<StoredObject>({ apiVersion: kind === "Deployment" ? "apps/v1" : "v1", kind, namespace: "default-dev", name }).catch(() => undefined);
  const variable = async (name: string, key: string): Promise<string | undefined> => {
    const spec = (await live("Deployment", name))?.["spec"] as
      | { template: { spec: { containers: { env?: { name: string; value: string }[] }[] } } }
      | undefined;
    return spec?.template.spec.containers[0]?.env?.find((entry) => entry.name === key)?.value;
  };

  test("two workloads find each other by name, in whatever order they come; a changed port reaches who calls it", { timeout: 60_000 }, async () => {
    const [front, back] = [fresh("front"), fresh("back")];
    const resources = { api: { type: "service-port", params: { workload: back, port: "web" } } };
    await plane.create(workload(front, { variables: { URL: "http://${resources.api.hostname}:${resources.api.port}" }, resources }));
    await plane.create(instance(front, front));
    expect((await plane.reason(instances, front, "WaitingForWorkload")).message).toBe(
      `waits for workload ${back}, which is not deployed in environment dev: deploy it, or correct the name under resources`,
    );
    await plane.create(workload(back, { ports: { web: { port: 80, targetPort: 8080 } } }));
    await plane.create(instance(back, back));
    const ready = await plane.ready<WorkloadInstance>(instances, front);
    expect(ready.status).toMatchObject({ objects: "1/1", uses: [back] });
    expect(await variable(front, "URL")).toBe(`http://${back}:80`);
    // Each goes its own way: the one that calls may be there first.
    const served = await until("the Service", () => live("Service", back));
    expect(served["spec"]).toMatchObject({ ports: [{ name: "web", port: 80, targetPort: 8080 }] });
    expect((await plane.get<Release>(releases, `${front}-1`))?.spec.images).toEqual([{ container: "web", image: "example.com/app:1" }]);
    await plane.change<WorkloadDefinition & StoredObject>(definitions, back, (object) => {
      object.spec.source = (workload(back, { ports: { web: { port: 81, targetPort: 8080 } } }) as unknown as WorkloadDefinition).spec.source;
    });
    await until("the new port", async () => (await variable(front, "URL")) === `http://${back}:81`);
    // What is different about the other one in this environment counts: its Service has that name, and that port.
    await plane.change<WorkloadInstance & StoredObject>(instances, back, (object) => {
      object.spec.values = { metadata: { annotations: { "k8s.score.dev/service-name": `${back}-api` } }, service: { ports: { web: { port: 82 } } } };
    });
    await until("the name of the Service", async () => (await variable(front, "URL")) === `http://${back}-api:82`);
    const renamed = await until("the renamed Service", () => live("Service", `${back}-api`));
    expect(renamed["spec"]).toMatchObject({ ports: [{ name: "web", port: 82 }] });
  });

  test("values of the environment and of the instance reach the containers, and their changes too", { timeout: 60_000 }, async () => {
    const name = fresh("values");
    await plane.create(workload(name, { variables: { LEVEL: "${resources.env.LEVEL}", SIZE: "small" }, resources: { env: { type: "environment" } } }));
    await plane.create(instance(name, name, { values: { containers: { web: { variables: { SIZE: "large" } } } } }));
    await plane.ready(instances, name);
    expect([await variable(name, "LEVEL"), await variable(name, "SIZE")]).toEqual(["debug", "large"]);
    await plane.change<WorkloadInstance & StoredObject>(instances, name, (object) => {
      object.spec.values = { containers: { web: { variables: { SIZE: "large", LEVEL: null } } } };
    });
    await until("a value that is removed here", async () => (await variable(name, "LEVEL")) === undefined);
    await plane.change<WorkloadInstance & StoredObject>(instances, name, (object) => {
      object.spec.values = { containers: { web: { variables: { SIZE: "large" } } } };
    });
    await plane.change(environments, "dev", (object) => {
      (object["spec"] as { variables: object }).variables = { LEVEL: "info" };
    });
    await until("the new level", async () => (await variable(name, "LEVEL")) === "info");
    await plane.change<WorkloadInstance & StoredObject>(instances, name, (object) => {
      object.spec.values = { containers: { web: { variabels: {} } } };
    });
    expect((await plane.reason(instances, name, "ValuesInvalid")).message).toContain("containers.web.variabels: Unknown field: did you mean variables?");
    expect(await variable(name, "SIZE")).toBe("large"); // what runs stays
  });

  test("a document that is wrong is refused with its fields, and one without its image says so", async () => {
    const name = fresh("wrong");
    const wrong = workload(name, { variables: { PORT: 8080, A: "${resources.db.host}" } });
    await expect(plane.create(wrong)).rejects.toMatchObject({
      code: "TP_INVALID",
      causes: [{ field: "spec.source.score.document.containers.web.variables.PORT" }],
    });
    await expect(plane.create({ ...workload(name), metadata: { name: `${name}-other`, namespace: "default" } })).rejects.toMatchObject({
      causes: [{ field: "spec.source.score.document.metadata.name" }],
    });
    await plane.create(workload(name, { image: "." }));
    await plane.create(instance(name, name));
    const stalled = await plane.reason(instances, name, "ScoreInvalid");
    expect(stalled.message).toContain("containers.web.image: Invalid value: the image");
    expect(conditionOf(await plane.get(instances, name), "Stalled")?.status).toBe("True");
  });
});

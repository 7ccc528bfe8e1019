// Charts as workloads, over a simulated cluster.
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemRandom } from "@threeport/platform";
import { isErrorCode, type KubeObject, type PlatformError, type StoredObject } from "@threeport/resource";
import { until } from "@threeport/engine/testing";
import { describeWithHelm, packChart, type ChartFiles } from "@threeport/module-helm/testing";
import {
  definitions,
  environment,
  instance,
  instances,
  openTestControlPlane,
  releases,
  runtimes,
  type Kind,
  type TestControlPlane,
} from "@threeport/server/testing";
import { startSimulation, workloadControllers, type Simulation } from "@threeport/sim";

const group = "threeport.io/v1alpha1";
const dependencies: Kind = { apiVersion: group, kind: "Dependency", namespaced: true };

describeWithHelm("charts as workloads", () => {
  let simulation: Simulation;
  let plane: TestControlPlane;
  beforeAll(async () => {
    simulation = await startSimulation({ factor: 20, controllers: workloadControllers });
    plane = await openTestControlPlane();
    await plane.addRuntime("one", (await simulation.addCluster("one")).kubeconfig);
    await plane.ready(runtimes, "one");
    await plane.create(environment("dev", "one"));
  });
  afterAll(async () => {
    await plane?.[Symbol.asyncDispose]();
    await simulation?.[Symbol.asyncDispose]();
  });

  const fresh = (prefix: string): string => `${prefix}${systemRandom.suffix(5)}`;
  type Live = StoredObject & { spec: Record<string, unknown>; data?: Record<string, string> };
  const live = async (apiVersion: string, kind: string, name: string): Promise<Live | undefined> =>
    simulation.clusters.get("one")?.objects.get<Live>({ apiVersion, kind, namespace: "default-dev", name });

  const template = `apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}"}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: "{{ .Release.Name }}"}}
  template:
    metadata: {labels: {app: "{{ .Release.Name }}"}}
    spec:
      containers:
      - name: main
        image: "{{ .Values.image }}"
        env:
        - {name: ADDRESS, value: "{{ .Values.address }}"}
        - name: PASSWORD
          valueFrom: {secretKeyRef: {name: "{{ .Values.existingSecret }}", key: password}}
---
apiVersion: v1
kind: Service
metadata: {name: "{{ .Release.Name }}"}
spec: {selector: {app: "{{ .Release.Name }}"}, ports: [{name: web, port: 80, targetPort: {{ .Values.port }}}]}
`;
  const files: ChartFiles = {
    "values.yaml": "replicas: 1\nimage: example.com/app:1\naddress: none\nexistingSecret: none\nport: 8080\n",
    "templates/all.yaml": template,
  };
  const define = async (name: string, helm: object, chart: ChartFiles = files): Promise<StoredObject> =>
    plane.create({
      apiVersion: group,
      kind: "WorkloadDefinition",
      metadata: { name, namespace: "default" },
      spec: { source: { helm: { chart: { archive: (await packChart("app", chart)).toString("base64") }, ...helm } } },
    } as KubeObject);

  test("values read outputs, the rest is read from the dependency's Secret; a change of values is another release", { timeout: 60_000 }, async () => {
    const name = fresh("web");
    await define(name, {
      values: { address: "postgres://${resources.db.username}@${resources.db.host}", existingSecret: "db", port: "${resources.db.port}" },
      dependencies: [{ name: "db", type: "postgres" }],
    });
    await plane.create(instance(name, name, { environment: "dev" }));
    await plane.ready(instances, name);
    const deployed = JSON.stringify(await live("apps/v1", "Deployment", name));
    expect(deployed).toMatch(new RegExp(`postgres://${name}-db-postgres@shared-postgres-instance-[0-9a-f]+\\.default-dev\\.svc`));
    expect((await live("v1", "Service", name))?.spec["ports"]).toMatchObject([{ targetPort: 5432 }]);
    expect(Object.keys((await live("v1", "Secret", "db"))?.data ?? {})).toContain("password");
    const uid = (await live("apps/v1", "Deployment", name))?.metadata.generation;
    await plane.change<StoredObject & { spec: { replicas: number; values: object } }>(instances, name, (object) => {
      object.spec.values = { image: "example.com/app:2" };
    });
    await until("the other image", async () => JSON.stringify(await live("apps/v1", "Deployment", name)).includes("example.com/app:2"));
    await plane.ready(instances, name);
    expect((await live("apps/v1", "Deployment", name))?.metadata.generation).toBe((uid ?? 0) + 1);
    await plane.change<StoredObject & { spec: { source: { helm: { values: Record<string, unknown> } } } }>(definitions, name, (definition) => {
      definition.spec.source.helm.values["replicas"] = 2;
    });
    await until("two of them", async () => (await live("apps/v1", "Deployment", name))?.spec["replicas"] === 2);
    expect(await plane.get(releases, `${name}-2`)).toBeDefined();
    await plane.delete(instances, name);
    await plane.gone(dependencies, `dev.postgres.${name}.db`);
  });

  test("what is wrong is told with its place, at once or in the status, and changes nothing that runs", { timeout: 60_000 }, async () => {
    const refused = async (helm: object): Promise<readonly string[]> =>
      define(fresh("bad"), helm).then(
        () => [],
        (error: unknown) =>
          isErrorCode(error, "TP_INVALID") ? ((error as PlatformError).causes ?? []).map(({ field, message }) => `${field}: ${message}`) : [String(error)],
      );
    const field = "spec.source.helm";
    expect(await refused({ chart: {} })).toEqual([expect.stringMatching(`${field}.chart: Required value: say where the chart is`)]);
    expect(await refused({ chart: { repository: "http://a", name: "x", version: "^1" } })).toEqual([
      expect.stringContaining(`${field}.chart.repository: Invalid value: "http://a": must be an address such as https://`) as string,
      expect.stringContaining(`${field}.chart.version: Invalid value: "^1": must be one version`) as string,
    ]);
    expect(await refused({ chart: { url: "https://a/x.tgz", version: "1" } })).toEqual([expect.stringContaining("version goes with repository") as string]);
    expect(await refused({ chart: { archive: "bm8=" } })).toEqual([expect.stringContaining("must be a packaged chart (.tgz) in base64") as string]);
    expect(await refused({ values: { a: ["${resources.da.host}", "$${resources.x.y} ${HOME}"] }, dependencies: [{ name: "db", type: "postgres" }] })).toEqual([
      `${field}.values.a[0]: Invalid value: "\${resources.da.host}": there is no dependency "da"; there are db`,
    ]);
    const name = fresh("web");
    await define(name, { values: { address: "${resources.db.password}", existingSecret: "db" }, dependencies: [{ name: "db", type: "postgres" }] });
    await plane.create(instance(name, name, { environment: "dev" }));
    const { message } = await plane.reason(instances, name, "SecretInPlainText");
    expect(message).toBe(
      `the chart puts db.password, which is secret, into Deployment ${name}, where everybody sees it: let the chart read key password of Secret db, which is made beside it (values such as existingSecret)`,
    );
    await plane.change<StoredObject & { spec: { source: { helm: { values: Record<string, unknown> } } } }>(definitions, name, (definition) => {
      definition.spec.source.helm.values = { address: "${resources.db.hots}", existingSecret: "db" };
    });
    expect((await plane.reason(instances, name, "OutputMissing")).message).toMatch(/^values\.address: .*resource db has no hots here; there are .*host/);
    await plane.change<StoredObject & { spec: { source: { helm: { values: Record<string, unknown> } } } }>(definitions, name, (definition) => {
      definition.spec.source.helm.values = { replicas: "{", existingSecret: "db" };
    });
    expect((await plane.reason(instances, name, "ChartFailed")).message).toMatch(/chart in the definition: .*all\.yaml/s);
    expect(await live("apps/v1", "Deployment", name)).toBeUndefined();
    // The deployment says what holds up the release that it waits for.
    const remote = fresh("remote");
    await define(remote, { chart: { repository: "https://127.0.0.1/charts", name: "web", version: "1.0.0" } });
    await plane.create(instance(remote, remote, { environment: "dev" }));
    const told = await until("the reason", async () => {
      const found = await plane.get<StoredObject & { status?: { conditions?: { type: string; message: string }[] } }>(instances, remote);
      return found?.status?.conditions?.find(({ type, message }) => type === "Ready" && message.includes("127.0.0.1"))?.message;
    });
    expect(told).toMatch(new RegExp(`^the release of generation 1 of ${remote} is being made: .*is no address of the internet`));
  });
});

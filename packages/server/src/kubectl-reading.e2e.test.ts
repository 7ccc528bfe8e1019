import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWithKubernetes } from "@threeport/cluster/testing";
import { until } from "@threeport/engine/testing";
import { kubectlOf, type Kubectl } from "./testing/kubectl.ts";
import { openServerHome, type ServerHome } from "./testing/server-process.ts";

// What the real kubectl reads of the real server: discovery, schemas, lists, watches, subresources.

const configMaps = (value: string) => `
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: one, namespace: shop, labels: {tier: "1"}}, data: {value: "${value}"}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: two, namespace: shop}, data: {value: "${value}"}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: three, namespace: shop}, data: {value: "${value}"}}
`;

const workload = `
apiVersion: threeport.io/v1alpha1
kind: WorkloadInstance
metadata: {name: web, namespace: shop}
spec: {definition: web, environment: nowhere}
`;

describeWithKubernetes("kubectl reads", () => {
  let home: ServerHome;
  let kubectl: Kubectl;

  beforeAll(async () => {
    home = await openServerHome();
    await home.start().ready;
    kubectl = kubectlOf(home);
    await kubectl.prints("create", "namespace", "shop");
    await kubectl.prints("apply", "-f", await kubectl.file(configMaps("a")));
    await kubectl.prints("apply", "-f", await kubectl.file(workload));
  });
  afterAll(async () => {
    await home?.[Symbol.asyncDispose]();
  });

  test("a file of kind List is validated and applied; what is wrong in one item is named before anything is written", async () => {
    expect(await kubectl.prints("apply", "-f", await kubectl.file(configMaps("a")))).toBe(
      "configmap/one unchanged\nconfigmap/two unchanged\nconfigmap/three unchanged\n",
    );
    expect(await kubectl.refused("apply", "-f", await kubectl.file(configMaps("b").replace(" data:", " daat:")))).toContain('unknown field "daat"');
    expect(await kubectl.prints("get", "cm", "two", "-n", "shop", "-o", "jsonpath={.data.value}")).toBe("a");
    expect(await kubectl.prints("diff", "-f", await kubectl.file(configMaps("a")))).toBe("");
  });

  test("explain reads both schemas, the newer and the older one", async () => {
    expect(await kubectl.prints("explain", "wi.spec.replicas")).toMatch(/FIELD: replicas <integer>/);
    expect(await kubectl.prints("explain", "wi.spec", "--output", "plaintext-openapiv2")).toMatch(/replicas\s+<integer>/);
    expect(await kubectl.prints("explain", "events", "--recursive")).toContain("involvedObject");
  });

  test("discovery: versions, categories, subresources", async () => {
    expect((await kubectl.prints("api-versions")).split("\n")).toEqual(expect.arrayContaining(["v1", "threeport.io/v1alpha1"]));
    expect(await kubectl.prints("api-resources", "--categories=all", "-o", "name")).toContain("workloadinstances.threeport.io");
    expect(await kubectl.prints("get", "all", "-n", "shop")).toContain("workloadinstance.threeport.io/web");
    expect(await kubectl.prints("get", "wi", "web", "-n", "shop", "--subresource=status")).toContain("web");
    expect(await kubectl.prints("get", "--raw", "/apis/threeport.io/v1alpha1")).toContain('"name":"workloadinstances/scale"');
    expect(await kubectl.prints("get", "--raw", "/version")).toContain('"gitVersion"');
  });

  test("scale sets the replicas of an instance, under a condition too, and shows them", async () => {
    const replicas = () => kubectl.prints("get", "wi", "web", "-n", "shop", "-o", "jsonpath={.spec.replicas}");
    await kubectl.prints("scale", "wi", "web", "-n", "shop", "--replicas=3");
    expect(await replicas()).toBe("3");
    await kubectl.prints("scale", "wi", "web", "-n", "shop", "--replicas=4", "--current-replicas=3");
    expect(await kubectl.refused("scale", "wi", "web", "-n", "shop", "--replicas=5", "--current-replicas=3")).toContain("Expected replicas to be 3, was 4");
    expect(await kubectl.refused("scale", "cm", "one", "-n", "shop", "--replicas=5")).toContain("have no subresource");
    await kubectl.prints("patch", "wi", "web", "-n", "shop", "--subresource=scale", "--type=merge", "-p", '{"spec":{"replicas":2}}');
    expect(await replicas()).toBe("2");
    expect(await kubectl.prints("get", "wi", "web", "-n", "shop", "--subresource=scale")).toMatch(/NAME\s+DESIRED\s+AVAILABLE\s+AGE\nweb\s+2\s+0\s/);
  });

  test("lists in chunks, by selectors, in every output", async () => {
    const lines = async (...args: string[]) => (await kubectl.prints("get", "cm", "-n", "shop", ...args)).trim().split("\n");
    expect(await lines("--chunk-size=1", "-o", "name")).toEqual(["configmap/one", "configmap/three", "configmap/two"]);
    expect(await lines("--field-selector=metadata.name=two", "-o", "name")).toEqual(["configmap/two"]);
    expect(await lines("--field-selector=metadata.name!=two", "-l", "!tier", "-o", "name")).toEqual(["configmap/three"]);
    expect(await lines("-o", "custom-columns=N:.metadata.name,V:.data.value", "--no-headers", "one")).toEqual(["one   a"]);
    expect(await lines("-o", "go-template={{len .items}}")).toEqual(["3"]);
    expect(await lines("--sort-by=.metadata.name", "-o", "name")).toHaveLength(3);
    expect(await kubectl.refused("get", "cm", "-n", "shop", "--field-selector=data.value=a")).toContain("field selector");
  });

  test("watches tell what there is, only what comes, and what sort of event it is", async () => {
    const watch = (...args: string[]) =>
      kubectl.run(["get", "cm", "-n", "shop", "--request-timeout=4s", "--no-headers", "--field-selector=metadata.name!=three", ...args]);
    const watches = Promise.all([watch("--watch", "--output-watch-events"), watch("--watch-only", "-o", "name")]);
    for (const value of ["w1", "w2"]) {
      await kubectl.prints("create", "cm", value, "-n", "shop");
      await kubectl.prints("delete", "cm", value, "-n", "shop");
    }
    const [all, only] = (await watches).map((result) =>
      result.stdout
        .trim()
        .split("\n")
        .map((line) => line.split(/\s+/).slice(0, 2).join(" ")),
    );
    for (const line of ["ADDED one", "ADDED two", "ADDED w2", "DELETED w2"]) expect(all).toContain(line);
    expect(only).toContain("configmap/w2");
    expect(only).not.toContain("configmap/one");
  });

  test("replace changes an object, and with --force makes it anew", async () => {
    const uid = () => kubectl.prints("get", "cm", "one", "-n", "shop", "-o", "jsonpath={.metadata.uid}");
    const file = await kubectl.file(configMaps("c"));
    const before = await uid();
    await kubectl.prints("replace", "-f", file);
    expect(await uid()).toBe(before);
    await kubectl.prints("replace", "--force", "-f", file);
    expect(await uid()).not.toBe(before);
    await kubectl.prints("wait", "cm/one", "-n", "shop", "--for=jsonpath={.data.value}=c", "--timeout=5s");
  });

  test("events are seen by every command that shows them, in both groups", async () => {
    await until("the event", async () => (await kubectl.prints("get", "events", "-n", "shop")).includes("EnvironmentNotFound"));
    const shown = /Warning\s+EnvironmentNotFound\s+workloadinstance\/web/i;
    expect(await kubectl.prints("get", "events", "-n", "shop")).toMatch(shown);
    expect(await kubectl.prints("get", "events.events.k8s.io", "-n", "shop")).toMatch(shown);
    expect(await kubectl.prints("events", "-n", "shop")).toMatch(/Warning\s+EnvironmentNotFound\s+WorkloadInstance\/web/);
    expect(await kubectl.prints("events", "-n", "shop", "--for", "workloadinstance/web", "--types=Warning")).toContain("EnvironmentNotFound");
    expect(await kubectl.prints("describe", "wi", "web", "-n", "shop")).toMatch(/Events:[\s\S]*EnvironmentNotFound/);
    expect(await kubectl.prints("explain", "events.note", "--api-version=events.k8s.io/v1")).toContain("note <string>");
  });
});

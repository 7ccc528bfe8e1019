import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWithKubernetes } from "@threeport/cluster/testing";
import { until } from "@threeport/engine/testing";
import { kubectlOf, type Kubectl } from "./testing/kubectl.ts";
import { openServerHome, type ServerHome } from "./testing/server-process.ts";

// The real kubectl against the real server: what people type must work, whatever its requests look like.

const definition = (value: string) => `
apiVersion: threeport.io/v1alpha1
kind: WorkloadDefinition
metadata: {name: app, namespace: shop}
spec:
  source:
    manifests:
      objects:
        - {apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {value: "${value}"}}
`;

describeWithKubernetes("kubectl", () => {
  let home: ServerHome;
  let kubectl: Kubectl["prints"];
  let refused: Kubectl["refused"];
  let run: Kubectl["run"];
  let file: Kubectl["file"];

  beforeAll(async () => {
    home = await openServerHome();
    await home.start().ready;
    ({ prints: kubectl, refused, run, file } = kubectlOf(home));
    await kubectl("create", "namespace", "shop");
  });
  afterAll(async () => {
    await home?.[Symbol.asyncDispose]();
  });

  test("api-resources and version name what is served", async () => {
    const resources = await kubectl("api-resources");
    for (const line of [
      /configmaps\s+cm\s+v1\s+true\s+ConfigMap/,
      /workloadinstances\s+wi\s+threeport.io\/v1alpha1\s+true\s+WorkloadInstance/,
      /kubernetesruntimeinstances\s+runtime,kri/,
    ]) {
      expect(resources).toMatch(line);
    }
    expect(await kubectl("version")).toMatch(/Server Version: v1\.36/);
  });

  test("explain knows every field of every kind", async () => {
    for (const kind of [
      "configmaps",
      "secrets",
      "namespaces",
      "serviceaccounts",
      "events",
      "leases",
      "environments",
      "kubernetesruntimeinstances",
      "workloaddefinitions",
      "workloadinstances",
      "releases",
      "resourcesets",
    ]) {
      const text = await kubectl("explain", kind, "--recursive");
      expect(text, kind).toContain("FIELDS:");
      expect(text, kind).not.toContain("<empty>");
    }
    expect(await kubectl("explain", "workloadinstance.spec.release")).toContain("follows the definition");
  });

  test("create, get, describe, label, annotate, patch, edit and delete a ConfigMap", async () => {
    await kubectl("create", "configmap", "one", "-n", "shop", "--from-literal=a=b");
    expect(await kubectl("get", "cm", "one", "-n", "shop")).toMatch(/NAME\s+DATA\s+AGE\none\s+1\s+\d+s/);
    expect(await kubectl("get", "cm", "-A", "-o", "name")).toContain("configmap/one");
    await kubectl("label", "cm", "one", "-n", "shop", "tier=front");
    expect(await kubectl("get", "cm", "-n", "shop", "-l", "tier in (front,back)", "-o", "jsonpath={.items[*].metadata.name}")).toBe("one");
    await kubectl("annotate", "cm", "one", "-n", "shop", "note=here");
    await kubectl("patch", "cm", "one", "-n", "shop", "-p", '{"data":{"c":"d"}}');
    await kubectl("patch", "cm", "one", "-n", "shop", "--type=json", "-p", '[{"op":"add","path":"/data/e","value":"f"}]');
    await kubectl("patch", "cm", "one", "-n", "shop", "--type=merge", "-p", '{"data":{"a":null}}');
    const edited = await run(["edit", "cm", "one", "-n", "shop"], { env: { KUBE_EDITOR: "sed -i s/here/there/" } });
    expect(edited.code, edited.stderr).toBe(0);
    const found = JSON.parse(await kubectl("get", "cm", "one", "-n", "shop", "-o", "json")) as { data: object; metadata: { annotations: object } };
    expect(found.data).toEqual({ c: "d", e: "f" });
    expect(found.metadata.annotations).toMatchObject({ note: "there" });
    expect(await kubectl("describe", "cm", "one", "-n", "shop")).toContain("tier=front");
    expect(await kubectl("delete", "cm", "one", "-n", "shop")).toContain("deleted");
    expect(await refused("get", "cm", "one", "-n", "shop")).toContain('configmaps "one" not found');
  });

  test("apply creates, changes, leaves alone, and takes away what left the file", async () => {
    const first = await file("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: applied, namespace: shop}\ndata: {a: '1', b: '2'}\n");
    const second = await file("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: applied, namespace: shop}\ndata: {a: '1'}\n");
    expect(await kubectl("apply", "-f", first)).toContain("created");
    expect(await kubectl("apply", "-f", first)).toContain("unchanged");
    expect(await kubectl("apply", "-f", second)).toContain("configured");
    expect(await kubectl("get", "cm", "applied", "-n", "shop", "-o", "jsonpath={.data}")).toBe('{"a":"1"}');
    expect(await kubectl("create", "secret", "generic", "s", "-n", "shop", "--from-literal=p=hidden", "--dry-run=server")).toContain(
      "created (server dry run)",
    );
    expect(await refused("get", "secret", "s", "-n", "shop")).toContain("not found");
  });

  test("get -w tells of changes as they come", async () => {
    const watching = run(["get", "cm", "-n", "shop", "-w", "--request-timeout=6s", "-o", "custom-columns=NAME:.metadata.name", "--no-headers"]);
    for (let n = 0; n < 3; n++) await kubectl("create", "configmap", `seen-${n}`, "-n", "shop");
    const { stdout } = await watching;
    for (let n = 0; n < 3; n++) expect(stdout).toContain(`seen-${n}`);
  });

  test("a workload is applied and waited for; its release is there; it is deleted in the background and with its namespace", async () => {
    await kubectl("apply", "-f", await file(definition("1")));
    await kubectl("wait", "wd/app", "-n", "shop", "--for=condition=Ready", "--timeout=20s");
    expect(await kubectl("get", "wd,rel", "-n", "shop")).toMatch(/app-1\s+app\s+1/);
    expect(await kubectl("describe", "wd", "app", "-n", "shop")).toMatch(/Reason:\s+NotDeployed/);
    await kubectl("apply", "-f", await file(definition("2")));
    await until("the second release", async () => (await kubectl("get", "releases", "-n", "shop", "-o", "name")).includes("app-2"));
    await kubectl("delete", "wd", "app", "-n", "shop", "--timeout=20s");
    await until("the releases to go", async () => (await kubectl("get", "releases", "-n", "shop", "-o", "name")) === "");
    await kubectl("create", "namespace", "short");
    await kubectl("create", "configmap", "inside", "-n", "short");
    await kubectl("delete", "namespace", "short", "--timeout=20s");
    expect(await refused("get", "ns", "short")).toContain("not found");
  });

  const wrong = [
    {
      because: "an unknown field",
      text: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: shop}\ndaat: {a: b}\n",
      says: 'unknown field "daat"',
    },
    {
      because: "no such namespace",
      text: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: nowhere}\n",
      says: 'namespaces "nowhere" not found',
    },
    { because: "a name that is none", text: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Not_A_Name, namespace: shop}\n", says: "metadata.name" },
    {
      because: "a required field that is missing",
      text: "apiVersion: threeport.io/v1alpha1\nkind: WorkloadInstance\nmetadata: {name: x, namespace: shop}\nspec: {definition: a}\n",
      says: "spec.environment: Required value",
    },
    {
      because: "a document without a kind inside a workload",
      text: definition("1").replace("kind: ConfigMap, ", ""),
      says: "spec.source.manifests.objects[0].kind: Required value",
    },
    {
      because: "a runtime that is not there",
      text: "apiVersion: threeport.io/v1alpha1\nkind: Environment\nmetadata: {name: e}\nspec: {runtime: nope}\n",
      says: "there is no kubernetesruntimeinstances.threeport.io/nope; create it first",
    },
    {
      because: "a kubeconfig that would run a program (P4)",
      text: 'apiVersion: v1\nkind: Secret\nmetadata: {name: k, namespace: shop}\ntype: threeport.io/kubeconfig\nstringData:\n  kubeconfig: |\n    apiVersion: v1\n    kind: Config\n    clusters: [{name: c, cluster: {server: "https://127.0.0.1:6443"}}]\n    users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: sh}}}]\n    contexts: [{name: x, context: {cluster: c, user: u}}]\n    current-context: x\n',
      says: "users[0].user.exec: starts a program",
    },
  ];
  test.each(wrong)("what is wrong is refused with its field: $because", async ({ text, says }) => {
    expect(await refused("apply", "-f", await file(text))).toContain(says);
  });
});

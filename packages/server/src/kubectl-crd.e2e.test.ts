import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemExec } from "@threeport/platform";
import { describeWithKubernetes, kubernetesPrograms } from "@threeport/cluster/testing";
import { openServerHome, type ServerHome } from "./testing/server-process.ts";

// The real kubectl with kinds of the user's own.

const definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gizmos.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: gizmos, kind: Gizmo, shortNames: [gz], categories: [all]}
  versions:
    - name: v1
      served: true
      storage: true
      subresources: {status: {}, scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}}
      selectableFields: [{jsonPath: .spec.color}]
      additionalPrinterColumns:
        - {name: Replicas, type: integer, jsonPath: .spec.replicas}
        - {name: Ready, type: string, jsonPath: '.status.conditions[?(@.type=="Ready")].status'}
        - {name: Color, type: string, jsonPath: .spec.color, priority: 1}
        - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
      schema: &schema
        openAPIV3Schema:
          type: object
          description: A gizmo does what it is told.
          required: [spec]
          properties:
            spec:
              type: object
              description: What is wanted.
              properties:
                replicas: {type: integer, minimum: 0, default: 1, description: How many there are to be.}
                color: {type: string, enum: [red, green], description: Which color it has.}
                parts:
                  type: array
                  x-kubernetes-list-type: map
                  x-kubernetes-list-map-keys: [name]
                  items: {type: object, required: [name], properties: {name: {type: string}, count: {type: integer}}}
              x-kubernetes-validations:
                - {rule: "self.replicas < 10", message: "ten are too many"}
            status: {type: object, x-kubernetes-preserve-unknown-fields: true}
    - name: v1beta1
      served: true
      storage: false
      deprecated: true
      schema: *schema
`;

const gizmo = (name: string, spec: string, version = "v1") => `
apiVersion: example.com/${version}
kind: Gizmo
metadata: {name: ${name}, namespace: default}
spec: ${spec}
`;

describeWithKubernetes("kubectl with kinds of the user's own", () => {
  let home: ServerHome;
  let calls = 0;

  beforeAll(async () => {
    home = await openServerHome();
    await home.start().ready;
  });
  afterAll(async () => {
    await home?.[Symbol.asyncDispose]();
  });

  async function run(args: readonly string[]) {
    const folder = kubernetesPrograms();
    if (folder === undefined) throw new Error("kubectl is not built; npm test builds it");
    const own = ["--kubeconfig", join(home.folder, "admin.kubeconfig"), "--cache-dir", join(home.folder, "kubectl-cache")];
    return systemExec.run(join(folder, "kubectl"), [...own, ...args], { timeoutMs: 30_000 });
  }

  /** What it prints and says; an exit code other than 0 fails the test. */
  async function kubectl(...args: string[]): Promise<string> {
    const result = await run(args);
    expect(`${result.code}: ${result.stderr}`, args.join(" ")).toMatch(/^0: /);
    return result.stdout + result.stderr;
  }

  async function refused(...args: string[]): Promise<string> {
    const result = await run(args);
    expect(result.code, `${args.join(" ")} printed ${result.stdout}`).not.toBe(0);
    return result.stderr;
  }

  async function file(text: string): Promise<string> {
    const path = join(home.folder, `input-${calls++}.yaml`);
    await writeFile(path, text);
    return path;
  }

  test("a definition is applied, waited for, shown, explained, and applied again without a change", async () => {
    const path = await file(definition);
    expect(await kubectl("apply", "-f", path)).toContain("customresourcedefinition.apiextensions.k8s.io/gizmos.example.com created");
    await kubectl("wait", "--for=condition=Established", "crd/gizmos.example.com", "--timeout=5s");
    expect(await kubectl("apply", "-f", path)).toContain("unchanged");
    expect(await kubectl("get", "crd")).toMatch(/NAME\s+CREATED AT\ngizmos.example.com\s+20\d\d-/);
    expect(await kubectl("describe", "crd", "gizmos.example.com")).toMatch(/Reason:\s+InitialNamesAccepted/);
    expect(await kubectl("explain", "crd.spec.versions.schema.openAPIV3Schema")).toContain("x-kubernetes-validations");
    expect(await kubectl("api-resources", "--api-group=example.com")).toMatch(/gizmos\s+gz\s+example.com\/v1\s+true\s+Gizmo/);
    expect(await kubectl("explain", "gizmos")).toContain("A gizmo does what it is told.");
    const fields = await kubectl("explain", "gizmos.spec", "--recursive");
    expect(fields).toMatch(/replicas\s+<integer>/);
    expect(fields).toMatch(/parts\s+<\[\]Object>/);
    expect(await kubectl("explain", "gizmos.spec.color", "--api-version=example.com/v1beta1")).toContain("Which color it has.");
  });

  test("objects are created, shown in their columns, selected, patched, scaled, labelled and waited for", async () => {
    await kubectl("apply", "-f", await file(gizmo("one", "{color: red}")));
    await kubectl("create", "-f", await file(gizmo("two", "{color: green, replicas: 2}")));
    expect(await kubectl("get", "gizmos")).toMatch(/NAME\s+REPLICAS\s+READY\s+AGE\none\s+1\s+\d+s\ntwo\s+2\s+\d+s/);
    expect(await kubectl("get", "gz", "-o", "wide")).toMatch(/one\s+1\s+red\s+\d+s/);
    expect(await kubectl("get", "all")).toContain("gizmo.example.com/one");
    expect(await kubectl("get", "gizmos", "--field-selector=spec.color=green", "-o", "name")).toBe("gizmo.example.com/two\n");
    await kubectl(
      "patch",
      "gizmo",
      "one",
      "--subresource=status",
      "--type=merge",
      "-p",
      '{"status":{"replicas":1,"conditions":[{"type":"Ready","status":"True"}]}}',
    );
    await kubectl("wait", "gizmo/one", "--for=condition=Ready", "--timeout=5s");
    expect(await kubectl("get", "gizmo", "one")).toMatch(/one\s+1\s+True/);
    expect(await kubectl("scale", "gizmo/one", "--replicas=4")).toContain("scaled");
    expect(await kubectl("get", "gizmo", "one", "--subresource=scale", "-o", "jsonpath={.spec.replicas}")).toBe("4");
    await kubectl("label", "gizmo", "one", "tier=front");
    await kubectl("apply", "--server-side", "--force-conflicts", "-f", await file(gizmo("one", "{replicas: 5, parts: [{name: a, count: 1}]}")));
    await kubectl("apply", "--server-side", "--field-manager=other", "-f", await file(gizmo("one", "{parts: [{name: b, count: 2}]}")));
    expect(await kubectl("get", "gizmo", "one", "-o", "jsonpath={.spec.parts[*].name} {.metadata.labels.tier} {.status.replicas}")).toBe("a b front 1");
  });

  test("every version is served, and a deprecated one says so", async () => {
    const old = await kubectl("get", "gizmos.v1beta1.example.com", "one", "-o", "yaml");
    expect(old).toContain("apiVersion: example.com/v1beta1");
    expect(old).toContain("Warning: example.com/v1beta1 Gizmo is deprecated");
    await kubectl("apply", "-f", await file(gizmo("old", "{replicas: 3}", "v1beta1")));
    expect(await kubectl("get", "gizmo", "old", "-o", "jsonpath={.apiVersion} {.spec.replicas}")).toBe("example.com/v1 3");
    await kubectl("delete", "gizmos.v1beta1.example.com", "old");
  });

  test.each([
    ["an unknown field", "{colour: red}", 'unknown field "spec.colour"'],
    ["a value that is not allowed", "{color: blue}", 'Unsupported value: "blue": supported values: "red", "green"'],
    ["another type", "{replicas: many}", "must be of type integer"],
    ["a rule", "{replicas: 10}", "ten are too many"],
  ])("what is wrong is refused with its field: %s", async (_, spec, says) => {
    expect(await refused("apply", "-f", await file(gizmo("wrong", spec)))).toContain(says);
  });

  test("a definition that is deleted takes its objects along, and a kind that comes again is new", async () => {
    expect(await kubectl("delete", "crd", "gizmos.example.com", "--timeout=20s")).toContain("deleted");
    // kubectl may remember the kind from its last look at discovery; the server does not.
    expect(await refused("get", "gizmos")).toMatch(/doesn.t have a resource type|could not find the requested resource/);
    await kubectl("create", "-f", await file(definition));
    await kubectl("wait", "--for=condition=Established", "crd/gizmos.example.com", "--timeout=5s");
    expect(await kubectl("get", "gizmos")).toContain("No resources found");
  });
});

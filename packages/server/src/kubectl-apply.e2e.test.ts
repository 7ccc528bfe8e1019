import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWithKubernetes } from "@threeport/cluster/testing";
import { kubectlOf, type Kubectl } from "./testing/kubectl.ts";
import { openServerHome, type ServerHome } from "./testing/server-process.ts";

// What the real kubectl does with server-side apply on the real server, from migration to what comes after it.

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

interface Managed {
  readonly data?: Record<string, string>;
  readonly metadata: {
    readonly resourceVersion: string;
    readonly annotations?: Record<string, string>;
    readonly labels?: Record<string, string>;
    readonly managedFields?: readonly { readonly manager: string; readonly operation: string; readonly fieldsV1: Record<string, unknown> }[];
  };
}

describeWithKubernetes("kubectl apply --server-side", () => {
  let home: ServerHome;
  let kubectl: Kubectl;

  beforeAll(async () => {
    home = await openServerHome();
    await home.start().ready;
    kubectl = kubectlOf(home);
    await kubectl.prints("create", "namespace", "shop");
  });
  afterAll(async () => {
    await home?.[Symbol.asyncDispose]();
  });

  const configMap = (name: string, data: Record<string, string>) =>
    kubectl.file(`apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}, namespace: shop}\ndata: ${JSON.stringify(data)}\n`);
  const read = async (name: string): Promise<Managed> =>
    JSON.parse(await kubectl.prints("get", "cm", name, "-n", "shop", "-o", "json", "--show-managed-fields")) as Managed;
  const managers = (object: Managed) => (object.metadata.managedFields ?? []).map(({ manager, operation }) => `${manager} ${operation}`);

  test("creates, changes, leaves alone, and takes away what left the file", async () => {
    expect(await kubectl.prints("apply", "--server-side", "-f", await configMap("plain", { a: "1", b: "2" }))).toBe("configmap/plain serverside-applied\n");
    const made = await read("plain");
    await kubectl.prints("apply", "--server-side", "-f", await configMap("plain", { a: "1", b: "2" }));
    expect(await read("plain")).toEqual(made);
    await kubectl.prints("apply", "--server-side", "-f", await configMap("plain", { a: "1" }));
    const left = await read("plain");
    expect([left.data, managers(left), left.metadata.annotations]).toEqual([{ a: "1" }, ["kubectl Apply"], undefined]);
    expect(await kubectl.prints("get", "cm", "plain", "-n", "shop", "-o", "yaml")).not.toContain("managedFields");
  });

  test("two managers: a conflict names field and manager and what to do; --force-conflicts takes the field", async () => {
    await kubectl.prints("apply", "--server-side", "--field-manager=pipeline", "-f", await configMap("two", { a: "1", b: "1" }));
    const refused = await kubectl.refused("apply", "--server-side", "-f", await configMap("two", { a: "2" }));
    expect(refused).toContain('Apply failed with 1 conflict: conflict with "pipeline": .data.a');
    expect(refused).toContain("--force-conflicts");
    await kubectl.prints("apply", "--server-side", "--force-conflicts", "-f", await configMap("two", { a: "2" }));
    const taken = await read("two");
    // They stand in the order of their times, which are whole seconds.
    expect([taken.data, managers(taken).toSorted()]).toEqual([{ a: "2", b: "1" }, ["kubectl Apply", "pipeline Apply"]]);
  });

  test("--dry-run=server and diff --server-side show what would be, and change nothing", async () => {
    await kubectl.prints("apply", "--server-side", "-f", await configMap("dry", { a: "1" }));
    const before = await read("dry");
    const file = await configMap("dry", { a: "changed" });
    expect(await kubectl.prints("apply", "--server-side", "--dry-run=server", "-o", "jsonpath={.data.a}", "-f", file)).toBe("changed");
    expect(await kubectl.prints("apply", "--server-side", "--dry-run=server", "-f", await configMap("dry-new", {}))).toContain(
      "serverside-applied (server dry run)",
    );
    const diff = await kubectl.run(["diff", "--server-side", "-f", file]);
    expect([diff.code, diff.stdout]).toEqual([1, expect.stringMatching(/-\s+a: "1"\n\+\s+a: changed/)]);
    expect(await read("dry")).toEqual(before);
    expect((await kubectl.run(["diff", "--server-side", "-f", await configMap("dry", { a: "1" })])).code).toBe(0);
    expect(await kubectl.refused("get", "cm", "dry-new", "-n", "shop")).toContain("not found");
  });

  test("what was applied client-side migrates: no conflict, one owner, and fields that leave the file go", async () => {
    await kubectl.prints("apply", "-f", await configMap("old", { a: "1", b: "1" }));
    expect(managers(await read("old"))).toEqual(["kubectl-client-side-apply Update"]);
    expect(JSON.parse(await kubectl.prints("apply", "view-last-applied", "cm/old", "-n", "shop", "-o", "json"))).toMatchObject({ data: { a: "1", b: "1" } });
    await kubectl.prints("apply", "--server-side", "-f", await configMap("old", { a: "2" }));
    const migrated = await read("old");
    expect([migrated.data, managers(migrated)]).toEqual([{ a: "2" }, ["kubectl Apply", "kubectl-last-applied Apply"]]);
    // kubectl keeps the annotation under a manager of its own, and the server renews it, so that going back works.
    expect(JSON.parse(migrated.metadata.annotations?.[lastApplied] ?? "{}")).toMatchObject({ data: { a: "2" } });
    expect(await kubectl.prints("apply", "-f", await configMap("old", { c: "3" }))).toContain("configured");
    expect((await read("old")).data).toEqual({ c: "3" });
  });

  test("edit, patch, label, annotate and delete afterwards, and managed fields can be cleared", async () => {
    const name = "after";
    await kubectl.prints("apply", "--server-side", "-f", await configMap(name, { a: "1" }));
    const edited = await kubectl.run(["edit", "cm", name, "-n", "shop"], { env: { KUBE_EDITOR: 'sed -i s/a:.\\"1\\"/a:\\ edited/' } });
    expect(`${edited.code} ${edited.stderr}`).toMatch(/^0 /);
    await kubectl.prints("patch", "cm", name, "-n", "shop", "-p", '{"data":{"p":"1"}}');
    await kubectl.prints("label", "cm", name, "-n", "shop", "l=1");
    await kubectl.prints("annotate", "cm", name, "-n", "shop", "n=1");
    const seen = await read(name);
    expect([seen.data, seen.metadata.labels]).toEqual([{ a: "edited", p: "1" }, { l: "1" }]);
    expect(managers(seen).toSorted()).toEqual(["kubectl-annotate Update", "kubectl-edit Update", "kubectl-label Update", "kubectl-patch Update"]);
    expect(await kubectl.refused("apply", "--server-side", "-f", await configMap(name, { a: "1" }))).toContain('conflict with "kubectl-edit" using v1');
    await kubectl.prints("patch", "cm", name, "-n", "shop", "--type=merge", "-p", '{"metadata":{"managedFields":[{}]}}');
    expect(managers(await read(name))).toEqual([]);
    expect(await kubectl.prints("delete", "cm", name, "-n", "shop")).toContain("deleted");
  });

  test("kinds of ours: a definition is applied server-side by two authors, and its lists merge", async () => {
    const part = (description: string) =>
      kubectl.file(
        `apiVersion: threeport.io/v1alpha1\nkind: WorkloadDefinition\nmetadata: {name: both, namespace: shop, labels: {by: "${description}"}}\nspec: {source: {manifests: {objects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}]}}}\n`,
      );
    await kubectl.prints("apply", "--server-side", "--field-manager=one", "-f", await part("one"));
    expect(await kubectl.refused("apply", "--server-side", "--field-manager=two", "-f", await part("two"))).toContain(
      'conflict with "one": .metadata.labels.by',
    );
    expect(await kubectl.prints("apply", "--server-side", "--field-manager=two", "-f", await part("one"))).toContain("serverside-applied");
    const bad = await kubectl.file("apiVersion: threeport.io/v1alpha1\nkind: WorkloadDefinition\nmetadata: {name: bad, namespace: shop}\nspec: {sauce: 1}\n");
    expect(await kubectl.refused("apply", "--server-side", "--validate=false", "-f", bad)).toContain(".spec.sauce: field not declared in schema");
  });
});

import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemExec, type RunResult } from "@threeport/platform";
import { describeWithKubernetes, kubernetesPrograms } from "@threeport/cluster/testing";
import { until } from "@threeport/engine/testing";
import { openServerHome, type ServerHome } from "./testing/server-process.ts";

// The real kubectl about who may do what: its own commands for roles, tokens and identities are the judge.

describeWithKubernetes("kubectl and access", () => {
  let home: ServerHome;

  beforeAll(async () => {
    home = await openServerHome();
    await home.start().ready;
    for (const name of ["shop", "other"]) await kubectl("create", "namespace", name);
  });
  afterAll(async () => {
    await home?.[Symbol.asyncDispose]();
  });

  function run(args: readonly string[], kubeconfig = join(home.folder, "admin.kubeconfig")): Promise<RunResult> {
    const folder = kubernetesPrograms();
    if (folder === undefined) throw new Error("kubectl is not built; npm test builds it");
    return systemExec.run(join(folder, "kubectl"), ["--kubeconfig", kubeconfig, "--cache-dir", join(home.folder, "kubectl-cache"), ...args], {
      timeoutMs: 30_000,
    });
  }

  /** What it prints; an exit code other than 0 fails the test with what it said. */
  async function kubectl(...args: string[]): Promise<string> {
    const result = await run(args);
    expect(`${result.code}: ${result.stderr}`, args.join(" ")).toMatch(/^0: /);
    return result.stdout;
  }

  /** What it says when it fails. */
  async function refused(...args: string[]): Promise<string> {
    const result = await run(args);
    expect(result.code, `${args.join(" ")} printed ${result.stdout}`).not.toBe(0);
    return result.stdout + result.stderr;
  }

  async function file(name: string, text: string): Promise<string> {
    const path = join(home.folder, name);
    await writeFile(path, text);
    return path;
  }

  test("whoami tells the administrator, and whom --as makes of him", async () => {
    const mine = await kubectl("auth", "whoami");
    expect(mine).toMatch(/Username\s+admin/);
    expect(mine).toMatch(/Groups\s+\[system:masters system:authenticated\]/);
    const jane = await kubectl("auth", "whoami", "--as=jane", "--as-group=dev", "--as-uid=7", "-o", "json");
    expect((JSON.parse(jane) as { status: object }).status).toEqual({ userInfo: { username: "jane", uid: "7", groups: ["dev", "system:authenticated"] } });
  });

  test("create role, rolebinding, clusterrole, clusterrolebinding; can-i answers by them", async () => {
    expect(await refused("auth", "can-i", "list", "configmaps", "-n", "shop", "--as=jane")).toContain("no");
    await kubectl("create", "role", "reader", "-n", "shop", "--verb=get,list,watch", "--resource=configmaps");
    await kubectl("create", "rolebinding", "jane", "-n", "shop", "--role=reader", "--user=jane");
    await until("jane may read", async () => (await run(["auth", "can-i", "list", "configmaps", "-n", "shop", "--as=jane"])).code === 0);
    expect(await refused("auth", "can-i", "list", "configmaps", "-n", "other", "--as=jane")).toContain("no");
    expect(await refused("auth", "can-i", "delete", "configmaps", "-n", "shop", "--as=jane")).toContain("no");
    await kubectl("create", "clusterrole", "metrics", "--verb=get", "--non-resource-url=/metrics");
    await kubectl("create", "clusterrolebinding", "metrics", "--clusterrole=metrics", "--group=watchers");
    await until("watchers may read metrics", async () => (await run(["auth", "can-i", "get", "/metrics", "--as=joe", "--as-group=watchers"])).code === 0);
    expect(await kubectl("get", "--raw", "/metrics", "--as=joe", "--as-group=watchers")).toContain("threeport_api_requests_total");
    expect(await refused("get", "--raw", "/metrics", "--as=joe")).toContain("Forbidden");
    expect(await kubectl("get", "role,rolebinding", "-n", "shop", "-o", "wide")).toMatch(/rolebinding.*jane\s+Role\/reader\s+\d+s\s+jane/);
    expect(await kubectl("describe", "rolebinding", "jane", "-n", "shop")).toMatch(/User\s+jane/);
    expect(await kubectl("describe", "clusterrole", "view")).toMatch(/configmaps\s+\[\]\s+\[\]\s+\[get list watch\]/);
  });

  test("can-i --list shows what a role gives", async () => {
    const list = await kubectl("auth", "can-i", "--list", "-n", "shop", "--as=jane");
    expect(list).toMatch(/configmaps\s+\[\]\s+\[\]\s+\[get list watch\]/);
    expect(list).toMatch(/selfsubjectaccessreviews.authorization.k8s.io\s+\[\]\s+\[\]\s+\[create\]/);
    expect(list).toMatch(/\[\/version\]\s+\[\]\s+\[get\]/);
    expect(await kubectl("auth", "can-i", "--list")).toMatch(/\*\.\*\s+\[\]\s+\[\]\s+\[\*\]/);
  });

  test("the rights of another count for all that kubectl does", async () => {
    await kubectl("create", "configmap", "one", "-n", "shop", "--from-literal=a=b");
    await kubectl("create", "secret", "generic", "hidden", "-n", "shop", "--from-literal=password=canary");
    expect(await kubectl("get", "cm", "one", "-n", "shop", "--as=jane")).toContain("one");
    expect(await refused("get", "cm", "-A", "--as=jane")).toContain('User "jane" cannot list resource "configmaps" in API group "" at the cluster scope');
    expect(await refused("get", "secret", "hidden", "-n", "shop", "--as=jane")).toContain("Forbidden");
    expect(await refused("create", "configmap", "two", "-n", "shop", "--as=jane")).toContain("cannot create resource");
    expect(
      await refused(
        "apply",
        "--server-side",
        "-f",
        await file("two.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two, namespace: shop}\n"),
        "--as=jane",
      ),
    ).toContain("cannot patch");
    expect(await refused("create", "rolebinding", "more", "-n", "shop", "--clusterrole=admin", "--user=jane", "--as=jane")).toContain("cannot create resource");
  });

  test("create token makes a token that works, for as long and for whom it is told; deleting the account ends it", async () => {
    await kubectl("create", "serviceaccount", "ci", "-n", "shop");
    await kubectl("create", "rolebinding", "ci", "-n", "shop", "--role=reader", "--serviceaccount=shop:ci");
    const token = (await kubectl("create", "token", "ci", "-n", "shop", "--duration=10m")).trim();
    expect(await refused("create", "token", "ci", "-n", "shop", "--duration=9m")).toContain("may not specify a duration less than 10 minutes");
    expect(await refused("create", "token", "nobody", "-n", "shop")).toContain("not found");
    const kubeconfig = await file("ci.kubeconfig", (await readFile(join(home.folder, "admin.kubeconfig"), "utf8")).replace(/token: .*/, `token: ${token}`));
    const ci = async (...args: string[]) => run(args, kubeconfig);
    expect((await ci("auth", "whoami")).stdout).toMatch(/Username\s+system:serviceaccount:shop:ci/);
    await until("ci may read", async () => (await ci("get", "cm", "one", "-n", "shop")).code === 0);
    expect((await ci("get", "cm", "-n", "other")).stderr).toContain("Forbidden");
    const vault = (await kubectl("create", "token", "ci", "-n", "shop", "--audience=vault")).trim();
    const forVault = await file("vault.kubeconfig", (await readFile(kubeconfig, "utf8")).replace(token, vault));
    expect((await run(["get", "cm", "-n", "shop"], forVault)).stderr).toContain("Unauthorized");
    const watching = run(["get", "cm", "-n", "shop", "-w"], kubeconfig);
    await kubectl("delete", "serviceaccount", "ci", "-n", "shop");
    expect((await watching).stderr, "the watch ends by itself, long before its time limit").not.toContain("timed out");
    expect((await ci("auth", "whoami")).stderr).toContain("Unauthorized");
  });

  test("auth reconcile writes roles from a file and adds what is missing", async () => {
    const roles = (verbs: string) => `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reconciled, namespace: shop}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [${verbs}]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reconciled, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reconciled}
subjects: [{kind: User, name: joe}]
`;
    expect(await kubectl("auth", "reconcile", "-f", await file("roles.yaml", roles("get")))).toMatch(/role.*reconciled[^]*rolebinding.*reconciled/);
    expect(await kubectl("auth", "reconcile", "-f", await file("roles.yaml", roles("list")))).toContain("reconciled");
    expect(await kubectl("get", "role", "reconciled", "-n", "shop", "-o", "jsonpath={.rules[*].verbs}")).toBe('["get"] ["list"]');
    expect(await refused("apply", "-f", await file("bad.yaml", roles("get").replace("name: reconciled}\nsubjects", "name: other}\nsubjects")))).toContain(
      "cannot change roleRef",
    );
  });

  test("a client certificate made by the server's program is a user with groups; a rotated key ends tokens", async () => {
    const program = (...args: string[]) =>
      systemExec.run(process.execPath, [resolve(import.meta.dirname, "main.ts"), ...args, "--home", home.folder], { timeoutMs: 60_000 });
    const made = await program("client-certificate", "jane", "dev,ops");
    expect(made.code, made.stderr).toBe(0);
    const jane = await file("jane.kubeconfig", made.stdout);
    expect((await run(["auth", "whoami"], jane)).stdout).toMatch(/Username\s+jane[^]*Groups\s+\[dev ops system:authenticated\]/);
    expect((await run(["get", "cm", "one", "-n", "shop"], jane)).stdout).toContain("one");
    expect((await run(["get", "cm", "-n", "other"], jane)).stderr).toContain("Forbidden");
    await kubectl("create", "serviceaccount", "old", "-n", "shop");
    const token = (await kubectl("create", "token", "old", "-n", "shop")).trim();
    const old = await file("old.kubeconfig", (await readFile(join(home.folder, "admin.kubeconfig"), "utf8")).replace(/token: .*/, `token: ${token}`));
    expect((await run(["auth", "whoami"], old)).code).toBe(0);
    const rotated = await program("rotate-signing-keys", "drop");
    expect(rotated.stdout, rotated.stderr).toContain("no older one is accepted");
    await until("the old token ends", async () => (await run(["auth", "whoami"], old)).stderr.includes("Unauthorized"));
  });
});

import { afterAll, beforeAll, expect, test } from "vitest";
import type { KubeObject, StoredObject } from "@threeport/resource";
import { until } from "@threeport/engine/testing";
import {
  configMap,
  customResourceDefinition,
  deployment,
  describeWithKubernetes,
  fresh,
  kubeconfigOf,
  namespaceDocument,
  openFaultProxy,
  openSetPlane,
  startApiServer,
  type SetPlane,
  type TestApiServer,
} from "../testing/index.ts";
import type { Allow } from "./allow.ts";
import { deployerObjects, deployerUser } from "./deployer.ts";

describeWithKubernetes("P3: what the objects of a confined set may do in a cluster", () => {
  let server: TestApiServer;
  let sets: SetPlane;
  let replica: AsyncDisposable;
  beforeAll(async () => {
    server = await startApiServer({ controllers: ["clusterrole-aggregation"] });
    sets = await openSetPlane({ runtimes: { one: server.kubeconfig } });
    replica = await sets.startReplica();
    // The role `admin` is put together by a controller.
    await until("the role admin", async () => {
      const role = await server.client.get<StoredObject>({ apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", name: "admin" });
      return (role["rules"] as unknown[] | null)?.length;
    });
  });
  afterAll(async () => {
    await replica?.[Symbol.asyncDispose]();
    await sets?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  const exists = async (object: KubeObject, namespace?: string): Promise<boolean> =>
    (await server.live({ ...object, metadata: { ...object.metadata, ...(namespace === undefined ? {} : { namespace }) } })) !== undefined;
  /** A namespace with its deployer, as an environment's workloads find it. */
  async function place(plane = sets): Promise<string> {
    const name = fresh("own");
    await plane.create(name, [namespaceDocument(name), ...deployerObjects(name)]);
    await plane.ready(name);
    const account = { apiVersion: "v1", kind: "ServiceAccount", namespace: name };
    await server.client.create(account, { ...account, metadata: { name: "default" } }); // for pods
    return name;
  }
  const confined = (namespace: string, allow?: Allow) => ({
    targetNamespace: namespace,
    confine: { environment: "dev", ...(allow === undefined ? {} : { allow }) },
  });
  const role = (name: string, rules: object[]): KubeObject => ({ apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata: { name }, rules });
  const secretReader = [{ apiGroups: [""], resources: ["secrets"], verbs: ["get"] }];
  const nodeReader = [{ apiGroups: [""], resources: ["nodes"], verbs: ["get"] }];

  test("what belongs into a namespace is applied as the deployer of that namespace, and as nobody else", async () => {
    await using proxy = await openFaultProxy(server);
    await using plane = await openSetPlane({ runtimes: { one: proxy.kubeconfig } });
    await using _replica = await plane.startReplica();
    const namespace = await place(plane);
    const name = fresh("app");
    await plane.create(
      name,
      [{ ...configMap(namespace, name), metadata: { name } }, { ...deployment(namespace, name), metadata: { name } }, role(name, secretReader)].map(
        (object) => ({
          ...object,
        }),
      ),
      confined(namespace),
    );
    await until("its objects", () => exists(role(name, []), namespace));
    await until("the Deployment", () => exists(deployment(namespace, name), namespace));
    const ours = proxy.calls.filter((call) => call.method === "PATCH" && call.path.endsWith(`/${name}`));
    expect(ours.length).toBeGreaterThanOrEqual(3);
    expect([...new Set(ours.map((call) => call.user))]).toEqual([deployerUser(namespace)]);
  });

  test("an object outside its namespace, one that concerns the whole cluster, and a pod that is no longer contained are each refused by name, field and setting; the others come; allowing them is enough", async () => {
    const [namespace, other, name] = [await place(), fresh("other"), fresh("set")];
    await server.client.create({ apiVersion: "v1", kind: "Namespace" }, namespaceDocument(other));
    const wide: KubeObject = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata: { name }, rules: nodeReader };
    const elsewhere = configMap(other, name);
    const pod: KubeObject = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name },
      spec: { hostNetwork: true, automountServiceAccountToken: false, containers: [{ name: "main", image: "example.com/app:1" }] },
    };
    const harmless = { ...configMap("", name), metadata: { name } };
    await sets.create(name, [wide, elsewhere, pod, harmless], confined(namespace));
    await sets.reason(name, "NotAllowed");
    const told = async (): Promise<string> => ((await sets.get(name))?.status?.worst ?? []).map((worst) => worst.message).join("\n");
    await until("all to be told", async () => {
      const text = await told();
      return [
        `ClusterRole ${name} was not applied: kind: ClusterRole concerns the whole cluster. Leave it out, or add {group: "rbac.authorization.k8s.io", kind: ClusterRole} to spec.allow.kinds of Environment dev`,
        `ConfigMap ${other}/${name} was not applied: metadata.namespace: ${other} is not the workload's own namespace, which is ${namespace}. Leave the field out, or add ${other} to spec.allow.namespaces of Environment dev`,
        `Pod ${namespace}/${name} was not applied: spec.hostNetwork shares a namespace with the node. Remove it, or write \`privileged\` into spec.allow.podSecurity of Environment dev`,
      ].every((sentence) => text.includes(sentence));
    });
    expect(await exists(harmless, namespace), "the others are not held up").toBe(true);
    expect([await exists(wide), await exists(elsewhere, other), await exists(pod, namespace)]).toEqual([false, false, false]);

    const allow: Allow = { kinds: [{ group: "rbac.authorization.k8s.io", kind: "ClusterRole" }], namespaces: [other], podSecurity: "privileged" };
    await sets.change(name, () => confined(namespace, allow));
    await until("all to come", async () => (await exists(wide)) && (await exists(elsewhere, other)) && (await exists(pod, namespace)));

    // What was allowed and is not any more is told, and stays as it is: nothing is deleted because a rule changed.
    await sets.change(name, () => confined(namespace));
    await sets.reason(name, "NotAllowed");
    expect([await exists(wide), await exists(elsewhere, other), await exists(pod, namespace)]).toEqual([true, true, true]);
    await sets.delete(name);
    await until("all to go", async () => !(await exists(wide)) && !(await exists(elsewhere, other)));
  });

  test("a role may not grant more than the workload has: the cluster itself says so, and the setting is named", async () => {
    const [namespace, name] = [await place(), fresh("role")];
    await sets.create(name, [role(name, nodeReader)], confined(namespace));
    const told = await sets.reason(name, "NotAllowed");
    expect(told.message).toContain(`grants rights that workloads do not have themselves in namespace ${namespace}`);
    expect(told.message).toContain('{group: "rbac.authorization.k8s.io", kind: Role} to spec.allow.kinds of Environment dev');
    const binding: KubeObject = {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata: { name },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
      subjects: [{ kind: "ServiceAccount", name: "default", namespace }],
    };
    await sets.change(name, () => ({ objects: [binding as unknown as Record<string, unknown>] }));
    await until("the binding to be refused", async () => (await sets.reason(name, "NotAllowed")).message.includes("RoleBinding"));
    expect(await exists(binding, namespace)).toBe(false);
  });

  test("a custom resource needs a kind that the environment allows, or a role that the cluster counts to admin", async () => {
    const [namespace, name] = [await place(), fresh("gadget")];
    await server.client.create({ apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition" }, customResourceDefinition("Gadget"));
    const gadget: KubeObject = { apiVersion: "example.com/v1", kind: "Gadget", metadata: { name }, spec: { size: 1 } };
    await sets.create(name, [gadget, { ...configMap("", name), metadata: { name } }], confined(namespace));
    const told = await until("the refusal of the custom resource", async () => {
      const ready = await sets.reason(name, "NotAllowed");
      return ready.message.includes("Gadget") ? ready : undefined;
    });
    expect(told.message).toContain(`workloads may not patch gadgets.example.com in namespace ${namespace} (service account threeport-deployer, role admin)`);
    expect(told.message).toContain('{group: "example.com", kind: Gadget} to spec.allow.kinds of Environment dev');
    expect(told.message).toContain("rbac.authorization.k8s.io/aggregate-to-admin");
    await sets.change(name, () => confined(namespace, { kinds: [{ group: "example.com", kind: "*" }] }));
    await until("it to come", () => exists(gadget, namespace));
  });

  test("a kubeconfig that may not impersonate says which right is missing; with impersonation off the rules hold without it", async () => {
    const connection = await limitedConnection();
    const namespace = await place();
    await using plane = await openSetPlane({ runtimes: { one: kubeconfigOf(connection) } });
    await using _replica = await plane.startReplica();
    const name = fresh("limited");
    const own = { ...configMap("", name), metadata: { name } };
    await plane.create(name, [own], confined(namespace));
    const told = await plane.reason(name, "NotAllowed");
    expect(told.message).toContain("belongs to limited, who may not act as service accounts");
    expect(told.message).toContain("Grant it the verb impersonate on serviceaccounts");
    expect(told.message).toContain("set spec.impersonation of KubernetesRuntimeInstance one to Off");

    await using off = await openSetPlane({ runtimes: { one: kubeconfigOf(connection) }, impersonates: false });
    await using _offReplica = await off.startReplica();
    const second = fresh("off");
    const object = { ...configMap("", second), metadata: { name: second } };
    await off.create(second, [object, role(second, secretReader)], confined(namespace));
    expect((await off.reason(second, "NotAllowed")).message).toContain("which nobody checks while impersonation is off for runtime one");
    expect(await exists(object, namespace)).toBe(true);
    expect(await exists(role(second, []), namespace)).toBe(false);
  });

  test("a confined set without a namespace of its own is refused", async () => {
    await expect(sets.create(fresh("nowhere"), [configMap("default", "a")], { confine: { environment: "dev" } })).rejects.toMatchObject({
      code: "TP_INVALID",
      causes: [{ field: "spec.targetNamespace" }],
    });
  });

  /** Somebody who may do everything in the cluster but act as others. */
  async function limitedConnection() {
    const rules = [
      { apiGroups: ["*"], resources: ["*"], verbs: ["get", "list", "watch", "create", "update", "patch", "delete", "bind", "escalate"] },
      { nonResourceURLs: ["*"], verbs: ["get"] },
    ];
    const kind = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole" };
    await server.client.create(kind, { ...kind, metadata: { name: "limited" }, rules });
    const binding = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRoleBinding" };
    await server.client.create(binding, {
      ...binding,
      metadata: { name: "limited" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "limited" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "limited" }],
    });
    return server.connectionAs("limited");
  }
});

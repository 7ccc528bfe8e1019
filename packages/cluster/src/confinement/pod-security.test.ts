import { afterAll, beforeAll, expect, test } from "vitest";
import type { KubeObject } from "@threeport/resource";
import { toPlatformError } from "@threeport/resource";
import { deployment, describeWithKubernetes, startApiServer, type TestApiServer } from "../testing/index.ts";
import { baselineProblems } from "./pod-security.ts";

const container = (more: object): object => ({ containers: [{ name: "main", image: "example.com/app:1", ...more }] });
const context = (securityContext: object): object => container({ securityContext });
const pod = (spec: object, annotations: Record<string, string> = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "pod", namespace: "baseline", annotations },
  spec: { automountServiceAccountToken: false, ...container({}), ...spec },
});
const templated = (object: KubeObject, at: (object: KubeObject) => object): KubeObject => {
  const copy = structuredClone(object);
  Object.assign(at(copy), { hostNetwork: true });
  return copy;
};
const specOf = (object: unknown): Record<string, object> => (object as { spec: Record<string, object> }).spec;
const templateSpec = (object: unknown): object => specOf(specOf(object)["template"]);

/** What the cluster's own admission says decides; `field` is where we say the problem is. */
const cases: readonly { readonly name: string; readonly object: KubeObject; readonly field?: string }[] = [
  { name: "an ordinary pod", object: pod({}) },
  { name: "the node's network", object: pod({ hostNetwork: true }), field: "spec.hostNetwork" },
  { name: "the node's processes", object: pod({ hostPID: true }), field: "spec.hostPID" },
  { name: "the node's IPC", object: pod({ hostIPC: true }), field: "spec.hostIPC" },
  { name: "none of the node's namespaces, said", object: pod({ hostNetwork: false, hostPID: false }) },
  { name: "the node's files", object: pod({ volumes: [{ name: "host", hostPath: { path: "/" } }] }), field: "spec.volumes[0].hostPath" },
  { name: "files of its own", object: pod({ volumes: [{ name: "own", emptyDir: {} }] }) },
  { name: "a privileged container", object: pod(context({ privileged: true })), field: "spec.containers[0].securityContext.privileged" },
  {
    name: "a privileged init container",
    object: pod({ initContainers: [{ name: "first", image: "example.com/app:1", securityContext: { privileged: true } }] }),
    field: "spec.initContainers[0].securityContext.privileged",
  },
  {
    name: "an unusual capability",
    object: pod(context({ capabilities: { add: ["CHOWN", "SYS_ADMIN"] } })),
    field: "spec.containers[0].securityContext.capabilities.add",
  },
  { name: "all capabilities", object: pod(context({ capabilities: { add: ["ALL"] } })), field: "spec.containers[0].securityContext.capabilities.add" },
  { name: "usual capabilities", object: pod(context({ capabilities: { add: ["NET_BIND_SERVICE", "CHOWN"], drop: ["ALL"] } })) },
  { name: "a port of the node", object: pod(container({ ports: [{ containerPort: 80, hostPort: 80 }] })), field: "spec.containers[0].ports[0].hostPort" },
  { name: "a port of its own", object: pod(container({ ports: [{ containerPort: 80 }] })) },
  { name: "no seccomp", object: pod({ securityContext: { seccompProfile: { type: "Unconfined" } } }), field: "spec.securityContext.seccompProfile.type" },
  {
    name: "no seccomp for one container",
    object: pod(context({ seccompProfile: { type: "Unconfined" } })),
    field: "spec.containers[0].securityContext.seccompProfile.type",
  },
  { name: "the runtime's seccomp", object: pod({ securityContext: { seccompProfile: { type: "RuntimeDefault" } } }) },
  { name: "no AppArmor", object: pod({ securityContext: { appArmorProfile: { type: "Unconfined" } } }), field: "spec.securityContext.appArmorProfile.type" },
  {
    name: "an SELinux type of the host",
    object: pod({ securityContext: { seLinuxOptions: { type: "spc_t" } } }),
    field: "spec.securityContext.seLinuxOptions.type",
  },
  { name: "an SELinux type for containers", object: pod({ securityContext: { seLinuxOptions: { type: "container_t", level: "s0:c1" } } }) },
  { name: "an SELinux role", object: pod(context({ seLinuxOptions: { role: "sysadm_r" } })), field: "spec.containers[0].securityContext.seLinuxOptions.role" },
  {
    name: "a sysctl of the node",
    object: pod({ securityContext: { sysctls: [{ name: "kernel.msgmax", value: "1" }] } }),
    field: "spec.securityContext.sysctls[0]",
  },
  { name: "safe sysctls", object: pod({ securityContext: { sysctls: [{ name: "net.ipv4.tcp_rmem", value: "4096 1 2" }] } }) },
  {
    name: "a probe of another host",
    object: pod(container({ livenessProbe: { httpGet: { port: 80, host: "10.0.0.1" } } })),
    field: "spec.containers[0].livenessProbe.httpGet.host",
  },
  { name: "a probe of itself", object: pod(container({ livenessProbe: { httpGet: { port: 80 } } })) },
  {
    name: "a hook that calls another host",
    object: pod(container({ lifecycle: { preStop: { httpGet: { port: 80, host: "10.0.0.1" } } } })),
    field: "spec.containers[0].lifecycle.preStop.httpGet.host",
  },
  {
    name: "Windows host processes",
    object: pod({ securityContext: { windowsOptions: { hostProcess: true }, runAsNonRoot: true }, hostNetwork: true }),
    field: "spec.hostNetwork",
  },
];

describeWithKubernetes("Pod Security, read from the document", () => {
  let server: TestApiServer;
  beforeAll(async () => {
    server = await startApiServer();
    await server.client.create(
      { apiVersion: "v1", kind: "Namespace" },
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "baseline", labels: { "pod-security.kubernetes.io/enforce": "baseline" } } },
    );
    const account = { apiVersion: "v1", kind: "ServiceAccount", namespace: "baseline" };
    await server.client.create(account, { ...account, metadata: { name: "default" } });
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  test.for(cases)("$name: as the cluster's own admission says", async ({ object, field }) => {
    const refused = await server.client.create({ apiVersion: "v1", kind: "Pod", namespace: "baseline" }, object, { dryRun: true }).then(
      () => undefined,
      (error: unknown) => toPlatformError(error).message,
    );
    expect(baselineProblems(object).map((problem) => problem.field)[0], refused).toBe(field);
    if (field === undefined) expect(refused).toBeUndefined();
    else expect(refused).toContain("violates PodSecurity");
  });

  test("pods are found in every kind that makes them, and nowhere else", () => {
    const app = deployment("baseline", "app");
    const { template } = specOf(app);
    const kinds: readonly [KubeObject, string | undefined][] = [
      [templated(app, templateSpec), "spec.template.spec.hostNetwork"],
      [templated({ ...app, kind: "StatefulSet" }, templateSpec), "spec.template.spec.hostNetwork"],
      [templated({ ...app, kind: "DaemonSet" }, templateSpec), "spec.template.spec.hostNetwork"],
      [templated({ ...app, kind: "ReplicaSet" }, templateSpec), "spec.template.spec.hostNetwork"],
      [templated({ ...app, apiVersion: "batch/v1", kind: "Job" }, templateSpec), "spec.template.spec.hostNetwork"],
      [templated({ ...app, apiVersion: "v1", kind: "ReplicationController" }, templateSpec), "spec.template.spec.hostNetwork"],
      [
        templated({ apiVersion: "batch/v1", kind: "CronJob", metadata: app.metadata, spec: { jobTemplate: { spec: { template } } } }, (job) =>
          templateSpec(specOf(job)["jobTemplate"]),
        ),
        "spec.jobTemplate.spec.template.spec.hostNetwork",
      ],
      [
        templated({ apiVersion: "v1", kind: "PodTemplate", metadata: app.metadata, template }, (object) => specOf(object["template"])),
        "template.spec.hostNetwork",
      ],
      [templated({ ...app, apiVersion: "example.com/v1" }, templateSpec), undefined],
    ];
    for (const [object, field] of kinds) expect(baselineProblems(object)[0]?.field, object.kind).toBe(field);
  });

  test("a document of any shape is read without harm", () => {
    for (const spec of [null, 7, "text", [], { containers: "none", volumes: 3, securityContext: [] }, { containers: [null, 1, { ports: {} }] }])
      expect(baselineProblems({ apiVersion: "v1", kind: "Pod", metadata: { name: "odd" }, spec })).toEqual([]);
  });
});

import { expect, test } from "vitest";
import type { JsonObject, KubeObject } from "@threeport/resource";
import { openTestControlPlane, type TestControlPlane } from "@threeport/server/testing";

const pem = (what: string): string => Buffer.from(`-----BEGIN ${what}-----\nMIIB\n-----END ${what}-----\n`).toString("base64");

function kubeconfig(parts: { cluster?: JsonObject; user?: JsonObject }): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "main",
    clusters: [{ name: "c", cluster: { server: "https://10.0.0.1:6443", "certificate-authority-data": pem("CERTIFICATE"), ...parts.cluster } }],
    users: [{ name: "u", user: parts.user ?? { token: "t0ken-never-shown" } }],
    contexts: [{ name: "main", context: { cluster: "c", user: "u" } }],
  });
}

function secret(text: string, more: { type?: string; key?: string } = {}): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { generateName: "kubeconfig-", name: "", namespace: "default" },
    stringData: { [more.key ?? "kubeconfig"]: text },
    ...(more.type === undefined ? {} : { type: more.type }),
  };
}

const refused: readonly { readonly name: string; readonly because: string; readonly text: string; readonly field: string }[] = [
  {
    name: "exec",
    because: "the server would run a program",
    text: kubeconfig({ user: { exec: { apiVersion: "client.authentication.k8s.io/v1", command: "aws", interactiveMode: "Never" } } }),
    field: "users[0].user.exec",
  },
  {
    name: "auth-provider",
    because: "the server would call somebody",
    text: kubeconfig({ user: { "auth-provider": { name: "gcp" } } }),
    field: "users[0].user.auth-provider",
  },
  {
    name: "tokenFile",
    because: "the server would read a file of its own machine",
    text: kubeconfig({ user: { tokenFile: "/var/run/secrets/token" } }),
    field: "users[0].user.tokenFile",
  },
  {
    name: "client-certificate",
    because: "the server would read a file of its own machine",
    text: kubeconfig({ user: { "client-certificate": "/root/admin.crt", "client-key": "/root/admin.key" } }),
    field: "users[0].user.client-certificate",
  },
  {
    name: "certificate-authority",
    because: "the server would read a file of its own machine",
    text: kubeconfig({ cluster: { "certificate-authority-data": undefined as never, "certificate-authority": "/etc/ca.crt" } }),
    field: "clusters[0].cluster.certificate-authority",
  },
  {
    name: "proxy-url",
    because: "the server would connect to wherever it says",
    text: kubeconfig({ cluster: { "proxy-url": "http://169.254.169.254" } }),
    field: "clusters[0].cluster.proxy-url",
  },
  {
    name: "insecure-skip-tls-verify",
    because: "anybody in between could be the cluster",
    text: kubeconfig({ cluster: { "certificate-authority-data": undefined as never, "insecure-skip-tls-verify": true } }),
    field: "clusters[0].cluster.insecure-skip-tls-verify",
  },
];

async function withPlane(body: (plane: TestControlPlane) => Promise<void>): Promise<void> {
  await using plane = await openTestControlPlane();
  await body(plane);
}

test("P4: a kubeconfig that would make the server run, read, call or trust blindly is refused when it is written: 422 with the field, and nothing of its contents", () =>
  withPlane(async (plane) => {
    for (const { name, because, text, field } of refused) {
      const answer = await plane.create(secret(text)).then(
        () => undefined,
        (error: unknown) => error as { code: string; message: string; causes: { field: string }[]; detail: { httpStatus: number } },
      );
      expect(answer, `${name}: ${because}`).toMatchObject({ code: "TP_INVALID", detail: { httpStatus: 422 } });
      expect(answer?.causes.map((cause) => cause.field).join(" "), name).toContain(field);
      expect(answer?.message).not.toContain("t0ken-never-shown");
      expect(answer?.message).not.toContain("MIIB");
    }
    expect((await plane.client.list({ apiVersion: "v1", kind: "Secret", namespace: "default" })).items).toEqual([]);
  }));

test("P4: the rule holds for changes as for creates, and for every Secret that says it is a kubeconfig, whatever it is called", () =>
  withPlane(async (plane) => {
    const good = await plane.create(secret(kubeconfig({})));
    const target = { apiVersion: "v1", kind: "Secret", namespace: "default", name: good.metadata.name };
    await expect(plane.client.patch(target, { stringData: { kubeconfig: kubeconfig({ user: { exec: { command: "sh" } } }) } })).rejects.toMatchObject({
      code: "TP_INVALID",
    });
    await expect(plane.create(secret("no yaml: [", { type: "threeport.io/kubeconfig" }))).rejects.toMatchObject({ code: "TP_INVALID" });
    await expect(plane.create(secret(kubeconfig({}), { type: "threeport.io/kubeconfig", key: "elsewhere" }))).rejects.toMatchObject({
      code: "TP_INVALID",
      causes: [{ field: "data.kubeconfig" }],
    });
  }));

test("Secrets that are no kubeconfigs are nobody's business", () =>
  withPlane(async (plane) => {
    await plane.create(secret("exec: the word alone is harmless", { key: "notes" }));
    await plane.create(secret("a password", { key: "kubeconfig" }));
  }));

test("P4: what slipped into a Secret of another key is refused where it would be used", () =>
  withPlane(async (plane) => {
    const created = await plane.create(secret(kubeconfig({ user: { exec: { command: "sh" } } }), { key: "hidden" }));
    await plane.create({
      apiVersion: "threeport.io/v1alpha1",
      kind: "KubernetesRuntimeInstance",
      metadata: { name: "sly" },
      spec: { provider: "kubeconfig", kubeconfig: { secretRef: { namespace: "default", name: created.metadata.name, key: "hidden" } } },
    });
    const told = await plane.reason({ apiVersion: "threeport.io/v1alpha1", kind: "KubernetesRuntimeInstance", namespaced: false }, "sly", "KubeconfigInvalid");
    expect(told.message).toContain("exec");
  }));

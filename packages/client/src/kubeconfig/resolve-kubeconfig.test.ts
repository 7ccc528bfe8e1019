import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemExec } from "@threeport/platform";
import { PlatformError, type JsonObject } from "@threeport/resource";
import { certificateData, keyData, kubeconfigText } from "../testing/kubeconfig-text.ts";
import { parseKubeconfig } from "./parse-kubeconfig.ts";
import { resolveKubeconfig } from "./resolve-kubeconfig.ts";

let baseDir: string;

beforeAll(async () => {
  baseDir = await mkdtemp(join(tmpdir(), "kubeconfig-"));
  await writeFile(join(baseDir, "ca.pem"), Buffer.from(certificateData, "base64"));
  await writeFile(join(baseDir, "key.pem"), Buffer.from(keyData, "base64"));
});

afterAll(() => rm(baseDir, { recursive: true }));

const resolved = (text: string, extra: { context?: string; notice?: (sentence: string) => void } = {}) =>
  resolveKubeconfig(text, { readFile: (path) => readFile(path), exec: systemExec, baseDir, ...extra });

/** A plugin that prints what `script` (a shell script) prints. */
function plugin(script: string, extra: JsonObject = {}): JsonObject {
  return { exec: { apiVersion: "client.authentication.k8s.io/v1", command: "sh", args: ["-c", script], interactiveMode: "Never", ...extra } };
}

const credential = (status: object, apiVersion = "client.authentication.k8s.io/v1") =>
  `printf '%s' '${JSON.stringify({ kind: "ExecCredential", apiVersion, status })}'`;

test("files become inline data, and the result is what the server accepts", async () => {
  const text = await resolved(
    kubeconfigText({
      cluster: { "certificate-authority": "ca.pem" },
      user: { "client-certificate": join(baseDir, "ca.pem"), "client-key": "./key.pem" },
      context: { namespace: "shop" },
    }),
  );
  expect(parseKubeconfig(text)).toMatchObject({
    server: "https://10.0.0.1:6443",
    namespace: "shop",
    caData: expect.stringContaining("BEGIN"),
    clientKey: expect.stringContaining("PRIVATE KEY"),
  });
});

test("only the chosen context goes along: other credentials stay at home", async () => {
  const config = JSON.parse(kubeconfigText({ user: { token: "mine" } })) as { users: unknown[]; contexts: unknown[] };
  config.users.push({ name: "other", user: { token: "other-token", exec: { command: "false" } } });
  config.contexts.push({ name: "other", context: { cluster: "c", user: "other" } });
  const text = await resolved(JSON.stringify(config), { context: "main" });
  expect(text).toContain("mine");
  expect(text).not.toContain("other");
});

describe("an exec plugin", () => {
  test("is run with the arguments, environment and cluster that client-go gives it", async () => {
    const script = `printf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","status":{"token":"%s"}}' "$PROFILE-$(printf '%s' "$KUBERNETES_EXEC_INFO" | tr -dc 'a-zA-Z0-9:/.')"`;
    const text = await resolved(
      kubeconfigText({
        user: plugin(script, { apiVersion: "client.authentication.k8s.io/v1beta1", env: [{ name: "PROFILE", value: "prod" }], provideClusterInfo: true }),
      }),
    );
    expect(parseKubeconfig(text).token).toBe(
      "prod-apiVersion:client.authentication.k8s.io/v1beta1kind:ExecCredentialspec:interactive:falsecluster:server:https://10.0.0.1:6443",
    );
  });

  test("may hand out a client certificate, and an end that the user hears of", async () => {
    const notices: string[] = [];
    const pem = (data: string) => Buffer.from(data, "base64").toString().replaceAll("\n", "\\n");
    const script = `printf '%s' '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"clientCertificateData":"${pem(certificateData)}","clientKeyData":"${pem(keyData)}","expirationTimestamp":"2026-11-22T20:00:00Z"}}'`;
    const text = await resolved(kubeconfigText({ user: plugin(script) }), { notice: (sentence) => void notices.push(sentence) });
    expect(parseKubeconfig(text).clientKey).toContain("PRIVATE KEY");
    expect(notices).toEqual(['The credentials of user "u" come from an exec plugin and end at 2026-11-22T20:00:00Z; a ServiceAccount token lasts longer.']);
  });

  test("is looked up beside the kubeconfig when its command has a slash", async () => {
    await writeFile(join(baseDir, "helper"), `#!/bin/sh\n${credential({ token: "beside" })}\n`, { mode: 0o755 });
    expect(parseKubeconfig(await resolved(kubeconfigText({ user: plugin("", { command: "./helper" }) }))).token).toBe("beside");
  });

  test.each([
    {
      name: "is missing",
      user: plugin("", { command: "no-such-plugin", installHint: "get it from example.com" }),
      says: "no-such-plugin is not installed; get it from example.com",
    },
    { name: "fails", user: plugin("echo log in first >&2; exit 3"), says: "sh ended with 3: log in first" },
    { name: "prints something else", user: plugin("echo s3cret"), says: "printed something that is no ExecCredential" },
    {
      name: "answers for another version",
      user: plugin(credential({ token: "s3cret" }, "client.authentication.k8s.io/v1alpha1")),
      says: "must print an ExecCredential of client.authentication.k8s.io/v1",
    },
    { name: "prints no credential", user: plugin(credential({})), says: "neither a token nor a client certificate" },
    { name: "is of an old version", user: plugin("", { apiVersion: "client.authentication.k8s.io/v1alpha1" }), says: "apiVersion must be one of" },
    { name: "must ask questions", user: plugin("", { interactiveMode: "Always" }), says: "log in with it first" },
  ])("that $name is an error at its field, without what it printed", async ({ user, says }) => {
    const error = await resolved(kubeconfigText({ user })).catch((thrown: unknown) => thrown);
    if (!(error instanceof PlatformError)) throw error;
    expect(error.causes.map(({ field }) => field)).toEqual(["users[0].user.exec"]);
    expect(error.message).toContain(says);
    expect(error.message).not.toContain("s3cret");
  });
});

test.each([
  { field: "clusters[0].cluster.proxy-url", parts: { cluster: { "proxy-url": "http://x" } } },
  { field: "clusters[0].cluster.insecure-skip-tls-verify", parts: { cluster: { "insecure-skip-tls-verify": true } } },
  { field: "users[0].user.as", parts: { user: { as: "x" } } },
  { field: "users[0].user.client-key", parts: { user: { "client-key": "gone.pem" } } },
])("$field cannot be resolved, and no plugin is run", async ({ field, parts }) => {
  const user = { ...plugin(`touch ${join(baseDir, "ran")}`), ...("user" in parts ? parts.user : {}) };
  await expect(resolved(kubeconfigText({ ...parts, user }))).rejects.toMatchObject({ code: "TP_KUBECONFIG_INVALID", causes: [{ field }] });
  await expect(readFile(join(baseDir, "ran"))).rejects.toMatchObject({ code: "ENOENT" });
});

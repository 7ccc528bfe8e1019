import { describe, expect, test } from "vitest";
import { PlatformError } from "@threeport/resource";
import { certificateData, keyData, kubeconfigText } from "../testing/kubeconfig-text.ts";
import { parseKubeconfig, type ParseKubeconfigOptions } from "./parse-kubeconfig.ts";

function refusal(text: string, options?: ParseKubeconfigOptions): PlatformError {
  try {
    parseKubeconfig(text, options);
  } catch (error) {
    if (error instanceof PlatformError) return error;
    throw error;
  }
  throw new Error("was accepted");
}

describe("an inline kubeconfig", () => {
  test("becomes a connection", () => {
    const text = kubeconfigText({
      cluster: { "certificate-authority-data": certificateData, "tls-server-name": "api", extensions: [{ name: "x" }], "insecure-skip-tls-verify": false },
      user: { "client-certificate-data": certificateData, "client-key-data": keyData, token: "t0ken\n", password: "" },
      context: { namespace: "shop" },
    });
    expect(parseKubeconfig(text)).toEqual({
      server: "https://10.0.0.1:6443",
      caData: expect.stringContaining("BEGIN CERTIFICATE"),
      clientCertificate: expect.stringContaining("BEGIN CERTIFICATE"),
      clientKey: expect.stringContaining("BEGIN PRIVATE KEY"),
      token: "t0ken",
      tlsServerName: "api",
      namespace: "shop",
    });
  });

  test("may be YAML, as kubectl writes it, and another context may be asked for", () => {
    const text = `
apiVersion: v1
kind: Config
current-context: a
clusters:
- name: one
  cluster: {server: "https://one:6443"}
- name: two
  cluster: {server: "https://two:6443"}
users: []
contexts:
- {name: a, context: {cluster: one}}
- {name: b, context: {cluster: two, user: ""}}
`;
    expect(parseKubeconfig(text)).toEqual({ server: "https://one:6443" });
    expect(parseKubeconfig(text, { context: "b" }).server).toBe("https://two:6443");
    expect(refusal(text, { context: "c" }).message).toContain('there is no context "c"; it has: a, b');
  });
});

describe("P4: a stored kubeconfig", () => {
  test.each([
    { part: "user", field: "exec", value: { command: "aws" }, instead: "tptctl runtime add" },
    { part: "user", field: "auth-provider", value: { name: "gcp" }, instead: "write a token" },
    { part: "user", field: "tokenFile", value: "/var/run/token", instead: "write its content as token" },
    { part: "user", field: "client-certificate", value: "c.pem", instead: "client-certificate-data" },
    { part: "user", field: "client-key", value: "k.pem", instead: "client-key-data" },
    { part: "user", field: "username", value: "u", instead: "write a token" },
    { part: "user", field: "password", value: "p4ss", instead: "write a token" },
    { part: "user", field: "as", value: "root", instead: "credentials of the account" },
    { part: "user", field: "as-groups", value: ["system:masters"], instead: "credentials of the account" },
    { part: "cluster", field: "certificate-authority", value: "/etc/shadow", instead: "inline as certificate-authority-data" },
    { part: "cluster", field: "insecure-skip-tls-verify", value: true, instead: "certificate-authority-data" },
    { part: "cluster", field: "proxy-url", value: "http://169.254.169.254", instead: "remove it" },
    { part: "cluster", field: "constructor", value: "x", instead: "correct or remove it" },
  ])("may not have $field, and the message says what to write instead", ({ part, field, value, instead }) => {
    const error = refusal(kubeconfigText({ [part]: { [field]: value } }));
    expect(error.code).toBe("TP_KUBECONFIG_INVALID");
    expect(error.causes.map((cause) => cause.field)).toEqual([`${part}s[0].${part}.${field}`]);
    expect(error.message).toContain(instead);
    expect(error.message).not.toContain("p4ss");
  });

  test("is refused for all its faults at once, also in entries that the context does not use", () => {
    const config = JSON.parse(kubeconfigText({ cluster: { "proxy-url": "http://x" }, user: { exec: { command: "a" }, as: "b" } })) as { users: unknown[] };
    config.users.push({ name: "other", user: { tokenFile: "/x" } });
    expect(refusal(JSON.stringify(config)).causes.map(({ field }) => field)).toEqual([
      "clusters[0].cluster.proxy-url",
      "users[0].user.exec",
      "users[0].user.as",
      "users[1].user.tokenFile",
    ]);
  });

  test.each([
    { because: "it is no kubeconfig", text: "apiVersion: v1\nkind: Pod\n", says: "kind: must be Config" },
    { because: "two documents say two things", text: "a: 1\n---\nb: 1\n", says: "one YAML document" },
    { because: "it is empty", text: "", says: "one YAML document" },
    { because: "the list is no list", text: "clusters: {}\ncontexts: []", says: "clusters: must be a list" },
    {
      because: "the cluster is missing",
      text: kubeconfigText({ context: { cluster: "gone" } }),
      says: 'contexts[0].context.cluster: there is no cluster "gone"',
    },
    { because: "the server is missing", text: kubeconfigText({ cluster: { server: "" } }), says: "clusters[0].cluster.server: write the API server's address" },
    {
      because: "the server is no address",
      text: kubeconfigText({ cluster: { server: "10.0.0.1:6443" } }),
      says: "clusters[0].cluster.server: the server's address must look like",
    },
    { because: "the key is missing", text: kubeconfigText({ user: { "client-certificate-data": certificateData } }), says: "only one of them is there" },
    {
      because: "the data is a path",
      text: kubeconfigText({ cluster: { "certificate-authority-data": "/etc/ca.pem" } }),
      says: "certificate-authority-data: must be the base64 of a PEM text",
    },
    { because: "the token has a line break", text: kubeconfigText({ user: { token: "a\nb: c" } }), says: "white space" },
    { because: "a name is there twice", text: '{"clusters":[{"name":"c","cluster":{}},{"name":"c","cluster":{}}]}', says: "clusters[1].name: stands twice" },
    { because: "it is huge", text: `# ${"x".repeat(300_000)}`, says: "longer than 0.25 MiB" },
    {
      because: "it is an alias bomb",
      text: "a: &a [1,2,3,4,5,6,7,8,9,10]\n" + [..."bcdefgh"].map((c, n) => `${c}: &${c} [${Array(10).fill(`*${"abcdefg"[n]}`)}]`).join("\n"),
      says: "more than 5000 values",
    },
    { because: "it is deep", text: `a: ${"[".repeat(5000)}`, says: "nested deeper than 20 levels" },
  ])("is refused when $because", ({ text, says }) => {
    const error = refusal(text);
    expect(error.code).toBe("TP_KUBECONFIG_INVALID");
    expect(error.message).toContain(says);
  });

  test("gives nothing of its credentials away when it cannot be read", () => {
    const error = refusal(`users:\n- name: u\n  user:\n    token: s3cret: more\n    x: @s3cret\n    y: 0123s3cret\n`);
    expect(JSON.stringify({ ...error, message: error.message, cause: String(error.cause) })).not.toContain("s3cret");
  });
});

describe("files, where a reader is given", () => {
  const files: Record<string, string> = { "ca.pem": Buffer.from(certificateData, "base64").toString(), "/token": " from-file\n" };
  const readFile = (path: string) => {
    const content = files[path];
    if (content === undefined) throw Object.assign(new Error("no such file"), { code: "ENOENT" });
    return content;
  };

  test("are read; a token's file wins over the token, as in kubectl", () => {
    const text = kubeconfigText({ cluster: { "certificate-authority": "ca.pem" }, user: { token: "old", tokenFile: "/token" } });
    expect(parseKubeconfig(text, { resolveFiles: { readFile } })).toMatchObject({ caData: files["ca.pem"], token: "from-file" });
  });

  test("that are missing are named with their field", () => {
    const error = refusal(kubeconfigText({ cluster: { "certificate-authority": "gone.pem" } }), { resolveFiles: { readFile } });
    expect(error.causes).toEqual([
      { field: "clusters[0].cluster.certificate-authority", reason: "FieldValueInvalid", message: "the file gone.pem cannot be read (ENOENT)" },
    ]);
  });

  test("do not make exec plugins acceptable", () => {
    expect(refusal(kubeconfigText({ user: { exec: { command: "x" } } }), { resolveFiles: { readFile } }).causes[0]?.field).toBe("users[0].user.exec");
  });
});

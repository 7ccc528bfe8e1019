import { createPrivateKey, createPublicKey, sign, verify, X509Certificate } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@threeport/platform";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clusterCertificates, writeClusterPki } from "./cluster-pki.ts";
import { networkPlan } from "./network-plan.ts";

let stateDir: string;
const plan = networkPlan(3);
beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), "threeport-pki-"));
  await writeClusterPki({ stateDir, name: "test", nodeName: "test", plan, clock: systemClock });
});
afterAll(() => rm(stateDir, { recursive: true }));

const pki = (file: string) => readFile(join(stateDir, "pki", file), "utf8");

test("every certificate is signed by the cluster's authority, matches its key and says who it is to Kubernetes", async () => {
  const authority = new X509Certificate(await pki("ca.crt"));
  for (const { file, subject } of clusterCertificates({ nodeName: "test", plan })) {
    const certificate = new X509Certificate(await pki(`${file}.crt`));
    expect(certificate.verify(authority.publicKey)).toBe(true);
    expect(certificate.checkPrivateKey(createPrivateKey(await pki(`${file}.key`)))).toBe(true);
    expect(certificate.subject.split("\n").at(-1)).toBe(`CN=${subject.commonName}`);
  }
  expect(new X509Certificate(await pki("kubelet.crt")).subject).toBe("O=system:nodes\nCN=system:node:test");
  expect(new X509Certificate(await pki("admin.crt")).subject).toBe("O=system:masters\nCN=admin");
});

test("the API server's certificate is good for the node's address, the Service's and its names", async () => {
  const certificate = new X509Certificate(await pki("apiserver.crt"));
  for (const address of [plan.nodeIp, plan.apiServiceIp, "127.0.0.1"]) expect(certificate.checkIP(address)).toBe(address);
  for (const host of ["localhost", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"]) expect(certificate.checkHost(host)).toBe(host);
  expect(certificate.checkIP(networkPlan(4).nodeIp)).toBeUndefined();
});

test("the kubeconfig holds everything inline and names one context", async () => {
  const text = await readFile(join(stateDir, "kubeconfig"), "utf8");
  const value = (key: string) => new RegExp(`^ *${key}: (\\S+)$`, "m").exec(text)?.[1] ?? "";
  const decoded = (key: string) => Buffer.from(value(key), "base64").toString();
  expect(value("server")).toBe(`https://${plan.nodeIp}:6443`);
  expect(decoded("certificate-authority-data")).toBe(await pki("ca.crt"));
  expect(decoded("client-certificate-data")).toBe(await pki("admin.crt"));
  expect(decoded("client-key-data")).toBe(await pki("admin.key"));
  expect(value("current-context")).toBe("test");
  expect(text).not.toMatch(/exec|auth-provider|proxy-url|certificate-authority:/);
});

test("tokens signed with the service account key are verified by its public half", async () => {
  const data = Buffer.from("token");
  expect(
    verify("sha256", data, createPublicKey(await pki("service-accounts.pub")), sign("sha256", data, createPrivateKey(await pki("service-accounts.key")))),
  ).toBe(true);
});

test("private keys are for root alone, and nothing half made is left", async () => {
  expect((await readdir(stateDir)).sort()).toEqual(["kubeconfig", "pki"]);
  for (const file of (await readdir(join(stateDir, "pki"))).filter((name) => /\.(key|kubeconfig)$/.test(name))) {
    expect((await stat(join(stateDir, "pki", file))).mode & 0o077).toBe(0);
  }
  expect((await stat(join(stateDir, "kubeconfig"))).mode & 0o077).toBe(0);
});

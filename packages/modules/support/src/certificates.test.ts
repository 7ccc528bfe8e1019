// Certificates of our own authority, over the objects of a control plane.
import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestControlPlane, type Kind, type TestControlPlane } from "@threeport/server/testing";
import { until } from "@threeport/engine/testing";
import { createAuthority } from "@threeport/platform/pki";
import { isErrorCode, secretData, secretTexts, type KubeObject, type StoredObject } from "@threeport/resource";
import { certificatesFor } from "./certificates.ts";
import type { SupportServiceInstance } from "./kinds/instance.ts";

const group = "threeport.io/v1alpha1";
const system = "threeport-system";
const secrets: Kind = { apiVersion: "v1", kind: "Secret", namespaced: true };
const services: Kind = { apiVersion: group, kind: "SupportServiceInstance", namespaced: false };

let plane: TestControlPlane;
let instance: SupportServiceInstance;
beforeAll(async () => {
  plane = await openTestControlPlane();
  const spec = { service: "gateway", runtime: "nowhere", keep: true };
  instance = await plane.create({ apiVersion: group, kind: "SupportServiceInstance", metadata: { name: "gateway.nowhere" }, spec } as KubeObject);
});
afterAll(() => plane?.[Symbol.asyncDispose]());

/** The objects of the control plane as a reconciler sees them; `before` is called ahead of each create. */
const contextOf = (before: () => Promise<void> = () => Promise.resolve()) => ({
  clock: { now: () => Date.now() } as never,
  objects: {
    get: async (target: { apiVersion: string; kind: string; namespace: string; name: string }) =>
      plane.get({ ...target, namespaced: true }, target.name, target.namespace),
    apply: (object: KubeObject) => plane.client.apply(object, { fieldManager: "threeport", force: true }),
    create: async (object: KubeObject) => {
      await before();
      return plane.create(object);
    },
  } as never,
});
const asked = (hosts: readonly string[], context = contextOf()) => certificatesFor(hosts, { instance, namespace: "gateways" }, context);
const kept = async (): Promise<Record<string, string>> => secretTexts((await plane.get(secrets, "certificates-gateway.nowhere", system)) as StoredObject);

test("all hosts of an instance are in one Secret, which holds no more than is asked for, and goes with the instance", async () => {
  const [first, second] = (await asked(["b.example.com", "a.example.com", "a.example.com"])).made.map(({ name }) => name) as [string, string];
  expect(Object.keys(await kept()).toSorted()).toEqual([`${first}.crt`, `${first}.key`, `${second}.crt`, `${second}.key`]);
  const before = await kept();
  const again = await asked(["a.example.com"]);
  expect(again.secrets).toMatchObject([
    { metadata: { name: `certificate-${first}`, namespace: "gateways" }, stringData: { "tls.crt": before[`${first}.crt`] } },
  ]);
  expect(Object.keys(await kept())).toEqual([`${first}.crt`, `${first}.key`]);
  expect((await plane.get(secrets, "certificates-gateway.nowhere", system))?.metadata.ownerReferences).toMatchObject([
    { name: "gateway.nowhere", uid: instance.metadata.uid },
  ]);
  await plane.delete(services, "gateway.nowhere");
  await until("the Secret to go with the instance", async () => (await plane.get(secrets, "certificates-gateway.nowhere", system)) === undefined);
});

test("of two that make the authority at the same time one is first, and both sign with that one", async () => {
  const taken = await createAuthority({ subject: { commonName: "the first" }, nowMs: Date.now(), validForMs: 86_400_000 });
  await plane.delete(secrets, "threeport-certificate-authority", system).catch((error: unknown) => {
    if (!isErrorCode(error, "TP_NOT_FOUND")) throw error;
  });
  const first = contextOf(async () => {
    await plane.create({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "threeport-certificate-authority", namespace: system },
      type: "kubernetes.io/tls",
      data: secretData({ "tls.crt": taken.certificatePem, "tls.key": taken.privateKeyPem }),
    } as KubeObject);
  });
  const { secrets: made } = await asked(["c.example.com"], first);
  const { stringData } = made[0] as unknown as { stringData: Record<string, string> };
  expect(new X509Certificate(stringData["tls.crt"] ?? "").issuer).toBe("CN=the first");
});

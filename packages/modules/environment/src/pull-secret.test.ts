import { expect, test } from "vitest";
import type { KubeObject } from "@threeport/resource";
import { withPullSecret } from "./pull-secret.ts";

test("pods of every kind use it beside their own, and other documents stay as they are", () => {
  const template = { spec: { containers: [{ name: "a" }], imagePullSecrets: [{ name: "own" }] } };
  const both = [{ name: "own" }, { name: "threeport-registries" }];
  const document = (kind: string, spec: unknown): KubeObject => ({ apiVersion: "v1", kind, metadata: { name: "x" }, spec });
  expect(withPullSecret(document("Deployment", { replicas: 1, template }))["spec"]).toEqual({
    replicas: 1,
    template: { spec: { ...template.spec, imagePullSecrets: both } },
  });
  expect(withPullSecret(document("CronJob", { jobTemplate: { spec: { template } } }))["spec"]).toMatchObject({
    jobTemplate: { spec: { template: { spec: { imagePullSecrets: both } } } },
  });
  expect(withPullSecret(document("Pod", template.spec))["spec"]).toMatchObject({ imagePullSecrets: both });
  for (const other of [document("Certificate", { template: { spec: { dnsNames: [] } } }), document("Service", { selector: {} })])
    expect(withPullSecret(other)).toBe(other);
  const twice = withPullSecret(withPullSecret(document("Deployment", { template })));
  expect(twice).toEqual(withPullSecret(document("Deployment", { template })));
});

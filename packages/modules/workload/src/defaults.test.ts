import { expect, test } from "vitest";
import { fields, items, type KubeObject } from "@threeport/resource";
import { withDefaultResources } from "./defaults.ts";

const deployment = (containers: object[], initContainers?: object[]): KubeObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: { template: { spec: { containers, ...(initContainers === undefined ? {} : { initContainers }) } } },
});
const defaults = { requests: { cpu: "100m", memory: "64Mi" }, limits: { memory: "128Mi" } };
const filled = (resources: object | undefined, given: Parameters<typeof withDefaultResources>[1] = defaults): unknown => {
  const object = withDefaultResources(deployment([{ name: "main", ...(resources === undefined ? {} : { resources }) }]), given);
  const spec = fields(fields(fields(object["spec"])["template"])["spec"]);
  return fields(items(spec["containers"])[0])["resources"];
};

test.each([
  ["a container that says nothing gets all", undefined, { requests: { cpu: "100m", memory: "64Mi" }, limits: { memory: "128Mi" } }],
  ["one that says cpu keeps it", { requests: { cpu: "1" } }, { requests: { cpu: "1", memory: "64Mi" }, limits: { memory: "128Mi" } }],
  ["a limit of its own leaves the request to it", { limits: { cpu: "50m" } }, { requests: { memory: "64Mi" }, limits: { cpu: "50m", memory: "128Mi" } }],
  ["a request of its own gets no limit that is below it", { requests: { memory: "1Gi" } }, { requests: { cpu: "100m", memory: "1Gi" } }],
  ["what else it says stays", { claims: [] }, { claims: [], requests: { cpu: "100m", memory: "64Mi" }, limits: { memory: "128Mi" } }],
])("%s", (_, said, wanted) => {
  expect(filled(said)).toEqual(wanted);
});

test("without defaults, or with empty ones, nothing is added", () => {
  const bare = deployment([{ name: "main" }]);
  expect(withDefaultResources(bare, undefined)).toBe(bare);
  expect(filled(undefined, {})).toBeUndefined();
});

test("containers that come first get them too, and what has no pods stays as it is", () => {
  expect(JSON.stringify(withDefaultResources(deployment([{ name: "a" }], [{ name: "b" }]), defaults)).match(/100m/g)).toHaveLength(2);
  const config: KubeObject = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" } };
  expect(withDefaultResources(config, defaults)).toBe(config);
});

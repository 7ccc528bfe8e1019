import { expect, test } from "vitest";
import type { KubeObject, Objects } from "@threeport/resource";
import { environmentKind, type Environment } from "./environment-kind.ts";
import { pullSecret, readCredentials } from "./credentials.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const secret = (data: Record<string, string>): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "pull", namespace: "ops", resourceVersion: "7" },
  data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)])),
});
const dockerConfig = (auths: object): KubeObject => secret({ ".dockerconfigjson": JSON.stringify({ auths }) });
const environment = (server: string): Environment =>
  ({ metadata: { name: "dev" }, spec: { runtime: "one", registries: [{ server, secretRef: { namespace: "ops", name: "pull" } }] } }) as unknown as Environment;
const read = (server: string, found: KubeObject | undefined) =>
  readCredentials(environment(server), { objects: { get: () => Promise.resolve(found) } as unknown as Objects });

test.each([
  ["username and password", "ghcr.io", secret({ username: "ci", password: "p:w" })],
  ["a Docker configuration with auth", "ghcr.io", dockerConfig({ "ghcr.io": { auth: base64("ci:p:w") } })],
  ["a Docker configuration with user and password", "ghcr.io", dockerConfig({ "other.io": {}, "ghcr.io": { username: "ci", password: "p:w" } })],
  ["an address as docker login writes it", "docker.io", dockerConfig({ "https://index.docker.io/v1/": { auth: base64("ci:p:w") } })],
  ["a host with its port", "registry.example.com:5000", dockerConfig({ "https://registry.example.com:5000/v2/": { auth: base64("ci:p:w") } })],
])("credentials are read from %s", async (_, server, found) => {
  expect(await read(server, found)).toEqual([{ server, secretVersion: "7", basic: "ci:p:w" }]);
});

test.each([
  ["a Secret that is not there", undefined, /no Secret pull in namespace ops .* kubectl create secret docker-registry pull -n ops --docker-server=ghcr.io/],
  ["one without credentials", secret({ username: "ci" }), /ops\/pull has no credentials for registry ghcr.io/],
  ["one for another registry", dockerConfig({ "other.io": { auth: base64("a:b") } }), /has no credentials for registry ghcr.io/],
  ["one that is no JSON", secret({ ".dockerconfigjson": "{" }), /has no credentials/],
  ["one with another form", dockerConfig([]), /has no credentials/],
])("%s is told with what to do", async (_, found, message) => {
  expect(await read("ghcr.io", found)).toMatch(message);
});

test("the Secret of a target namespace has the keys that a kubelet looks for, and there is none without registries", () => {
  const made = pullSecret([
    { server: "docker.io", secretVersion: "1", basic: "a:b" },
    { server: "ghcr.io", secretVersion: "1", basic: "c:d" },
  ]);
  const text = Buffer.from((made?.["data"] as Record<string, string>)[".dockerconfigjson"] ?? "", "base64").toString();
  expect(JSON.parse(text)).toEqual({ auths: { "https://index.docker.io/v1/": { auth: base64("a:b") }, "ghcr.io": { auth: base64("c:d") } } });
  expect(pullSecret([])).toBeUndefined();
});

test.each([
  ["https://ghcr.io/v2/", /write ghcr.io$/],
  ["GHCR.io", /write ghcr.io$/],
  ["ghcr.io/owner", /write ghcr.io$/],
  ["", /for example ghcr.io$/],
  ["-x", /for example/],
])("a registry %j is refused, with what to write", (server, message) => {
  expect(environmentKind.validate(environment(server), undefined)).toEqual([
    expect.objectContaining({ field: "spec.registries[0].server", message: expect.stringMatching(message) as string }),
  ]);
});

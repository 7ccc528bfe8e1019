import { expect, test } from "vitest";
import { isErrorCode } from "@threeport/resource";
import { endpointOf } from "./connection.ts";

test("an address is taken apart, with the path that a proxy puts in front", () => {
  expect(endpointOf({ server: "https://10.0.0.1:6443/k8s/c1/", token: "t" })).toEqual({
    origin: "https://10.0.0.1:6443",
    basePath: "/k8s/c1",
    host: "10.0.0.1:6443",
    secure: true,
  });
});

test.each([
  { because: "the token would be readable on the way", config: { server: "http://cluster.example", token: "t" } },
  { because: "other schemes are no API servers", config: { server: "file:///etc/passwd" } },
  { because: "it is no address", config: { server: "cluster.example:6443" } },
  { because: "a password in the address ends up in logs", config: { server: "https://u:p@cluster.example" } },
  { because: "a query would swallow our paths", config: { server: "https://cluster.example/?x=" } },
  { because: "half a key pair cannot log in", config: { server: "https://cluster.example", clientKey: "k" } },
  { because: "a line break in the token would add headers", config: { server: "https://cluster.example", token: "a\r\nx: y" } },
])("an address is refused: $because", ({ config }) => {
  let thrown: unknown;
  try {
    endpointOf(config);
  } catch (error) {
    thrown = error;
  }
  expect(isErrorCode(thrown, "TP_KUBECONFIG_INVALID")).toBe(true);
});

test("plain http with a token is accepted for loopback, where simulators and tests listen", () => {
  expect(endpointOf({ server: "http://127.0.0.1:8001", token: "t" }).secure).toBe(false);
});

import { expect, test } from "vitest";
import { configMap, configMaps, namespaces, secrets } from "../testing/paths.ts";
import { openTestApi } from "../testing/test-api.ts";
import { rawExchange } from "../testing/raw-exchange.ts";

test("health is told to everybody, and readiness says what is missing", async () => {
  let ready = { ok: true, text: "[+]database ok\n" };
  await using api = await openTestApi({ ready: async () => ready });
  for (const path of ["/healthz", "/livez", "/readyz", "/readyz?verbose"]) {
    const answer = await api.call("GET", path, { token: false });
    expect([answer.status, answer.headers["content-type"]], path).toEqual([200, "text/plain"]);
  }
  ready = { ok: false, text: "[-]database cannot be reached\n" };
  const answer = await api.call("GET", "/readyz", { token: false });
  expect([answer.status, answer.text]).toEqual([503, "[-]database cannot be reached\n"]);
});

const paths = [
  "/",
  "/api",
  "/apis",
  "/api/v1",
  "/apis/test.threeport.io/v1alpha1",
  "/version",
  "/metrics",
  "/openapi/v3",
  "/openapi/v3/api/v1",
  configMaps,
  `${configMaps}/a`,
  `${configMaps}?watch=true`,
  secrets,
  namespaces,
  "/nowhere",
  "/api/v1/%2e%2e",
  "/%",
  "/healthz/",
  "/healthz/x",
  "//healthz",
  "/HEALTHZ",
  "/readyz%00",
];

test("I9: everything else is refused to who is not known, whatever is asked, before the body is read", async () => {
  await using api = await openTestApi();
  for (const path of paths) {
    for (const method of ["GET", "POST", "DELETE", "PATCH", "PUT"]) {
      const answer = await api.call(method, path, { token: false, ...(method === "GET" ? {} : { body: configMap("a") }) });
      expect([answer.status, answer.body?.kind, answer.body?.reason, answer.headers["www-authenticate"]], `${method} ${path}`).toEqual([
        401,
        "Status",
        "Unauthorized",
        'Bearer realm="threeport"',
      ]);
    }
  }
  const large = await api
    .call("POST", configMaps, { token: false, body: "x".repeat(4 * 1024 * 1024) })
    .catch((error: NodeJS.ErrnoException) => ({ status: error.code }));
  expect(large.status).toBeOneOf([401, "EPIPE", "ECONNRESET"]);
  expect((await api.call("GET", configMaps)).body.items).toEqual([]);
});

test("I9: tokens of any form are compared, never believed", async () => {
  await using api = await openTestApi();
  const tokens = [
    "",
    "x",
    `${api.token} `,
    `${api.token}x`,
    api.token.toUpperCase(),
    "a".repeat(5_000),
    "../../etc/passwd",
    "' OR 1=1 --",
    "null",
    "undefined",
    "__proto__",
    "%00",
  ];
  for (const token of tokens) expect((await api.call("GET", configMaps, { token })).status, token.slice(0, 40)).toBe(token === `${api.token} ` ? 200 : 401); // HTTP strips white space at the end
  for (const authorization of [
    `Basic ${Buffer.from("admin:admin").toString("base64")}`,
    api.token,
    `Bearer  ${api.token}`,
    `Bearer ${api.token}, Bearer x`,
    "Bearer",
  ]) {
    expect((await api.call("GET", configMaps, { token: false, headers: { authorization } })).status, authorization).toBe(401);
  }
  expect(
    (await api.call("GET", configMaps, { token: false, headers: { authorization: `bearer ${api.token}` } })).status,
    "the scheme's case does not count",
  ).toBe(200);
});

test("methods that nobody serves are refused, also unusual ones", async () => {
  await using api = await openTestApi();
  for (const method of ["PUT", "PATCH", "HEAD", "OPTIONS", "TRACE"]) expect((await api.call(method, configMaps)).status, method).toBe(405);
  for (const method of ["PROPFIND", "PURGE", "MKCOL", "SEARCH", "LOCK"]) {
    const { responses } = await rawExchange(api, {
      bytes: [`${method} ${configMaps} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${api.token}\r\nConnection: close\r\n\r\n`],
    });
    expect(
      responses.map((response) => response.status),
      method,
    ).toEqual([405]);
  }
  for (const path of ["/version", "/api", "/openapi/v3", "/metrics"]) expect((await api.call("POST", path, { body: {} })).status, path).toBe(405);
});

import { sample, type Arbitrary, array, constantFrom, integer, oneof, record, string, tuple, uint8Array, constant } from "fast-check";
import { expect, test } from "vitest";
import { configMap, configMaps } from "../testing/paths.ts";
import { rawExchange } from "../testing/raw-exchange.ts";
import { openTestApi } from "../testing/test-api.ts";

/** Cases of one run: enough to meet each mutation of each part some times, few enough for seconds. */
const caseCount = 300;
const parallel = 25;
const limits = { headersTimeoutMs: 300, requestTimeoutMs: 600, timeoutCheckMs: 100, keepAliveMs: 300 };

const segments = [
  "api",
  "apis",
  "v1",
  "namespaces",
  "default",
  "configmaps",
  "secrets",
  "fuzz",
  "status",
  "test.threeport.io",
  "v1alpha1",
  "widgets",
  "..",
  "%2e%2e",
  "%2f",
  "%00",
  "%",
  "",
  "__proto__",
  "constructor",
  "x".repeat(3_000),
  "ключ",
  "a|b",
  ";",
  "'",
];
const queries = [
  "watch=true&timeoutSeconds=1",
  "watch=x&timeoutSeconds=1", // whatever does not say no is yes
  "limit=1",
  "limit=-1",
  "limit=1e9",
  "continue=x",
  "continue=WzEsNSwiIiwiIl0",
  "labelSelector=a%3Db",
  "labelSelector=((",
  "fieldSelector=metadata.name%3Da",
  "fieldSelector=x",
  "resourceVersion=5",
  "resourceVersion=x",
  "dryRun=All",
  "fieldValidation=Strict",
  "a=%",
  "%00=%00",
  "&&&",
  "includeObject=None",
];
const bodies = [
  "",
  "{}",
  "null",
  "[]",
  '{"metadata":{"name":"fuzz"}}',
  '{"metadata":{"generateName":"fuzz-"}}',
  '{"metadata":{"name":"fuzz"},"data":{"__proto__":"x"}}',
  '{"__proto__":{}}',
  '{"a":1e999}',
  '{"metadata":5}',
  '[{"op":"add","path":"/data","value":{}}]',
  '[{"op":"copy","from":"","path":"/data/x"}]',
  "[".repeat(2_000),
  '{"spec":{"size":9007199254740993}}',
  '{"a":1,"a":2}',
  "\ufeff{}",
  '"\\ud800"',
];
const contentTypes = [
  "application/json",
  "application/merge-patch+json",
  "application/json-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
  "application/vnd.kubernetes.protobuf",
  "text/plain",
  "",
  "x",
  'application/json; charset="',
  "/",
];
const headers = [
  "Accept: application/json;as=Table;v=v1;g=meta.k8s.io",
  "Accept: text/html",
  "Accept:",
  "Content-Encoding: gzip",
  "Expect: 100-continue",
  "Expect: nonsense",
  "Upgrade: websocket\r\nConnection: Upgrade",
  "Upgrade: h2c",
  "X-HTTP-Method-Override: DELETE",
  "Impersonate-User: other",
  "Authorization: Bearer other",
  "Host: y",
  "Transfer-Encoding: chunked",
  "Content-Length: 5",
  "X: \u0001",
  "Cookie: a=b",
  "Range: bytes=0-1",
  "If-Match: *",
  "Trailer: x",
];

interface Case {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
  readonly body: string | Uint8Array;
  readonly contentType: string;
  readonly known: boolean;
  /** What happens to the finished text. */
  readonly damage: { readonly kind: "none" | "flip" | "cut" | "insert" | "split"; readonly at: number; readonly byte: number };
}

const path: Arbitrary<string> = oneof(
  constantFrom(
    configMaps,
    `${configMaps}/fuzz`,
    "/api/v1/namespaces/fuzz",
    "/apis/test.threeport.io/v1alpha1/namespaces/default/widgets/fuzz/status",
    "*",
    "https://x/api/v1/namespaces",
    "/openapi/v3/api/v1",
  ),
  array(constantFrom(...segments), { maxLength: 7 }).map((parts) => `/${parts.join("/")}`),
  string({ maxLength: 40 }).map((text) => `/${text.replaceAll(/[\s\u0000-\u001f]/g, "")}`),
);
const cases: Arbitrary<Case> = record({
  method: constantFrom("GET", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "PROPFIND", "get", "G\u0000T"),
  path: tuple(path, array(constantFrom(...queries), { maxLength: 2 })).map(([place, query]) => (query.length === 0 ? place : `${place}?${query.join("&")}`)),
  headers: array(constantFrom(...headers), { maxLength: 3 }),
  body: oneof(constantFrom(...bodies), uint8Array({ maxLength: 200 }), string({ maxLength: 50 })),
  contentType: constantFrom(...contentTypes),
  known: oneof({ weight: 9, arbitrary: constant(true) }, { weight: 1, arbitrary: constant(false) }),
  damage: record({
    kind: constantFrom("none", "none", "none", "flip", "cut", "insert", "split"),
    at: integer({ min: 0, max: 400 }),
    byte: integer({ min: 0, max: 255 }),
  }),
});

function bytesOf(input: Case, token: string): Uint8Array[] {
  const head = [
    `${input.method} ${input.path} HTTP/1.1`,
    "Host: x",
    ...(input.known ? [`Authorization: Bearer ${token}`] : []),
    "Connection: close",
    `Content-Type: ${input.contentType}`,
    `Content-Length: ${Buffer.byteLength(input.body)}`,
    ...input.headers,
  ];
  const whole = Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), Buffer.from(input.body)]);
  const at = Math.min(input.damage.at, whole.length - 1);
  switch (input.damage.kind) {
    case "none":
      return [whole];
    case "flip":
      return [Buffer.concat([whole.subarray(0, at), Buffer.from([input.damage.byte]), whole.subarray(at + 1)])];
    case "cut":
      return [whole.subarray(0, at)];
    case "insert":
      return [Buffer.concat([whole.subarray(0, at), Buffer.from([input.damage.byte]), whole.subarray(at)])];
    case "split":
      return [whole.subarray(0, at), whole.subarray(at)];
  }
}

/** Sockets that this process holds open. */
function socketCount(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap" || name === "TLSWrap").length;
}

test("I2, I3, I9: whatever bytes arrive, the server answers or closes in time, errors are Statuses, and nothing is left behind", async () => {
  const seed = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31)); // a failure prints it, FUZZ_SEED repeats it
  const before = socketCount();
  const failures: unknown[] = [];
  const log: unknown[] = []; // what the server says is its own fault
  {
    await using api = await openTestApi({ limits, log: { info: (message, fields) => log.push({ message, ...fields }), debug: () => {} } });
    await api.call("POST", configMaps, { body: configMap("fuzz", { k: "v" }) });
    const inputs = sample(cases, { seed, numRuns: caseCount });
    for (let start = 0; start < inputs.length; start += parallel) {
      await Promise.all(
        inputs.slice(start, start + parallel).map(async (input) => {
          const { responses, closed } = await rawExchange(api, { bytes: bytesOf(input, api.token), deadlineMs: 10_000 });
          if (!closed) failures.push({ input, problem: "the connection stays open" });
          for (const response of responses) {
            if (response.status >= 500 && response.status !== 504) failures.push({ input, response, problem: "a fault of the server" });
            if (response.status < 400 || input.method === "HEAD") continue;
            if (!isStatus(response.body, response.status)) failures.push({ input, response, problem: "an error that is no Status" });
          }
        }),
      );
    }
    expect(failures.slice(0, 5), `seed ${seed}`).toEqual([]);
    expect(log, `seed ${seed}`).toEqual([]);
    expect((await api.call("GET", "/healthz")).status).toBe(200);
    expect((await api.call("POST", configMaps, { body: configMap("after") })).status).toBe(201);
  }
  expect(socketCount(), "sockets left open").toBeLessThanOrEqual(before);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

function isStatus(body: string, code: number): boolean {
  try {
    const value = JSON.parse(body) as { kind?: unknown; code?: unknown; message?: unknown };
    return value.kind === "Status" && value.code === code && typeof value.message === "string";
  } catch {
    return false;
  }
}

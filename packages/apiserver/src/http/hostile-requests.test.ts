import { connect as connectTcp } from "node:net";
import { once } from "node:events";
import { expect, test } from "vitest";
import { configMap, configMaps, namespaces } from "../testing/paths.ts";
import { rawExchange, type RawResponse } from "../testing/raw-exchange.ts";
import { openTestApi, type TestApi } from "../testing/test-api.ts";

/** Short times, so that the server's patience ends within a test. */
const impatient = { headersTimeoutMs: 400, requestTimeoutMs: 800, handshakeTimeoutMs: 400, timeoutCheckMs: 100 };

const auth = (api: TestApi) => `Host: x\r\nAuthorization: Bearer ${api.token}\r\n`;

function expectStatus(response: RawResponse | undefined, status: number, because: string): void {
  expect(response?.status, because).toBe(status);
  expect(JSON.parse(response?.body ?? ""), because).toMatchObject({ kind: "Status", status: "Failure", code: status });
}

test("I3: paths that try to be something else are refused, with a Status", async () => {
  await using api = await openTestApi();
  await api.call("POST", configMaps, { body: configMap("a") });
  const base = "/api/v1/namespaces/default/configmaps";
  const cases = [
    { because: "an encoded slash is no separator", path: `${base}%2fa`, status: 400 },
    { because: "nor inside a name", path: `${base}/a%2fb`, status: 400 },
    { because: "nor a backslash", path: `${base}/a%5cb`, status: 400 },
    { because: "no way up", path: "/api/v1/namespaces/default/secrets/../configmaps/a", status: 400 },
    { because: "also encoded", path: "/api/v1/namespaces/%2e%2e/configmaps/a", status: 400 },
    { because: "NUL", path: `${base}/a%00`, status: 400 },
    { because: "a line end", path: `${base}/a%0d%0aX: y`.replace(" ", "%20"), status: 400 },
    { because: "the separator of our own keys", path: `${base}/a%7cb`, status: 400 },
    { because: "half an escape", path: `${base}/a%2`, status: 400 },
    { because: "not UTF-8", path: `${base}/%ff`, status: 400 },
    { because: "half of a surrogate pair", path: `${base}/%ed%a0%80`, status: 400 },
    { because: "an empty segment", path: "/api/v1//namespaces/default/configmaps/a", status: 404 },
    { because: "an empty namespace", path: "/api/v1/namespaces//configmaps/a", status: 404 },
    { because: "the core group under the address of the others", path: "/apis//v1/namespaces/default/configmaps/a", status: 404 },
    { because: "too many segments", path: `${base}/a/status/x`, status: 404 },
    { because: "a subresource of nothing", path: `${base}/a/__proto__`, status: 404 },
    { because: "a name of 10,000 characters is only not there", path: `${base}/${"x".repeat(10_000)}`, status: 404 },
    { because: "names are compared by case", path: `${base}/A`, status: 404 },
    { because: "a kind that every object inherits", path: "/api/v1/namespaces/default/constructor", status: 404 },
    { because: "a fragment is not sent by clients", path: `${base}/a#b`, status: 404 },
  ];
  for (const { because, path, status } of cases) {
    const { responses } = await rawExchange(api, { bytes: [`GET ${path} HTTP/1.1\r\n${auth(api)}Connection: close\r\n\r\n`] });
    expectStatus(responses[0], status, because);
  }
  const made = await api.call("POST", `${namespaces}/${"n".repeat(5_000)}/configmaps`, { body: configMap("a") });
  expect([made.status, made.body.reason]).toEqual([422, "Invalid"]);
});

test("I9: what is no HTTP is answered with a Status of 400, and the connection ends", async () => {
  await using api = await openTestApi({ limits: impatient });
  const post = `POST ${configMaps} HTTP/1.1\r\n${auth(api)}Content-Type: application/json\r\n`;
  const cases = [
    { because: "no HTTP at all", bytes: "\u0000\u0001\u0002\r\n\r\n" },
    { because: "no method", bytes: "/ HTTP/1.1\r\n\r\n" },
    { because: "an unknown method", bytes: `FROB ${configMaps} HTTP/1.1\r\n${auth(api)}\r\n` },
    { because: "another protocol", bytes: `GET ${configMaps} HTTPS/1.1\r\n${auth(api)}\r\n` },
    { because: "HTTP 9", bytes: `GET ${configMaps} HTTP/9.9\r\n${auth(api)}\r\n` },
    { because: "the preface of HTTP/2", bytes: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" },
    { because: "two lengths", bytes: `${post}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x` },
    { because: "a length and chunks: who reads what?", bytes: `${post}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n` },
    { because: "chunks under another name", bytes: `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n` },
    { because: "chunks that are not last", bytes: `${post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n` },
    { because: "a negative length", bytes: `${post}Content-Length: -1\r\n\r\n{}` },
    { because: "a length that is no number", bytes: `${post}Content-Length: 2x\r\n\r\n{}` },
    { because: "a length beyond counting", bytes: `${post}Content-Length: 99999999999999999999999\r\n\r\n{}` },
    { because: "a chunk's length that is none", bytes: `${post}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n` },
    { because: "a header without a name", bytes: `GET ${configMaps} HTTP/1.1\r\n${auth(api)}: x\r\n\r\n` },
    { because: "a space in a header's name", bytes: `GET ${configMaps} HTTP/1.1\r\n${auth(api)}X Y: z\r\n\r\n` },
    { because: "a space before the colon", bytes: `GET ${configMaps} HTTP/1.1\r\n${auth(api)}Content-Length : 0\r\n\r\n` },
    { because: "a bare line feed smuggles a header", bytes: `GET ${configMaps} HTTP/1.1\r\nX: a\nAuthorization: Bearer ${api.token}\r\n\r\n` },
    { because: "a NUL in a header", bytes: `GET ${configMaps} HTTP/1.1\r\n${auth(api)}X: a\u0000b\r\n\r\n` },
    { because: "a space in the path", bytes: `GET ${configMaps} x HTTP/1.1\r\n${auth(api)}\r\n` },
    { because: "no Host", bytes: `GET ${configMaps} HTTP/1.1\r\nAuthorization: Bearer ${api.token}\r\nConnection: close\r\n\r\n` },
  ];
  for (const { because, bytes } of cases) {
    const { responses, closed } = await rawExchange(api, { bytes: [bytes], deadlineMs: 5_000 });
    expect([responses.length <= 2, closed], because).toEqual([true, true]);
    if (responses[0]?.body !== "") expectStatus(responses[0], 400, because);
    else expect(responses[0].status, because).toBe(400);
  }
  expect((await api.call("GET", configMaps)).body.items).toEqual([]);
});

test("I9: a head of a megabyte is refused with 431", async () => {
  await using api = await openTestApi({ limits: impatient });
  for (const head of [`X: ${"x".repeat(1024 * 1024)}\r\n`, "X: y\r\n".repeat(200_000)]) {
    const { responses, closed } = await rawExchange(api, { bytes: [`GET ${configMaps} HTTP/1.1\r\n${auth(api)}${head}\r\n`] });
    expectStatus(responses[0], 431, head.slice(0, 10));
    expect(closed).toBe(true);
  }
  const long = await rawExchange(api, { bytes: [`GET ${configMaps}?labelSelector=${"x".repeat(1024 * 1024)} HTTP/1.1\r\n${auth(api)}\r\n`] });
  expectStatus(long.responses[0], 431, "a long URL");
});

test("I9: pipelined requests are answered in order, each once, and one bad one ends the rest", async () => {
  await using api = await openTestApi();
  for (const name of ["a", "b", "c"]) await api.call("POST", configMaps, { body: configMap(name) });
  const get = (name: string, last = "") => `GET ${configMaps}/${name} HTTP/1.1\r\n${auth(api)}${last}\r\n`;
  const { responses } = await rawExchange(api, { bytes: [["a", "b", "missing", "c"].map((name) => get(name)).join("") + get("a", "Connection: close\r\n")] });
  expect(responses.map((response) => [response.status, (JSON.parse(response.body) as { metadata: { name?: string } }).metadata.name])).toEqual([
    [200, "a"],
    [200, "b"],
    [404, undefined],
    [200, "c"],
    [200, "a"],
  ]);
  const many = await rawExchange(api, { bytes: [get("a").repeat(500) + get("b", "Connection: close\r\n")], deadlineMs: 20_000 });
  expect([many.responses.length, many.responses.every((response) => response.status === 200)]).toEqual([501, true]);
  const bad = await rawExchange(api, { bytes: [`${get("a")}GARBAGE\r\n\r\n${get("b")}`] });
  expect([bad.closed, bad.responses.length <= 2, bad.responses.some((response) => response.body.includes('"name":"b"'))]).toEqual([true, true, false]);
});

test("I9: a body that a request does not own is never read as the next request", async () => {
  await using api = await openTestApi({ limits: impatient });
  await api.call("POST", configMaps, { body: configMap("victim") });
  const inner = `DELETE ${configMaps}/victim HTTP/1.1\r\n${auth(api)}\r\n`;
  const attempts = [
    `GET ${configMaps} HTTP/1.1\r\n${auth(api)}Content-Length: ${inner.length}\r\n\r\n${inner}`,
    `POST ${configMaps} HTTP/1.1\r\n${auth(api)}Content-Type: text/plain\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
    `POST ${configMaps} HTTP/1.1\r\nHost: x\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
    `POST ${configMaps} HTTP/1.1\r\n${auth(api)}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n${inner}`,
    `POST ${configMaps} HTTP/1.1\r\n${auth(api)}Transfer-Encoding:\u000bchunked\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
    `GET ${configMaps} HTTP/1.1\r\n${auth(api)}Expect: 100-continue\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
  ];
  for (const bytes of attempts) await rawExchange(api, { bytes: [bytes], responses: 2, deadlineMs: 1_500 });
  expect((await api.call("GET", `${configMaps}/victim`)).status).toBe(200);
});

test("I9: who sends slowly, or only half, is cut after a while and told so where an answer is possible", async () => {
  await using api = await openTestApi({ limits: impatient });
  const cases = [
    { because: "half a head", bytes: [`GET ${configMaps} HTTP/1.1\r\nHost: x\r\n`], status: 408 },
    {
      because: "half a body",
      bytes: [`POST ${configMaps} HTTP/1.1\r\n${auth(api)}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"metadata"`],
      status: 408,
    },
    {
      because: "half a chunk",
      bytes: [`POST ${configMaps} HTTP/1.1\r\n${auth(api)}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n100\r\n{`],
      status: 408,
    },
    { because: "nothing", bytes: [], status: undefined },
  ];
  await Promise.all(
    cases.map(async ({ because, bytes, status }) => {
      const { responses, closed } = await rawExchange(api, { bytes, deadlineMs: 8_000 });
      expect([closed, responses[0]?.status], because).toEqual([true, status ?? responses[0]?.status]);
      if (status !== undefined) expectStatus(responses[0], status, because);
    }),
  );
  expect((await api.call("GET", configMaps)).body.items).toEqual([]);
});

test("I9: a connection that never speaks TLS is closed", async () => {
  await using api = await openTestApi({ limits: impatient });
  for (const bytes of ["", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\u0016\u0003\u0001"]) {
    const socket = connectTcp({ host: "127.0.0.1", port: api.port });
    socket.on("error", () => {}); // a reset is an answer too
    socket.write(bytes);
    socket.resume();
    await once(socket, "close");
  }
  expect((await api.call("GET", "/healthz")).status).toBe(200);
});

test("I9: a request without a Host header is answered with a Status of 400", async () => {
  await using api = await openTestApi();
  const { responses } = await rawExchange(api, { bytes: [`GET ${configMaps} HTTP/1.1\r\nAuthorization: Bearer ${api.token}\r\nConnection: close\r\n\r\n`] });
  expect(responses.map((response) => [response.status, (JSON.parse(response.body) as { kind: string }).kind])).toEqual([[400, "Status"]]);
});

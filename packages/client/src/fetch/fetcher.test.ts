import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createPlainServer } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAuthority, issue } from "@threeport/platform/pki";
import { afterAll, beforeAll, expect, test } from "vitest";
import { blockList, isPublicAddress } from "./addresses.ts";
import { createFetcher } from "./fetcher.ts";

const content = "kind: List\n";
const sha256 = createHash("sha256").update(content).digest("hex");
const wanted = { sha256, bytesMax: 1_000, timeoutMs: 5_000 };

let server: Server;
let authorities: string;
let folder: string;
const at = (path: string): string => `https://localhost:${(server.address() as AddressInfo).port}${path}`;

beforeAll(async () => {
  const nowMs = Date.now();
  const authority = await createAuthority({ subject: { commonName: "test" }, nowMs, validForMs: 3_600_000 });
  const pair = await issue(authority, {
    subject: { commonName: "localhost" },
    usages: ["server"],
    hosts: ["localhost", "127.0.0.1"],
    nowMs,
    validForMs: 3_600_000,
  });
  authorities = authority.certificatePem;
  server = createServer({ cert: pair.certificatePem, key: pair.privateKeyPem }, (asked, answer) => {
    if (asked.url === "/moved") answer.writeHead(302, { location: "/file" }).end();
    else if (asked.url === "/plain") answer.writeHead(302, { location: "http://localhost/file" }).end();
    else if (asked.url === "/circle") answer.writeHead(302, { location: "/circle" }).end();
    else if (asked.url === "/large") answer.end("x".repeat(2_000));
    else if (asked.url === "/silent") answer.writeHead(200).write("k");
    else if (asked.url === "/file") answer.end(content);
    else if (asked.url === "/who") answer.writeHead(asked.headers.authorization === undefined ? 401 : 200, { "www-authenticate": "Bearer" }).end(content);
    else if (asked.url === "/elsewhere") answer.writeHead(307, { location: at("/who").replace("localhost", "127.0.0.1") }).end();
    else answer.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  folder = await mkdtemp(join(tmpdir(), "threeport-mirror-"));
});
afterAll(async () => {
  server?.closeAllConnections();
  server?.close();
  await rm(folder, { recursive: true, force: true });
});

const local = () => createFetcher({ allowedRanges: ["127.0.0.0/8", "::1/128"], authorities });

test("content is had, also after a redirect", async () => {
  expect(String(await local().fetch(at("/file"), wanted))).toBe(content);
  expect(String(await local().fetch(at("/moved"), wanted))).toBe(content);
});

test("what has no digest is asked for: its status is told, and a password goes to nobody else", async () => {
  const headers = { authorization: "Bearer secret" };
  const asked = { bytesMax: 1_000, timeoutMs: 5_000 };
  expect(await local().ask(at("/who"), { ...asked, headers })).toMatchObject({ status: 200, from: at("/who"), content: Buffer.from(content) });
  expect(await local().ask(at("/who"), asked)).toMatchObject({ status: 401, headers: { "www-authenticate": "Bearer" } });
  expect(await local().ask(at("/elsewhere"), { ...asked, headers })).toMatchObject({ status: 401 });
  await expect(local().ask(at("/large"), asked)).rejects.toMatchObject({ code: "TP_TOO_LARGE" });
});

test.each<[string, string, RegExp]>([
  ["/plain", "TP_NOT_ALLOWED", /leads to http:\/\/localhost\/file, which is not https/],
  ["/circle", "TP_UNAVAILABLE", /leads in circles/],
  ["/large", "TP_TOO_LARGE", /larger than 1000 bytes/],
  ["/nothing", "TP_UNAVAILABLE", /answers with status 404/],
])("%s: %s", async (path, code, message) => {
  await expect(local().fetch(at(path), wanted)).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
});

test("other content than was announced is refused, and a server that says nothing more is given up", async () => {
  await expect(local().fetch(at("/file"), { ...wanted, sha256: "0".repeat(64) })).rejects.toMatchObject({
    code: "TP_BAD_REQUEST",
    message: expect.stringContaining(`has the SHA-256 ${sha256}`) as string,
  });
  await expect(local().fetch(at("/silent"), { ...wanted, timeoutMs: 300 })).rejects.toMatchObject({
    code: "TP_UNAVAILABLE",
    message: expect.stringContaining("nothing came within 0.3 s") as string,
  });
});

test("addresses of this machine and of private networks are not reached, whether named or written", async () => {
  const strict = createFetcher({ authorities });
  await expect(strict.fetch(at("/file"), wanted)).rejects.toMatchObject({
    code: "TP_NOT_ALLOWED",
    message: expect.stringMatching(/stands for (127\.0\.0\.1|::1), which is no address of the internet/) as string,
  });
  for (const address of ["https://169.254.169.254/latest", "https://[::1]/x", "https://10.1.2.3/x", "https://[::ffff:127.0.0.1]/x"])
    await expect(strict.fetch(address, wanted)).rejects.toMatchObject({ code: "TP_NOT_ALLOWED" });
  for (const address of ["http://example.com/x", "https://user:secret@example.com/x", "file:///etc/passwd", "nonsense"])
    await expect(strict.fetch(address, wanted)).rejects.toMatchObject({ code: "TP_NOT_ALLOWED" });
});

test.each([
  ["8.8.8.8", true],
  ["2606:4700::1", true],
  ["172.31.0.1", false],
  ["100.64.0.1", false],
  ["::", false],
  ["::ffff:192.168.1.1", false],
  ["fd00::1", false],
  ["64:ff9b::7f00:1", false],
  ["224.0.0.1", false],
  ["255.255.255.255", false],
])("%s is of the internet: %s", (address, is) => {
  expect(isPublicAddress(address, blockList([]))).toBe(is);
});

test("with a mirror everything comes from there, and nothing from outside of it", async () => {
  const mirror = join(folder, "mirror");
  await mkdir(join(mirror, "example.com", "a"), { recursive: true });
  await writeFile(join(mirror, "example.com", "a", "file.yaml"), content);
  await writeFile(join(folder, "outside"), content);
  const fetcher = createFetcher({ mirror });
  expect(String(await fetcher.fetch("https://example.com/a/file.yaml", wanted))).toBe(content);
  await expect(fetcher.fetch("https://example.com/b", wanted)).rejects.toMatchObject({
    code: "TP_UNAVAILABLE",
    message: expect.stringContaining("not in the mirror") as string,
  });
  await expect(fetcher.fetch("https://example.com/..%2F..%2F..%2Foutside", wanted)).rejects.toMatchObject({ code: "TP_UNAVAILABLE" });
  // The mirror may be a server, which may be anywhere.
  const served = createFetcher({ mirror: at(""), authorities });
  await expect(served.fetch("https://example.com/file", wanted)).rejects.toMatchObject({
    message: expect.stringMatching(/localhost:\d+\/example.com\/file answers with status 404/) as string,
  });
});

test("with a proxy, hosts that are reached without it are checked all the same", async () => {
  const proxies = { HTTPS_PROXY: "http://127.0.0.1:1", NO_PROXY: "localhost" };
  await expect(createFetcher({ authorities, proxies }).fetch(at("/file"), wanted)).rejects.toMatchObject({ code: "TP_NOT_ALLOWED" });
  expect(String(await createFetcher({ authorities, proxies, allowedRanges: ["127.0.0.0/8", "::1/128"] }).fetch(at("/file"), wanted))).toBe(content);
});

test("the proxy itself may be in a private network, and is asked for what is not reached without it", async () => {
  const asked: string[] = [];
  const proxy = createPlainServer().on("connect", (request, socket) => {
    asked.push(request.url ?? "");
    socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const proxies = { HTTPS_PROXY: `http://localhost:${(proxy.address() as AddressInfo).port}` };
  try {
    await expect(createFetcher({ proxies }).fetch("https://example.com/x", wanted)).rejects.toMatchObject({ code: "TP_UNAVAILABLE" });
    expect(asked).toEqual(["example.com:443"]);
  } finally {
    proxy.close();
  }
});

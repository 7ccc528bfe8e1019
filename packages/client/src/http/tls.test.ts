import { beforeAll, describe, expect, test } from "vitest";
import { createAuthority, issue, type KeyPair } from "@threeport/platform/pki";
import { isErrorCode } from "@threeport/resource";
import { createClient } from "../create-client.ts";
import { json, scriptedServer } from "../testing/scripted-server.ts";

const hourMs = 3_600_000;
let authority: KeyPair;
let stranger: KeyPair;
let forServer: KeyPair;
let forOtherName: KeyPair;
let expired: KeyPair;
let forClient: KeyPair;

beforeAll(async () => {
  const nowMs = Date.now();
  const validity = { nowMs, validForMs: hourMs };
  authority = await createAuthority({ ...validity, subject: { commonName: "ours" } });
  stranger = await createAuthority({ ...validity, subject: { commonName: "stranger" } });
  const server = { usages: ["server"], subject: { commonName: "api" } } as const;
  forServer = await issue(authority, { ...validity, ...server, hosts: ["127.0.0.1"] });
  forOtherName = await issue(authority, { ...validity, ...server, hosts: ["api.internal"] });
  expired = await issue(authority, { ...server, hosts: ["127.0.0.1"], nowMs: nowMs - 48 * hourMs, validForMs: hourMs });
  forClient = await issue(authority, { ...validity, usages: ["client"], subject: { commonName: "admin" } });
});

const hello = (pair: KeyPair, ca?: string) =>
  scriptedServer((_, answer) => json(answer, 200, { hello: true }), {
    key: pair.privateKeyPem,
    cert: pair.certificatePem,
    ...(ca === undefined ? {} : { ca }),
  });

describe("TLS", () => {
  test("a server with a certificate of the given authority is trusted", async () => {
    await using server = await hello(forServer);
    await using client = createClient({ server: server.url, caData: authority.certificatePem });
    expect((await client.request("/x")).body).toEqual({ hello: true });
  });

  test("a client certificate is shown to a server that asks for one, and nothing gets through without", async () => {
    await using server = await hello(forServer, authority.certificatePem);
    await using known = createClient({
      server: server.url,
      caData: authority.certificatePem,
      clientCertificate: forClient.certificatePem,
      clientKey: forClient.privateKeyPem,
    });
    expect((await known.request("/x")).status).toBe(200);
    await using unknown = createClient({ server: server.url, caData: authority.certificatePem });
    await expect(unknown.request("/x")).rejects.toMatchObject({ code: "TP_RUNTIME_UNREACHABLE" });
    expect(server.seen).toHaveLength(1);
  });

  test("tls-server-name is the name that is checked, where the address is another one", async () => {
    await using server = await hello(forOtherName);
    await using client = createClient({ server: server.url, caData: authority.certificatePem, tlsServerName: "api.internal" });
    expect((await client.request("/x")).status).toBe(200);
  });

  test.each([
    { name: "of an unknown authority", pair: () => forServer, ca: () => stranger.certificatePem, says: "check certificate-authority-data" },
    { name: "that no public authority signed, when none is given", pair: () => forServer, ca: () => undefined, says: "check certificate-authority-data" },
    { name: "for another name", pair: () => forOtherName, ca: () => authority.certificatePem, says: "is for another name" },
    { name: "that has expired", pair: () => expired, ca: () => authority.certificatePem, says: "has expired" },
  ])("a server with a certificate $name gets no request, and no token", async ({ pair, ca, says }) => {
    await using server = await hello(pair());
    const caData = ca();
    await using client = createClient({ server: server.url, token: "t", ...(caData === undefined ? {} : { caData }) });
    await expect(client.request("/x")).rejects.toThrow(says);
    expect(server.seen).toHaveLength(0);
  });

  test("PEM that cannot be read is refused when the client is made, without being quoted", () => {
    let thrown: unknown;
    try {
      createClient({ server: "https://127.0.0.1:1", clientCertificate: "-----BEGIN x", clientKey: "secret" });
    } catch (error) {
      thrown = error;
    }
    expect(isErrorCode(thrown, "TP_KUBECONFIG_INVALID")).toBe(true);
    expect(String(thrown)).not.toContain("secret");
  });
});

import { X509Certificate, createPrivateKey } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type TLSSocket } from "node:tls";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { createAuthority, expiresAtMs, issue } from "./pki.ts";

const nowMs = Date.UTC(2026, 10, 22);
const dayMs = 86_400_000;
const authority = await createAuthority({ subject: { commonName: "test authority" }, nowMs, validForMs: 10 * dayMs });

test("an authority is self-signed and may sign", () => {
  const certificate = new X509Certificate(authority.certificatePem);
  expect(certificate.ca).toBe(true);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.checkPrivateKey(createPrivateKey(authority.privateKeyPem))).toBe(true);
});

test("an issued certificate names its subject, groups and hosts, and is verified by its authority only", async () => {
  const pair = await issue(authority, {
    subject: { commonName: "system:node:a, with comma", organizations: ["system:nodes", "second"] },
    usages: ["server", "client"],
    hosts: ["localhost", "10.200.0.2", "::1"],
    nowMs,
    validForMs: dayMs,
  });
  const certificate = new X509Certificate(pair.certificatePem);
  expect(certificate.subject).toBe("O=system:nodes\nO=second\nCN=system:node:a\\, with comma");
  expect(certificate.subjectAltName).toBe("DNS:localhost, IP Address:10.200.0.2, IP Address:0:0:0:0:0:0:0:1");
  expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
  expect(certificate.ca).toBe(false);
  expect(certificate.checkPrivateKey(createPrivateKey(pair.privateKeyPem))).toBe(true);
  const other = await createAuthority({ subject: { commonName: "test authority" }, nowMs, validForMs: dayMs });
  expect(certificate.verify(new X509Certificate(authority.certificatePem).publicKey)).toBe(true);
  expect(certificate.verify(new X509Certificate(other.certificatePem).publicKey)).toBe(false);
});

test("a certificate never outlives its authority", async () => {
  const pair = await issue(authority, { subject: { commonName: "x" }, usages: ["client"], nowMs, validForMs: 100 * dayMs });
  expect(expiresAtMs(pair.certificatePem)).toBe(nowMs + 10 * dayMs);
});

test("a TLS server and client that trust the authority accept each other", async () => {
  const today = { nowMs: Date.now(), validForMs: dayMs };
  const root = await createAuthority({ subject: { commonName: "root" }, ...today });
  const server = await issue(root, { subject: { commonName: "server" }, usages: ["server"], hosts: ["127.0.0.1"], ...today });
  const client = await issue(root, { subject: { commonName: "client" }, usages: ["client"], ...today });
  const listener = createServer({
    ca: root.certificatePem,
    cert: server.certificatePem,
    key: server.privateKeyPem,
    requestCert: true,
    rejectUnauthorized: true,
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const accepted = once(listener, "secureConnection");
  const socket = connect({
    host: "127.0.0.1",
    port: (listener.address() as AddressInfo).port,
    ca: root.certificatePem,
    cert: client.certificatePem,
    key: client.privateKeyPem,
  });
  const [peer] = (await accepted) as [TLSSocket];
  expect(peer.authorized).toBe(true);
  expect(peer.getPeerCertificate().subject.CN).toBe("client");
  socket.destroy();
  peer.destroy();
  listener.close();
});

import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:tls";
import { expect, test } from "vitest";
import { systemClock, type Clock } from "@threeport/platform";
import { configMap } from "@threeport/cluster/testing";
import { until } from "@threeport/engine/testing";
import type { StoredObject } from "@threeport/resource";
import { openTestControlPlane } from "./testing/index.ts";

const dayMs = 86_400_000;

/** The wall clock can be moved; what waits for hours or longer is called when the test says so. */
function movedClock(): { clock: Clock; move(ms: number): void } {
  let shift = 0;
  const waiting = new Set<() => void>();
  return {
    clock: {
      ...systemClock,
      now: () => systemClock.now() + shift,
      after(ms, fn) {
        if (ms < dayMs / 24) return systemClock.after(ms, fn);
        const call = (): void => (waiting.delete(call), fn());
        waiting.add(call);
        return { [Symbol.dispose]: () => waiting.delete(call) };
      },
    },
    move(ms) {
      shift += ms;
      for (const call of [...waiting]) call();
    },
  };
}

/** What a new connection meets. Its dates lie in the test's own time, so they are not checked here. */
async function certificateAt(server: string): Promise<X509Certificate> {
  const { hostname, port } = new URL(server);
  const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const certificate = new X509Certificate(socket.getPeerCertificate().raw);
  socket.destroy();
  return certificate;
}

test("The server's certificate is renewed long before it ends, while the server runs: open watches go on, new connections meet the new one, clients trust it as before", async () => {
  const { clock, move } = movedClock();
  await using plane = await openTestControlPlane({ clock });
  const { server, caData = "" } = plane.connection;
  const first = await certificateAt(server);
  const seen: string[] = [];
  const looking = new AbortController();
  const watching = (async () => {
    for await (const event of plane.client.watch<StoredObject>("/api/v1/namespaces/default/configmaps", { signal: looking.signal }))
      seen.push(event.object.metadata.name);
  })().catch((error: unknown) => {
    if (!looking.signal.aborted) throw error;
  });
  await plane.create(configMap("default", "before"));
  await until("the watch to be open", () => seen.includes("before"));

  move(200 * dayMs);
  await expect(certificateAt(server)).resolves.toMatchObject({ serialNumber: first.serialNumber }); // 165 days are left
  move(100 * dayMs);
  const renewed = await until("the new certificate", async () => {
    const certificate = await certificateAt(server);
    return certificate.serialNumber === first.serialNumber ? undefined : certificate;
  });
  expect(Date.parse(renewed.validTo) - clock.now()).toBeGreaterThan(360 * dayMs);
  const authority = new X509Certificate(caData);
  expect([renewed.checkIssued(authority), renewed.verify(authority.publicKey)]).toEqual([true, true]);
  await plane.create(configMap("default", "after"));
  await until("the watch to go on over the same connection", () => seen.includes("after"));
  looking.abort(new Error("seen enough"));
  await watching;
});

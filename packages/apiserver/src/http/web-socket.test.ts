import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Duplex } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createClient, type KubeClient } from "@threeport/client";
import { PlatformError } from "@threeport/resource";
import { rbac, userWith } from "../testing/access.ts";
import { openTestApi, type TestApi } from "../testing/test-api.ts";
import { passOn } from "./web-socket.ts";

const path = "/api/v1/namespaces/default/configmaps/a/echo";
const protocols = ["v5.channel.k8s.io"];

let api: TestApi;
let echo: Server;
/** Connections that the far side has taken. */
const far: Socket[] = [];
const audited: (number | undefined)[] = [];

beforeAll(async () => {
  echo = createServer((socket) => {
    far.push(socket);
    socket.on("error", () => {});
    socket.pipe(socket);
  }).listen(0, "127.0.0.1");
  await once(echo, "listening");
  const { port } = echo.address() as { port: number };
  api = await openTestApi({
    audit: ({ status }) => void audited.push(status),
    subresources: new Map([
      [
        "configmaps/echo",
        {
          verbs: ["create"],
          answers: "stream",
          serve: async ({ name, protocols: asked }) => {
            if (name === "nowhere") throw new PlatformError("TP_NOT_FOUND", { message: "there is no far side" });
            const socket = connect(port, "127.0.0.1");
            await once(socket, "connect");
            return { kind: "stream", socket, protocol: asked[0] ?? "" };
          },
        },
      ],
    ]),
  });
});
afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  for (const socket of far) socket.destroy();
  echo?.close();
});

const open = async (client: KubeClient, at = path): Promise<Duplex> => (await client.openStream(at, { query: {}, protocols })).socket;

async function clientOf(name: string): Promise<KubeClient> {
  return createClient({ server: `https://127.0.0.1:${api.port}`, caData: api.caPem, token: await api.tokenOf(name) });
}

async function read(socket: Duplex, length: number): Promise<string> {
  let text = "";
  while (text.length < length) text += String(((await once(socket, "data")) as [Buffer])[0]);
  return text;
}

test("frames are handed to and fro as they are, and each end ends the other", async () => {
  const socket = await open(api.client);
  socket.write("any bytes");
  expect(await read(socket, 9)).toBe("any bytes");
  far.at(-1)?.destroy();
  await once(socket, "close");
  const other = await open(api.client);
  const taken = far.at(-1);
  other.destroy();
  if (taken?.closed === false) await once(taken, "close");
  expect(audited.filter((code) => code === 101).length).toBeGreaterThanOrEqual(2);
});

test("a slow reader gets all that the far side said before it ended", async () => {
  const taken: (() => void)[] = [];
  let text = "";
  const near = new Duplex({
    read: () => {},
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      taken.push(done); // as a connection whose reader takes nothing more for now
    },
  });
  const side = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() });
  const request = { headers: { "sec-websocket-key": "k" } } as unknown as IncomingMessage;
  const response = { detachSocket: () => {} } as unknown as ServerResponse;
  const passed = passOn({ request, response }, { socket: near, head: Buffer.alloc(0) }, { protocol: "p", socket: side, signal: new AbortController().signal });
  side.push("the last words");
  side.push(null);
  side.end();
  await once(side, "close");
  expect(text).not.toContain("the last words");
  while (!near.closed) {
    taken.shift()?.();
    await new Promise(setImmediate);
  }
  await passed;
  expect(text).toMatch(/^HTTP\/1.1 101 [^]*\r\n\r\nthe last words$/);
});

test("a stream needs the right to create it, and who reads only does not have it", async () => {
  const echoRule = (verbs: string[]) => ({ apiGroups: [""], resources: ["configmaps/echo"], verbs });
  await userWith(api, "reader", { here: [echoRule(["get", "list", "watch"])] });
  await userWith(api, "maker", { here: [echoRule(["create"])] });
  await using reader = await clientOf("reader");
  await using maker = await clientOf("maker");
  await expect(open(reader)).rejects.toMatchObject({ code: "TP_FORBIDDEN", message: expect.stringContaining("cannot create resource") as string });
  await expect(open(maker, path.replace("/a/", "/nowhere/"))).rejects.toMatchObject({ code: "TP_NOT_FOUND", message: "there is no far side" });
  const socket = await open(maker);
  socket.on("error", () => {});
  // I11: what was allowed ends soon after it is not any more.
  expect((await api.call("DELETE", `${rbac}/namespaces/default/rolebindings/maker`)).status).toBe(200);
  await once(socket, "close");
  await expect(open(maker)).rejects.toMatchObject({ code: "TP_FORBIDDEN" });
});

test("without a WebSocket it is refused, and a wish for one elsewhere is not heard", async () => {
  expect(await api.call("GET", path)).toMatchObject({ status: 400, body: { message: expect.stringContaining("ask for it with a WebSocket") as string } });
  await expect(api.client.openStream("/api/v1/namespaces/default/configmaps", { query: {}, protocols })).rejects.toMatchObject({
    message: expect.stringContaining("200 in place of a WebSocket") as string,
  });
});

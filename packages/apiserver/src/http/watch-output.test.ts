import { once } from "node:events";
import { connect, type TLSSocket } from "node:tls";
import { expect, test } from "vitest";
import { configMap, configMaps } from "../testing/paths.ts";
import { openTestApi, type TestApi } from "../testing/test-api.ts";
import { watching } from "../testing/watching.ts";

/** A watcher that asks and then does not read. */
async function deafWatcher(api: TestApi, query: string): Promise<TLSSocket> {
  const socket = connect({ host: "127.0.0.1", port: api.port, ca: api.caPem });
  socket.on("error", () => {}); // being cut is what these tests are about
  await once(socket, "secureConnect");
  socket.pause();
  socket.write(`GET ${configMaps}?watch=true&${query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${api.token}\r\n\r\n`);
  return socket;
}

const large = "x".repeat(500_000);

async function write(api: TestApi, count: number): Promise<void> {
  for (let index = 0; index < count; index++) await api.call("PATCH", `${configMaps}/a`, { body: { data: { k: `${index} ${large}` } } });
}

test("I9: a watcher that does not read is cut, and another at its own speed sees everything meanwhile", async () => {
  await using api = await openTestApi();
  await api.call("POST", configMaps, { body: configMap("a") });
  const deaf = await deafWatcher(api, "");
  await using quick = await watching(api, configMaps);
  await quick.until(1);
  await write(api, 40);
  await quick.until(41);
  deaf.resume();
  await once(deaf, "close");
  const connections = await api.call("GET", "/healthz");
  expect([connections.status, quick.seen.length]).toEqual([200, 41]);
});

test("a state larger than any buffer reaches a watcher that reads late, whole and before what came after", async () => {
  await using api = await openTestApi();
  for (let index = 0; index < 30; index++) await api.call("POST", configMaps, { body: configMap(`big${String(index).padStart(2, "0")}`, { k: large }) });
  const late = await deafWatcher(api, "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true");
  await api.call("GET", configMaps); // by now the server has taken the watch
  await api.call("POST", configMaps, { body: configMap("after") });
  const order: string[] = [];
  let rest = "";
  late.setEncoding("utf8").resume();
  for await (const chunk of late as AsyncIterable<string>) {
    const text = rest + chunk;
    const marks = [...text.matchAll(/"name":"(\w+)"|initial-events-end/g)];
    order.push(...marks.map((mark) => mark[1] ?? "end"));
    rest = text.slice(Math.max((marks.at(-1)?.index ?? -1) + 5, text.length - 50)); // a mark may be cut by the end of a chunk
    if (order.at(-1) === "after") break;
  }
  expect(order).toEqual([...Array.from({ length: 30 }, (_, index) => `big${String(index).padStart(2, "0")}`), "end", "after"]);
});

test("a history larger than any buffer reaches a watcher that catches up", async () => {
  await using api = await openTestApi();
  const from = (await api.call("POST", configMaps, { body: configMap("a") })).body.metadata.resourceVersion;
  await write(api, 25);
  await using watch = await watching(api, `${configMaps}?resourceVersion=${from}`);
  await watch.until(25);
  expect(watch.seen).toHaveLength(25);
});

test("a watcher that leaves in the middle costs nothing: the next write goes on, and nothing is kept", async () => {
  await using api = await openTestApi();
  await api.call("POST", configMaps, { body: configMap("a") });
  for (let index = 0; index < 10; index++) {
    const watch = await watching(api, configMaps);
    await watch.until(1);
    await watch[Symbol.asyncDispose]();
    expect((await api.call("PATCH", `${configMaps}/a`, { body: { data: { k: String(index) } } })).status).toBe(200);
  }
});

test("a server that stops ends its watches in order", async () => {
  const api = await openTestApi();
  await using watch = await watching(api, configMaps);
  const ended = watch.ended;
  await api[Symbol.asyncDispose]();
  expect(await ended).toBeOneOf(["closed", "cut"]);
});

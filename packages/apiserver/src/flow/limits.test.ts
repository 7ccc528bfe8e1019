import { connect } from "node:net";
import { once } from "node:events";
import { Agent, request } from "node:https";
import type { IncomingMessage } from "node:http";
import { expect, test, vi } from "vitest";
import { openStream, userWith, type OpenStream } from "../testing/access.ts";
import { configMap, configMaps } from "../testing/paths.ts";
import { openTestApi, type TestApi } from "../testing/test-api.ts";

const rights = { here: [{ apiGroups: [""], resources: ["configmaps"], verbs: ["*"] }], everywhere: [{ nonResourceURLs: ["/metrics"], verbs: ["get"] }] };

/** Sends requests on connections of their own, as many at the same time as there are; answers with their statuses and Retry-After. */
async function flood(api: TestApi, token: string, count: number): Promise<{ status: number; retryAfter: string | undefined }[]> {
  const agent = new Agent({ keepAlive: true, ca: api.caPem, maxSockets: 60 });
  const one = async (number: number) => {
    const sent = request({
      host: "127.0.0.1",
      port: api.port,
      agent,
      method: "POST",
      path: configMaps,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    });
    sent.end(JSON.stringify(configMap(`flood-${number}`)));
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    answer.resume();
    await once(answer, "end");
    return { status: answer.statusCode ?? 0, retryAfter: answer.headers["retry-after"] };
  };
  const answers = await Promise.all(Array.from({ length: count }, (_, number) => one(number)));
  agent.destroy();
  return answers;
}

test("I15: while one user floods with requests and watches, another's requests all succeed and stay quick", async () => {
  await using api = await openTestApi({
    limits: { requestsInFlightMax: 8, requestsInFlightPerUserMax: 2, requestsWaitingPerUserMax: 4, watchesPerUserMax: 30 },
  });
  await userWith(api, "flooder", rights);
  const calm = await userWith(api, "calm", rights);
  const token = await api.tokenOf("flooder");
  const flooding = flood(api, token, 300);
  const streams: OpenStream[] = [];
  const watchFlood = (async () => {
    for (let round = 0; round < 5; round++) {
      streams.push(...(await Promise.all(Array.from({ length: 12 }, () => openStream(api, `${configMaps}?watch=true`, token)))));
      for (const stream of streams) if (stream.status !== 200) stream.close();
    }
  })();
  const seconds: number[] = [];
  const statuses = new Set<number>();
  for (let count = 0; count < 30; count++) {
    const started = performance.now();
    statuses.add((await calm("GET", `${configMaps}?limit=1`)).status);
    statuses.add((await calm("POST", `${configMaps}?dryRun=All`, { body: configMap(`calm-${count}`) })).status);
    seconds.push((performance.now() - started) / 1000);
  }
  expect([...statuses].sort()).toEqual([200, 201]);
  const answers = await flooding;
  await watchFlood;
  expect(new Set(answers.map((answer) => answer.status)), "taken, or sent away, and nothing else").toEqual(new Set([201, 429]));
  expect(answers.filter((answer) => answer.status === 429).every((answer) => answer.retryAfter === "1")).toBe(true);
  expect(streams.filter((stream) => stream.status === 200).length).toBeLessThanOrEqual(30);
  expect(streams.some((stream) => stream.status === 429)).toBe(true);
  // Not a measurement: the flood alone takes seconds, and a request behind it would too.
  expect(seconds.sort((a, b) => a - b)[15], "half of them within this").toBeLessThan(2);
  const metrics = (await calm("GET", "/metrics")).text;
  expect(metrics).toMatch(/threeport_api_refused_total\{limit="in-flight"\} [1-9]/);
  expect(metrics).toMatch(/threeport_api_refused_total\{limit="watches"\} [1-9]/);
  for (const stream of streams) stream.close();
  await vi.waitFor(async () => expect((await calm("GET", "/metrics")).text).toContain("threeport_api_streams 0\n"), { timeout: 5_000 });
  expect((await api.call("POST", configMaps, { token, body: configMap("after") })).status, "he may go on").toBe(201);
});

test("I15: a user's rate is bounded, is told when to come again, and is his own; those who run the control plane are exempt", async () => {
  await using api = await openTestApi({ limits: { requestsPerSecondPerUser: 1, requestBurstPerUser: 3 } });
  const fast = await userWith(api, "fast", rights);
  const other = await userWith(api, "other", rights);
  const statuses: number[] = [];
  for (let count = 0; count < 5; count++) statuses.push((await fast("GET", configMaps)).status);
  expect(statuses.slice(0, 3)).toEqual([200, 200, 200]);
  const refused = await fast("GET", configMaps);
  expect([refused.status, refused.body.reason, refused.headers["retry-after"], refused.body.details?.code]).toEqual([
    429,
    "TooManyRequests",
    "1",
    "TP_TOO_MANY_REQUESTS",
  ]);
  expect((await other("GET", configMaps)).status).toBe(200);
  for (let count = 0; count < 5; count++) expect((await api.call("GET", configMaps)).status).toBe(200);
  await vi.waitFor(async () => expect((await fast("GET", configMaps)).status).toBe(200), { timeout: 5_000, interval: 500 });
});

test("I9: connections on which nobody was recognised are bounded for each address; one on which somebody was does not count", async () => {
  await using api = await openTestApi({ limits: { strangersPerAddressMax: 4 } });
  const known = await openStream(api, `${configMaps}?watch=true`, api.token);
  const strangers = Array.from({ length: 4 }, () => connect(api.port, "127.0.0.1"));
  await Promise.all(strangers.map((socket) => once(socket, "connect")));
  const refused = connect(api.port, "127.0.0.1");
  refused.on("error", () => {}); // reset or closed: both are no
  await once(refused, "close");
  strangers[0]?.destroy();
  await vi.waitFor(async () => (await openStream(api, `${configMaps}?watch=true`, api.token)).close(), { timeout: 5_000 });
  known.close();
  for (const socket of strangers) socket.destroy();
});

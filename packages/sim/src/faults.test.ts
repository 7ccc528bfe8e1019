import { createClient, type KubeClient } from "@threeport/client";
import { expect, test } from "vitest";
import type { Fault } from "./faults.ts";
import { readFault } from "./read-fault.ts";
import { startSimulation, type Simulation } from "./simulation.ts";

async function withClient(work: (client: KubeClient, simulation: Simulation) => Promise<void>): Promise<void> {
  await using simulation = await startSimulation();
  const cluster = await simulation.addCluster("one");
  await using client = createClient({ server: cluster.server, caData: simulation.caPem, token: cluster.token });
  await work(client, simulation);
}

const path = "/api/v1/namespaces/default";
const answers: readonly { readonly fault: Fault; readonly code: string }[] = [
  { fault: { kind: "status", status: 429, retryAfterSeconds: 7 }, code: "TP_TOO_MANY_REQUESTS" },
  { fault: { kind: "unauthorized" }, code: "TP_UNAUTHORIZED" },
  // Our client tries a read that lost its connection once more.
  { fault: { kind: "refuse", times: 2 }, code: "TP_RUNTIME_UNREACHABLE" },
  { fault: { kind: "hang" }, code: "TP_RUNTIME_UNREACHABLE" },
];

for (const { fault, code } of answers) {
  test(`${fault.kind}: a client hears ${code}, as often as asked for, and then the cluster answers again`, () =>
    withClient(async (client, simulation) => {
      await client.request(path);
      simulation.faults.add({ times: 1, ...fault, cluster: "one", route: /^GET .*default$/ });
      simulation.faults.add({ kind: "status", status: 500, cluster: "another" });
      await expect(client.request(path, { timeoutMs: 500 })).rejects.toMatchObject({ code });
      expect((await client.request(path)).body).toMatchObject({ metadata: { name: "default" } });
    }));
}

test("a silent watch tells nothing, while another one hears what is there", () =>
  withClient(async (client, simulation) => {
    simulation.faults.add({ kind: "silent", times: 1 });
    const heard: string[] = [];
    const silent = (await client.openWatch("/api/v1/namespaces"))[Symbol.asyncIterator]();
    void silent.next().then(
      () => heard.push("silent"),
      () => {}, // its client closes at the end
    );
    for await (const _ of await client.openWatch("/api/v1/namespaces")) break;
    await client.listPath("/api/v1/namespaces"); // whatever was on its way has arrived by now
    expect(heard).toEqual([]);
  }));

test("a watch can end in half a line, or hear that its version is too old; lists are not touched by it", () =>
  withClient(async (client, simulation) => {
    for (const kind of ["expired-watch", "half-line"] as const) {
      simulation.faults.add({ kind, times: 1 });
      expect((await client.listPath("/api/v1/namespaces")).items).toHaveLength(4);
      const watch = async (): Promise<void> => {
        for await (const _ of client.watch("/api/v1/namespaces", { resourceVersion: "1" })) throw new Error("nothing was to be told");
      };
      await expect(watch(), kind).rejects.not.toMatchObject({ message: "nothing was to be told" });
    }
  }));

test("a fault of the admin API that cannot be understood is refused by its field", () => {
  expect(() => readFault({ kind: "explode" })).toThrow(/kind: must be one of slow/);
  expect(() => readFault({ kind: "slow" })).toThrow(/ms: a slow fault needs this number/);
  expect(() => readFault({ kind: "status", status: 200 })).toThrow(/from 400 to 599/);
  expect(() => readFault({ kind: "hang", route: "(" })).toThrow(/route: is no regular expression/);
  expect(() => readFault({ kind: "crash", exitCode: "1" })).toThrow(/exitCode: must be a number/);
  expect(() => readFault({ kind: "crash", log: "line" })).toThrow(/log: must be a list of texts/);
  expect(readFault({ kind: "oom", pod: "^web-", namespace: "shop" })).toMatchObject({ kind: "oom", pod: /^web-/, namespace: "shop" });
  expect(readFault({ kind: "hang", route: "^GET", times: 2 })).toMatchObject({ kind: "hang", route: /^GET/, times: 2 });
});

test("the admin API takes faults and moves time, with its own token only", () =>
  withClient(async (client, simulation) => {
    await using admin = createClient({ server: `https://127.0.0.1:${simulation.port}`, caData: simulation.caPem, token: simulation.adminToken });
    await using stranger = createClient({ server: `https://127.0.0.1:${simulation.port}`, caData: simulation.caPem, token: "other" });
    await expect(stranger.request("/admin/faults", { method: "DELETE" })).rejects.toMatchObject({ code: "TP_UNAUTHORIZED" });
    await admin.request("/admin/faults", { method: "POST", body: { kind: "status", status: 503 } });
    await expect(client.request(path)).rejects.toMatchObject({ code: "TP_UNAVAILABLE" });
    await admin.request("/admin/faults", { method: "DELETE" });
    await client.request(path);
    await expect(admin.request("/admin/usage", { method: "POST", body: { cpu: 1 } })).rejects.toMatchObject({
      message: expect.stringContaining("cpu: must be a text") as string,
    });
    await admin.request("/admin/usage", { method: "POST", body: { cpu: "100m", pod: "^web-" } });
    expect(simulation.usage.of("one").known).toBe(true);
    await admin.request("/admin/usage", { method: "DELETE" });
    expect(simulation.usage.of("one").known).toBe(false);
    const before = simulation.time.now();
    expect((await admin.request("/admin/time", { method: "POST", body: { advanceMs: 60_000 } })).body).toEqual({ nowMs: before + 60_000 });
  }));

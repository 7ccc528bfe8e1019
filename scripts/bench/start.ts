/**
 * How long the control plane takes from the start of its process to the first 200 of /readyz, embedded database included.
 *
 *   npm run bench:start -- [--runs 5] [--objects 30000]
 *
 * `first ever` begins with an empty home and an empty cache of compiled code, as on a machine that never had it; `second`
 * begins with what the first left behind; `after kill −9` finds a home whose server was killed, and with it the time
 * until a change is answered again, with that many objects in the database. Files stay in the system's page cache.
 */
import { join } from "node:path";
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { createClient, parseKubeconfig } from "../../packages/client/src/index.ts";
import { systemClock } from "../../packages/platform/src/index.ts";
import { freePort } from "./lib/free-port.ts";
import { runLoad } from "./lib/load.ts";
import { machine } from "./lib/machine.ts";
import { printTable, say } from "./lib/print-table.ts";
import { median, round3 } from "./lib/statistics.ts";
import { temporaryFolder } from "./lib/temporary-folder.ts";
import { startServer, type StartedServer, type StartInput } from "./lib/threeport-server.ts";
import { waitUntil } from "./lib/wait-until.ts";

const { values } = parseArgs({ options: { runs: { type: "string", default: "5" }, objects: { type: "string", default: "30000" } } });
const runs = Number(values.runs);
const objects = Number(values.objects);

const firstMs: number[] = [];
const secondMs: number[] = [];
for (let run = 0; run < runs; run++) {
  say(`run ${run + 1} of ${runs}`);
  await using folder = await temporaryFolder("threeport-start-");
  const input = { home: join(folder.path, "home"), compileCache: join(folder.path, "compiled"), port: await freePort() };
  for (const times of [firstMs, secondMs]) {
    const started = await startServer(input);
    times.push(started.readyMs);
    await started.process[Symbol.asyncDispose]();
  }
}
const killed = await afterKill();

process.stdout.write(
  `${machine()}\npackages/server/src/main.ts with defaults and a cache of compiled code (NODE_COMPILE_CACHE, as tptctl up sets it); ${runs} runs, ms\n\n`,
);
const row = (name: string, times: readonly number[], below: number): string[] => [
  name,
  round3(Math.min(...times)),
  round3(median(times)),
  round3(Math.max(...times)),
  `< ${below}`,
  median(times) < below ? "yes" : "no",
];
printTable(
  ["", "min", "median", "max", "target", "met"],
  [
    row("first ever, to ready", firstMs, 4_000),
    row("second, to ready", secondMs, 1_500),
    row("after kill −9, to ready", killed.readyMs, 1_500),
    row(`after kill −9 with ${objects} objects, to the next change answered`, killed.changeMs, 1_000),
  ],
);

/** Kills the server while it is written to, starts it again, and measures until it is ready and until a change is answered. */
async function afterKill(): Promise<{ readyMs: number[]; changeMs: number[] }> {
  await using folder = await temporaryFolder("threeport-kill-");
  const input = { home: join(folder.path, "home"), compileCache: join(folder.path, "compiled"), port: await freePort() };
  let server = await startServer(input);
  const readyMs: number[] = [];
  const changeMs: number[] = [];
  try {
    say(`writing ${objects} objects`);
    await write(input, objects, 0);
    for (let run = 0; run < runs; run++) {
      const writing = write(input, 10_000, objects + run).catch(() => undefined); // it fails when the server is gone: that is the point
      await systemClock.sleep(300);
      server.process.kill("SIGKILL");
      await server.process.exited;
      await writing;
      const killedAt = systemClock.monotonic();
      server = await startServer(input);
      readyMs.push(server.readyMs);
      await write(input, 1, 2 * objects + run, "changed");
      changeMs.push(systemClock.monotonic() - killedAt);
    }
  } finally {
    await (server satisfies StartedServer).process[Symbol.asyncDispose]();
  }
  return { readyMs, changeMs };
}

async function write(input: StartInput, count: number, from: number, prefix = `run-${from}`): Promise<void> {
  const kubeconfig = await waitUntil(() => readFile(join(input.home, "admin.kubeconfig"), "utf8").catch(() => undefined), {
    what: "the administrator's kubeconfig is written",
    deadlineMs: 10_000,
    everyMs: 10,
  });
  await using client = createClient(parseKubeconfig(kubeconfig), { connectionsMax: 32 });
  const path = "/api/v1/namespaces/default/configmaps";
  await runLoad({ count, callers: 32 }, (index) =>
    client.request(path, {
      method: "POST",
      body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: `${prefix}-${from + index}` }, data: { text: "x".repeat(800) } },
    }),
  );
}

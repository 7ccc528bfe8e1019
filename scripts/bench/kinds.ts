/**
 * What a thousand kinds cost (design.md §10): start, memory, and the time from creating a CustomResourceDefinition to its first
 * object, with none and with many others there.
 *
 *   npm run bench:kinds -- [--kinds 1000] [--runs 3]
 *
 * Definitions have 60 described fields, a rule and four columns. Memory is looked at after each start, when the server is ready and
 * idle, and once more after a client has asked for everything that kubectl and informers ask for first: discovery in one answer and
 * the index of OpenAPI. PSS is that of the server and of its database.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createClient, type KubeClient } from "../../packages/client/src/index.ts";
import { systemClock } from "../../packages/platform/src/index.ts";
import { freePort } from "./lib/free-port.ts";
import { runLoad } from "./lib/load.ts";
import { machine } from "./lib/machine.ts";
import { printTable, say } from "./lib/print-table.ts";
import { pssMiB } from "./lib/process-cost.ts";
import { median, percentile, round3 } from "./lib/statistics.ts";
import { temporaryFolder } from "./lib/temporary-folder.ts";
import { readAdminConnection, startServer, postmasterPid, type StartInput } from "./lib/threeport-server.ts";

const { values } = parseArgs({ options: { kinds: { type: "string", default: "1000" }, runs: { type: "string", default: "3" } } });
const kinds = Number(values.kinds);
const runs = Number(values.runs);
const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const aggregated = { accept: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList" };
/** Definitions whose way to the first object is measured in each state. */
const probes = 20;
/** How long an idle server is left alone before its memory is looked at: garbage of the start is collected by then. */
const restMs = 3_000;

interface State {
  readonly readyMs: number[];
  readonly serverMiB: number[];
  readonly databaseMiB: number[];
  readonly askedMiB: number[];
  readonly establishMs: number[];
}

await using folder = await temporaryFolder("threeport-kinds-");
const input: StartInput = { home: join(folder.path, "home"), compileCache: join(folder.path, "compiled"), port: await freePort() };
await (await startServer(input)).process[Symbol.asyncDispose](); // compiles, and makes the database
const none = await measure("none");
say(`defining ${kinds} kinds`);
const createdMs = await defineAll();
const many = await measure(`with-${kinds}`);
report();

async function measure(name: string): Promise<State> {
  const state: State = { readyMs: [], serverMiB: [], databaseMiB: [], askedMiB: [], establishMs: [] };
  for (let run = 0; run < runs; run++) {
    say(`${name}: start ${run + 1} of ${runs}`);
    const { process: server, readyMs } = await startServer(input);
    await using _ = server;
    state.readyMs.push(readyMs);
    await systemClock.sleep(restMs);
    state.serverMiB.push(await pssMiB([server.pid]));
    state.databaseMiB.push(await pssMiB([await postmasterPid(input.home)]));
    await using client = createClient(await readAdminConnection(input.home));
    await askEverything(client);
    await systemClock.sleep(restMs);
    state.askedMiB.push(await pssMiB([server.pid]));
    if (run === runs - 1) for (let probe = 0; probe < probes; probe++) state.establishMs.push(await toFirstObject(client, `${name}-${probe}`));
  }
  return state;
}

async function askEverything(client: KubeClient): Promise<void> {
  for (const path of ["/api", "/apis"]) await client.request(path, { headers: aggregated });
  await client.request("/openapi/v3");
}

/** Kinds in the groups of {@link definition}. */
async function servedKinds(client: KubeClient): Promise<number> {
  const { items } = (await client.request("/apis", { headers: aggregated })).body as {
    items: readonly { readonly metadata: { readonly name: string }; readonly versions: readonly { readonly resources: readonly object[] }[] }[];
  };
  return items
    .filter(({ metadata }) => metadata.name.endsWith(".example.com"))
    .reduce((sum, { versions }) => sum + versions.reduce((count, version) => count + version.resources.length, 0), 0);
}

/** From sending a definition to the answer to its first object; the definition is removed again. */
async function toFirstObject(client: KubeClient, name: string): Promise<number> {
  const body = definition(`probe${name.replaceAll("-", "")}`);
  const started = systemClock.monotonic();
  await client.request(definitions, { method: "POST", body });
  const object = { apiVersion: `${body.spec.group}/v1`, kind: body.spec.names.kind, metadata: { name: "first" }, spec: { field0: "x", size: 1 } };
  for (;;) {
    try {
      await client.request(`/apis/${body.spec.group}/v1/namespaces/default/${body.spec.names.plural}`, { method: "POST", body: object });
      break;
    } catch {
      await systemClock.sleep(1); // not served yet
    }
  }
  const took = systemClock.monotonic() - started;
  await client.request(`${definitions}/${body.metadata.name}`, { method: "DELETE" });
  return took;
}

/** Defines all kinds, and waits until the last is served; returns the time. */
async function defineAll(): Promise<number> {
  const { process: server } = await startServer(input);
  await using _ = server;
  await using client = createClient(await readAdminConnection(input.home), { connectionsMax: 16 });
  const started = systemClock.monotonic();
  await runLoad({ count: kinds, callers: 16 }, (index) => client.request(definitions, { method: "POST", body: definition(`kind${index}`) }));
  while ((await servedKinds(client)) < kinds) await systemClock.sleep(250);
  return systemClock.monotonic() - started;
}

/** Ten kinds share a group. */
function definition(name: string) {
  const group = `group${[...name].reduce((sum, character) => sum + character.charCodeAt(0), 0) % Math.max(1, Math.ceil(kinds / 10))}.example.com`;
  const field = { type: "string", maxLength: 253, description: "One of many fields, described in a sentence as long as such sentences are." };
  const column = (title: string, type: string, jsonPath: string) => ({ name: title, type, jsonPath });
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${name}s.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { plural: `${name}s`, kind: name[0]?.toUpperCase() + name.slice(1) },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: [
            column("Size", "integer", ".spec.size"),
            column("Ready", "string", '.status.conditions[?(@.type=="Ready")].status'),
            column("First", "string", ".spec.field0"),
            column("Age", "date", ".metadata.creationTimestamp"),
          ],
          schema: {
            openAPIV3Schema: {
              type: "object",
              properties: {
                spec: {
                  type: "object",
                  properties: {
                    size: { type: "integer", minimum: 0 },
                    ...Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`field${index}`, field])),
                  },
                  "x-kubernetes-validations": [{ rule: "!has(self.size) || self.size < 100", message: "too large" }],
                },
                status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
              },
            },
          },
        },
      ],
    },
  };
}

function report(): void {
  const bytes = Buffer.byteLength(JSON.stringify(definition("kind1")));
  process.stdout.write(
    `${machine()}\npackages/server/src/main.ts with defaults; definitions of ${bytes} bytes, ${runs} starts each, medians; ${kinds} were defined and served in ${Math.round(createdMs)} ms\n\n`,
  );
  const row = (name: string, pick: (state: State) => readonly number[], most?: number): string[] => {
    const [a, b] = [median(pick(none)), median(pick(many))];
    return [name, round3(a), round3(b), round3(b - a), ...(most === undefined ? ["", ""] : [`≤ ${most}`, b - a <= most ? "yes" : "no"])];
  };
  printTable(
    ["", "0 kinds", `${kinds} kinds`, "more", "target", "met"],
    [
      row("start to ready, ms", (state) => state.readyMs, 2_000),
      row("server, PSS MiB", (state) => state.serverMiB, 50),
      row("server when discovery and OpenAPI index were read, PSS MiB", (state) => state.askedMiB, 50),
      row("database, PSS MiB", (state) => state.databaseMiB),
      row("definition sent to first object answered, p50 ms", (state) => state.establishMs),
      row("the same, p99 ms", (state) => [percentile(state.establishMs, 0.99)]),
    ],
  );
}

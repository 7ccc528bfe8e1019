/**
 * Reads the kinds of a real kube-apiserver, without descriptions, into `packages/sim/src/kinds/kubernetes-kinds.json`: `npm run generate:sim-kinds`.
 * With `--check` nothing is written, and the exit code is 1 when the file is stale. Kinds that our own API server serves in Kubernetes' way are left to it.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { coreKinds } from "../packages/apiserver/src/index.ts";
import { startApiServer } from "../packages/cluster/src/testing/index.ts";
import { discoveredKinds, openApiSchemas, withoutProse, type OpenApiDocument, type ResourceList } from "./lib/generate/kubernetes-kinds.ts";
import { repository } from "./lib/repository.ts";

const groups = [
  "v1",
  "apps/v1",
  "batch/v1",
  "autoscaling/v1",
  "autoscaling/v2",
  "networking.k8s.io/v1",
  "policy/v1",
  "storage.k8s.io/v1",
  "discovery.k8s.io/v1",
  "scheduling.k8s.io/v1",
  "admissionregistration.k8s.io/v1",
];
const file = join(repository, "packages/sim/src/kinds/kubernetes-kinds.json");

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
await using server = await startApiServer();
const { client } = server;
const ours = new Set(coreKinds.map((kind) => `${kind.apiVersion} ${kind.kind}`));
const kinds: unknown[] = [];
const schemas: Record<string, unknown> = {};
for (const group of groups) {
  const path = group === "v1" ? "api/v1" : `apis/${group}`;
  const list = (await client.request(`/${path}`)).body as ResourceList;
  const document = (await client.request(`/openapi/v3/${path}`)).body as OpenApiDocument;
  const found = discoveredKinds(group, list, document).filter((kind) => !ours.has(`${group} ${kind.kind}`));
  kinds.push(...found);
  for (const [name, schema] of openApiSchemas(document, found)) schemas[name] = withoutProse(schema);
}
const { gitVersion } = (await client.request("/version")).body as { gitVersion: string };
const wanted = `${JSON.stringify({ gitVersion, kinds, schemas: Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1))) })}\n`;
const current = await readFile(file, "utf8").catch(() => "");
if (current === wanted) process.stdout.write("the kinds of Kubernetes are fresh\n");
else if (values.check) {
  process.stdout.write("packages/sim/src/kinds/kubernetes-kinds.json is stale; run npm run generate:sim-kinds\n");
  process.exitCode = 1;
} else {
  await writeFile(file, wanted);
  process.stdout.write(`${kinds.length} kinds of ${gitVersion} written\n`);
}

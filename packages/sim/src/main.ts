#!/usr/bin/env node
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { systemClock, systemRandom, type Logger } from "@threeport/platform";
import { workloadControllers } from "./controllers/index.ts";
import { startSimulation } from "./simulation.ts";

const usage = `usage: npm run sim -- --folder FOLDER [--clusters 1] [--port 0] [--seed TEXT] [--speed 1] [--kubernetes v1.36.4]

Serves simulated Kubernetes clusters until it is stopped, and writes a kubeconfig for each into FOLDER.
--speed is virtual seconds for each real one; 0: time goes only by POST /admin/time.
`;

try {
  await run(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`sim: ${error instanceof Error ? error.message : String(error)}\n${usage}`);
  process.exitCode = 2;
}

async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      folder: { type: "string" },
      clusters: { type: "string", default: "1" },
      port: { type: "string", default: "0" },
      seed: { type: "string" },
      speed: { type: "string", default: "1" },
      kubernetes: { type: "string" },
    },
  });
  const clusters = numberOf("--clusters", values.clusters, { least: 1, most: 10_000 });
  const port = numberOf("--port", values.port, { least: 0, most: 65_535 });
  const speed = Number(values.speed);
  if (!(speed >= 0)) throw new Error("--speed: must be a number that is not negative");
  if (values.folder === undefined) throw new Error("--folder: say where the kubeconfigs go");
  if (values.kubernetes !== undefined && !/^v\d+\.\d+\.\d+$/.test(values.kubernetes)) throw new Error("--kubernetes: must look like v1.36.4");
  const folder = values.folder;
  // Tokens come from it too: without one they must not be those of every other run.
  const seed = values.seed ?? systemRandom.suffix(16);
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  const log: Logger = { info: (message, fields = {}) => void process.stderr.write(`${message} ${JSON.stringify(fields)}\n`), debug: () => {} };
  await using simulation = await startSimulation({
    port,
    controllers: workloadControllers,
    clock: systemClock,
    log,
    ...(speed === 0 ? {} : { factor: speed }),
    seed,
    ...(values.kubernetes === undefined ? {} : { gitVersion: values.kubernetes }),
  });
  await mkdir(folder, { recursive: true });
  const written: string[] = [];
  for (let n = 1; n <= clusters; n++) {
    const cluster = await simulation.addCluster(`sim-${n}`);
    const file = join(folder, `${cluster.name}.kubeconfig`);
    await writeFile(file, cluster.kubeconfig, { mode: 0o600 });
    written.push(file);
    process.stdout.write(`${cluster.name} ${cluster.server} ${file}\n`);
  }
  const admin = join(folder, "admin.json");
  await writeFile(admin, `${JSON.stringify({ url: `https://127.0.0.1:${simulation.port}/admin`, token: simulation.adminToken, caPem: simulation.caPem })}\n`, {
    mode: 0o600,
  });
  written.push(admin);
  process.stdout.write(`ready: ${clusters} ${clusters === 1 ? "cluster" : "clusters"}; ${admin} holds what /admin asks for; seed ${seed}\n`);
  await stopped;
  for (const file of written) await rm(file, { force: true });
}

function numberOf(option: string, text: string, { least, most }: { readonly least: number; readonly most: number }): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < least || number > most) throw new Error(`${option}: must be a whole number from ${least} to ${most}`);
  return number;
}

/**
 * A real one-node Kubernetes on this machine, for developers and tests.
 *
 *   node scripts/local-kubernetes.ts up|down|kubeconfig [--state DIR] [--name NAME]
 *
 * `up` downloads or builds the binaries on first use (THREEPORT_KUBERNETES_BIN names a folder that has them), starts
 * the cluster, or adopts the one that runs, and loads docker.io/library/busybox:local. Needs root.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { systemClock, systemExec, systemRandom, silentLogger } from "../packages/platform/src/index.ts";
import { toPlatformError } from "../packages/resource/src/index.ts";
import {
  binariesPlace,
  busyboxImage,
  ensureKubernetesBinaries,
  ensureSystemPackages,
  startLocalKubernetes,
  stopLocalKubernetes,
} from "../packages/modules/runtime/src/local/index.ts";

const usage = "usage: node scripts/local-kubernetes.ts up|down|kubeconfig [--state DIR] [--name NAME]";
const seams = { exec: systemExec, clock: systemClock, random: systemRandom, log: silentLogger };
const say = (line: string) => process.stderr.write(`${line}\n`);

async function up(name: string, stateDir: string): Promise<void> {
  const binaries = await ensureKubernetesBinaries({ ...binariesPlace(process.env), ...seams, onProgress: say });
  const { busybox } = await ensureSystemPackages({ ...seams, onProgress: say });
  const images = await mkdtemp(join(tmpdir(), "threeport-images-"));
  try {
    const image = await busyboxImage({ out: join(images, "busybox.tar"), busybox, exec: systemExec });
    const cluster = await startLocalKubernetes({ ...seams, name, stateDir, binaries, images: [image], onProgress: say });
    say(`export KUBECONFIG=${join(cluster.stateDir, "kubeconfig")} PATH=${binaries.folder}:$PATH`);
  } finally {
    await rm(images, { recursive: true, force: true });
  }
}

async function down(stateDir: string): Promise<void> {
  const { remained } = await stopLocalKubernetes({ ...seams, stateDir });
  for (const thing of remained) say(`could not be removed: ${thing}`);
  if (remained.length > 0) process.exitCode = 1;
}

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { state: { type: "string" }, name: { type: "string", default: "local" } } });
  const stateHome = process.env["XDG_STATE_HOME"] ?? join(homedir(), ".local", "state");
  const stateDir = resolve(values.state ?? join(stateHome, "threeport", "local-kubernetes", values.name));
  switch (positionals.join(" ")) {
    case "up":
      return up(values.name, stateDir);
    case "down":
      return down(stateDir);
    case "kubeconfig":
      process.stdout.write(await readFile(join(stateDir, "kubeconfig"), "utf8"));
      return;
    default:
      say(usage);
      process.exitCode = 2;
  }
}

await main().catch((error: unknown) => {
  const known = toPlatformError(error);
  say(`${known.code}: ${known.message}`);
  process.exitCode = known.entry.exit;
});

// F5, F18: the disk of a control plane is full, that of its database and of its log. As root only: the disk is a file system in memory that this test's server alone sees.
import { appendFile, mkdtemp, open, readdir, readFile, rm } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemExec } from "@threeport/platform";
import { createClient, parseKubeconfig, type KubeClient } from "@threeport/client";
import { configMap } from "@threeport/cluster/testing";
import { until } from "@threeport/engine/testing";
import type { PlatformError, StoredObject } from "@threeport/resource";

const main = join(import.meta.dirname, "main.ts");
const diskMiB = 320;
const collection = { apiVersion: "v1", kind: "ConfigMap", namespace: "default" };

test.skipIf(process.getuid?.() !== 0)(
  "F5, F18: with a full disk writes are refused as unavailable, the server lives, what was acknowledged stays, and with room again all goes on by itself",
  { timeout: 120_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "threeport-full-disk-"));
    const script = `mount -t tmpfs -o size=${diskMiB}m,mode=0711 tmpfs "$1" && shift && exec "$@" >>"${folder}/server.log" 2>&1`;
    const server = systemExec.start(
      "unshare",
      ["--mount", "sh", "-c", script, "sh", folder, process.execPath, main, "--home", join(folder, "home"), "--port", "0"],
      { env: { DATABASE_URL: undefined, THREEPORT_CONFIG: undefined, THREEPORT_VERBOSE: "true" } },
    );
    const inside = join(`/proc/${server.pid}/root`, folder); // the disk as the server sees it
    let ended = false;
    void server.exited.then(() => (ended = true));
    try {
      const client = await until("the server to be ready", async () => {
        if (!(await readFile(join(inside, "server.log"), "utf8")).includes("the control plane is ready")) return undefined;
        return createClient(parseKubeconfig(await readFile(join(inside, "home", "admin.kubeconfig"), "utf8")), { requestTimeoutMs: 40_000 });
      });
      await using owned = client;
      const accepted: string[] = [];
      const refusals: PlatformError[] = [];
      const write = async (name: string, bytes: number): Promise<boolean> => {
        try {
          await owned.create(collection, configMap("default", name, { noise: randomBytes(bytes).toString("base64") }));
          accepted.push(name);
          return true;
        } catch (error) {
          refusals.push(error as PlatformError);
          return false;
        }
      };
      for (let index = 0; index < 20; index++) await write(`before-${index}`, 1_000);
      expect(refusals).toEqual([]);

      await fill(join(inside, "filler"));
      for (let index = 0; refusals.length < 5 && index < 200; index++) await write(`during-${index}`, 400_000);
      expect(refusals.length).toBe(5);
      for (const refusal of refusals) expect(refusal).toMatchObject({ code: "TP_DATABASE_UNAVAILABLE", detail: { httpStatus: 503 } });
      await expect(appendFile(join(inside, "server.log"), randomBytes(1_000_000)), "the log has no room either").rejects.toMatchObject({ code: "ENOSPC" });
      expect((await owned.request("/livez")).status).toBe(200);
      expect(ended).toBe(false);

      await rm(join(inside, "filler"));
      await until("writes to go through again", () => write(`after-${accepted.length}`, 1_000), 60_000);
      expect(ended, "nobody had to start anything").toBe(false);
      const names = await namesOf(owned);
      for (const name of accepted) expect(names, "what was acknowledged is there").toContain(name);
    } finally {
      server.kill("SIGTERM");
      await server.exited;
      await endAll(folder);
      await rm(folder, { recursive: true, force: true });
    }
  },
);

/** Takes all room that is left. */
async function fill(path: string): Promise<void> {
  await using file = await open(path, "w");
  for (let size = 1024 * 1024; size >= 4096;) {
    await file.write(Buffer.alloc(size)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOSPC") throw error;
      size /= 16;
    });
  }
}

async function namesOf(client: KubeClient): Promise<string[]> {
  return (await client.listPath<StoredObject>("/api/v1/namespaces/default/configmaps")).items.map((item) => item.metadata.name);
}

/** The database, too, where the server did not end it. */
async function endAll(folder: string): Promise<void> {
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (Number(pid) !== process.pid && command.includes(folder)) process.kill(Number(pid), "SIGKILL");
  }
}

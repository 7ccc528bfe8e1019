import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, parseKubeconfig } from "@threeport/client";
import { systemExec } from "@threeport/platform";
import { expect, test } from "vitest";

const program = new URL("main.ts", import.meta.url).pathname;

test("the program serves clusters by the kubeconfigs that it writes, and takes them along when it is stopped", async () => {
  const folder = await mkdtemp(join(tmpdir(), "threeport-sim-"));
  const lines: string[] = [];
  const ready = Promise.withResolvers<void>();
  const onLine = (line: string): void => {
    lines.push(line);
    if (line.startsWith("ready")) ready.resolve();
  };
  const started = systemExec.start(process.execPath, [program, "--clusters", "2", "--folder", folder], { onLine });
  try {
    void started.exited.then(() => ready.reject(new Error(`it ended: ${lines.join("\n")}`)));
    await ready.promise;
    const file = join(folder, "sim-2.kubeconfig");
    await using client = createClient(parseKubeconfig(await readFile(file, "utf8")));
    expect((await client.listPath("/api/v1/namespaces")).items).toHaveLength(4);
    expect(lines[1]).toContain(`sim-2 https://127.0.0.1:`);
    started.kill("SIGTERM");
    await started.exited;
    expect(existsSync(file)).toBe(false);
  } finally {
    started.kill("SIGKILL");
    await started.exited;
    await rm(folder, { recursive: true, force: true });
  }
});

test("the program says what is wrong with what it is asked for", async () => {
  const result = await systemExec.run(process.execPath, [program, "--clusters", "0", "--folder", "x"]).catch((error: unknown) => error);
  expect(JSON.stringify(result) + String(result)).toContain("--clusters: must be a whole number from 1 to 10000");
});

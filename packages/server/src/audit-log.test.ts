import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { systemClock, type Logger } from "@threeport/platform";
import { openAuditLog } from "./audit-log.ts";

async function inFolder(run: (folder: string, said: string[], log: Logger) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "threeport-test-audit-"));
  const said: string[] = [];
  try {
    await run(folder, said, { info: (message) => void said.push(message), debug: () => {} });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test("entries are lines of JSON in their order, written soon, and whole when the server stops", async () => {
  await inFolder(async (folder, _said, log) => {
    const lines = async () => (await readFile(join(folder, "audit.jsonl"), "utf8").catch(() => "")).split("\n").filter((line) => line !== "");
    {
      await using audit = openAuditLog(folder, { clock: systemClock, log });
      for (let n = 0; n < 100; n++) audit.record({ n });
      await vi.waitFor(async () => expect(await lines()).toHaveLength(100), { timeout: 5_000 });
      audit.record({ n: 100 });
    }
    expect((await lines()).map((line) => (JSON.parse(line) as { n: number }).n)).toEqual(Array.from({ length: 101 }, (_, n) => n));
  });
});

test("F18: the log is bounded on disk and in memory, and a disk that refuses stops nobody", async () => {
  await inFolder(async (folder, said, log) => {
    const large = "x".repeat(17 * 1024 * 1024);
    for (const name of ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.4"]) await writeFile(join(folder, name), `${name}\n${large}`);
    {
      await using audit = openAuditLog(folder, { clock: systemClock, log });
      audit.record({ after: "rotation" });
      for (let n = 0; n < 60; n++) audit.record({ text: "y".repeat(100_000) });
    }
    expect((await readdir(folder)).sort()).toEqual(["audit.jsonl.1", "audit.jsonl.2", "audit.jsonl.4"]);
    expect(await readFile(join(folder, "audit.jsonl.1"), "utf8")).toMatch(/"dropped":\d+/);
    expect((await readFile(join(folder, "audit.jsonl.2"), "utf8")).slice(0, 13), "moved on").toBe("audit.jsonl.1");
    {
      await using audit = openAuditLog(join(folder, "not-there"), { clock: systemClock, log });
      audit.record({ lost: true });
    }
    expect(said).toEqual(["the audit log cannot be written; entries are lost"]);
  });
});

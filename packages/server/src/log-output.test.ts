import { closeSync, constants, openSync, readFileSync, readSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock, systemExec } from "@threeport/platform";
import { until } from "@threeport/engine/testing";
import { createLogOutput } from "./log-output.ts";

const line = `${"x".repeat(999)}\n`;

test("F18: a pipe that nobody reads holds up nothing and fills no memory; once it is read, the next lines say how many were dropped", async () => {
  const folder = await mkdtemp(join(tmpdir(), "threeport-log-"));
  await systemExec.run("mkfifo", [join(folder, "pipe")]);
  const pipe = openSync(join(folder, "pipe"), constants.O_RDWR); // open at both ends, as under a parent that sleeps
  try {
    const output = createLogOutput(pipe, systemClock);
    const before = process.memoryUsage().rss;
    let longest = 0;
    for (let round = 0; round < 200; round++) {
      const started = systemClock.monotonic();
      for (let count = 0; count < 1_000; count++) output.write(line); // 200 MB in all
      await new Promise(setImmediate);
      longest = Math.max(longest, systemClock.monotonic() - started);
    }
    expect(longest, "no turn of the loop waits for the output").toBeLessThan(2_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);

    let read = "";
    const reader = openSync(join(folder, "pipe"), constants.O_RDONLY | constants.O_NONBLOCK);
    await until("the output to go on", () => {
      const chunk = Buffer.alloc(256 * 1024);
      try {
        read += chunk.toString("utf8", 0, readSync(reader, chunk));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      }
      output.write("after\n");
      // Lines may be told of more than once: a busy machine drops some before the pipe is full.
      const told = [...read.matchAll(/"lines":(\d+),"msg":"log lines were dropped/g)].reduce((sum, [, lines]) => sum + Number(lines), 0);
      return told > 100_000 && read.includes("after\n");
    });
    closeSync(reader);
  } finally {
    closeSync(pipe);
    await rm(folder, { recursive: true, force: true });
  }
});

test("F18: a disk without room costs lines and nothing else, and what is written later goes through", async () => {
  const full = openSync("/dev/full", "w");
  const output = createLogOutput(full, systemClock);
  for (let count = 0; count < 1_000; count++) output.write(line);
  await output.flushed();
  output.write(line);
  await output.flushed();
  closeSync(full);

  const folder = await mkdtemp(join(tmpdir(), "threeport-log-"));
  const file = openSync(join(folder, "log"), "a");
  const later = createLogOutput(file, systemClock);
  for (let count = 0; count < 100; count++) later.write(`${count}\n`);
  await later.flushed();
  closeSync(file);
  expect(readFileSync(join(folder, "log"), "utf8")).toBe(Array.from({ length: 100 }, (_, count) => `${count}\n`).join(""));
  await rm(folder, { recursive: true, force: true });
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { takeProcessLock } from "./process-lock.ts";

test("L1: of many callers one holds the lock at a time, and all get their turn", async () => {
  const name = randomUUID();
  let holders = 0;
  let turns = 0;
  const turn = async () => {
    await using _ = await takeProcessLock(name);
    holders++;
    turns++;
    expect(holders).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    holders--;
  };
  await Promise.all(Array.from({ length: 20 }, turn));
  expect(turns).toBe(20);
});

test("L2: a holder killed with -9 gives the lock to the one who waits", async () => {
  const name = randomUUID();
  const module = new URL("./process-lock.ts", import.meta.url).href;
  const script = `const { takeProcessLock } = await import(${JSON.stringify(module)}); await takeProcessLock(${JSON.stringify(name)}); console.log("held"); setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  await once(holder.stdout, "data");
  let waiting = () => {};
  const waits = new Promise<void>((resolve) => {
    waiting = resolve;
  });
  const taken = takeProcessLock(name, { onWait: () => waiting() });
  await waits;
  holder.kill("SIGKILL");
  await using _ = await taken;
  expect(_).toBeDefined();
});

test("waiting ends when the caller gives up, and the lock stays with its holder", async () => {
  const name = randomUUID();
  const held = await takeProcessLock(name);
  const controller = new AbortController();
  await expect(takeProcessLock(name, { signal: controller.signal, onWait: () => controller.abort(new Error("no patience")) })).rejects.toThrow("no patience");
  await held[Symbol.asyncDispose]();
  await using again = await takeProcessLock(name);
  expect(again).toBeDefined();
});

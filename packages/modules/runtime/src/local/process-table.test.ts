import { spawn } from "node:child_process";
import { once } from "node:events";
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { systemClock } from "@threeport/platform";
import { identify, isAlive, killExactly, processesWithEnvironment } from "./process-table.ts";

test("a process is known by number and start time, so a reused number is not mistaken for it", async () => {
  const child = spawn("sleep", ["60"]);
  const exited = once(child, "exit");
  await once(child, "spawn");
  const identity = await identify(child.pid ?? 0);
  expect(identity).toBeDefined();
  if (identity === undefined) return;
  expect(await isAlive(identity)).toBe(true);
  const other = { ...identity, startTicks: identity.startTicks - 1 };
  expect(await isAlive(other)).toBe(false);
  expect(await killExactly(other, "SIGKILL")).toBe(false);
  expect(await isAlive(identity)).toBe(true);
  expect(await killExactly(identity, "SIGKILL")).toBe(true);
  await exited;
  expect(await isAlive(identity)).toBe(false);
  expect(await killExactly(identity, "SIGKILL")).toBe(false);
});

test("a process whose name holds blanks and brackets is read right", async () => {
  const child = spawn("bash", ["-c", "exec -a 'x) Z 1 (y' sleep 60"]);
  const exited = once(child, "exit");
  await once(child, "spawn");
  expect(await identify(child.pid ?? 0)).toMatchObject({ pid: child.pid });
  child.kill("SIGKILL");
  await exited;
});

test("processes are found by their environment, children included", async () => {
  const mark = `TP_TEST_MARK=${randomUUID()}`;
  const child = spawn("sh", ["-c", "sleep 60 & echo $!; wait"], {
    env: { PATH: process.env["PATH"], TP_TEST_MARK: mark.slice(13) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  // The number is told before `sleep` is loaded: the child may be between two programs just now.
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const found = await processesWithEnvironment(mark, systemClock);
  const exited = once(child, "exit");
  for (const identity of found) await killExactly(identity, "SIGKILL");
  await exited;
  expect(new Set(found.map((identity) => identity.pid))).toEqual(new Set([child.pid, Number(line.toString())]));
});

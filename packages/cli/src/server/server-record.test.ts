import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { homePaths } from "../environment.ts";
import { lastWords, logBytesMax, rotateLog } from "./server-log.ts";
import { isServerProcess, runningServer } from "./server-record.ts";

let folder: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tptctl-record-"));
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  }
  await rm(folder, { recursive: true });
});

/** A program that waits, under the command line that is given. */
async function pretend(script: string, args: readonly string[], env: Record<string, string> = {}): Promise<number> {
  const path = join(folder, script);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, "process.stdout.write('up'); setInterval(() => {}, 1000);");
  const child = spawn(process.execPath, [path, ...args], { stdio: ["ignore", "pipe", "ignore"], env: { ...process.env, THREEPORT_HOME: undefined, ...env } });
  children.push(child);
  await once(child.stdout ?? child, "data");
  return child.pid ?? -1;
}

test("a server of this home is one, by its flag or by its environment", async () => {
  const home = homePaths({ THREEPORT_HOME: folder });
  expect(await isServerProcess(await pretend("server/src/main.ts", ["--home", folder]), home)).toBe(true);
  expect(await isServerProcess(await pretend("server/src/main.ts", [`--home=${folder}/`]), home)).toBe(true);
  expect(await isServerProcess(await pretend("server/src/main.ts", [], { THREEPORT_HOME: folder }), home)).toBe(true);
});

test("neither another program, nor the server of another home, nor a process that has ended is one", async () => {
  const home = homePaths({ THREEPORT_HOME: folder });
  expect(await isServerProcess(await pretend("other/main.ts", ["--home", folder]), home)).toBe(false);
  expect(await isServerProcess(await pretend("server/src/main.ts", ["--home", "/somewhere/else"]), home)).toBe(false);
  const ended = await pretend("server/src/main.ts", ["--home", folder]);
  const child = children.at(-1);
  child?.kill("SIGKILL");
  if (child !== undefined) await once(child, "exit");
  expect(await isServerProcess(ended, home)).toBe(false);
  for (const pid of [0, 1, -1, Number.NaN, 2 ** 40]) expect(await isServerProcess(pid, home)).toBe(false);
});

test("a record of a killed server, half a record and none mean that nothing runs", async () => {
  const home = homePaths({ THREEPORT_HOME: folder });
  expect(await runningServer(home)).toBeUndefined();
  await writeFile(home.serverFile, '{"pid": 12');
  expect(await runningServer(home)).toBeUndefined();
  await writeFile(home.serverFile, JSON.stringify({ pid: process.pid, url: "https://127.0.0.1:1" })); // the number belongs to us now
  expect(await runningServer(home)).toBeUndefined();
});

test("a large log is put aside at a start, a small one goes on", async () => {
  const log = join(folder, "server.log");
  await rotateLog(log);
  await writeFile(log, "small\n");
  await rotateLog(log);
  expect(await lastWords(log, 0)).toEqual(["small"]);
  await writeFile(log, Buffer.alloc(logBytesMax + 1, "x"));
  await rotateLog(log);
  await expect(lastWords(log, 0)).rejects.toThrow(/ENOENT/);
});

test("of a server that ended at once, its error is told and not its log, and nothing of earlier runs", async () => {
  const log = join(folder, "server.log");
  const before = "threeport-server: an old error\n";
  await writeFile(log, `${before}{"level":30,"msg":"starting"}\nthreeport-server: port 7443 is taken\n  because: EADDRINUSE\n`);
  expect(await lastWords(log, before.length)).toEqual(["port 7443 is taken", "  because: EADDRINUSE"]);
});

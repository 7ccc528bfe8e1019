import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { endLeftovers } from "./leftovers.ts";

async function newFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "leftovers-")));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A process that sleeps, with `mark` in its environment. */
async function sleeper(mark: Record<string, string>): Promise<ChildProcess> {
  const child = spawn("sleep", ["60"], { env: { PATH: process.env["PATH"], ...mark }, stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "spawn"); // from here on it is sleep, and no copy of us
  return child;
}

describe.runIf(process.platform === "linux")("what a run left behind:", () => {
  test("a process with the run's mark is ended and named, one without it is left alone", async () => {
    const folder = await newFolder();
    const other = await sleeper({ LEFTOVERS_TEST: "another run" });
    const ours = await sleeper({ LEFTOVERS_TEST: folder });
    const ended = once(ours, "exit");
    const { found } = await endLeftovers({ mark: `LEFTOVERS_TEST=${folder}`, folder }, { patient: false });
    expect(found).toEqual([expect.stringMatching(new RegExp(`^process ${ours.pid} \\(.*sleep 60`))]);
    expect(await ended).toEqual([null, "SIGTERM"]);
    expect(other.exitCode ?? other.signalCode).toBeNull();
  });

  test("a process that was started without the mark is known by the run's folder in its command line", async () => {
    const folder = await newFolder();
    const child = spawn("sleep", ["60", "0s"], { env: {}, argv0: `${folder}/sleep`, stdio: "ignore" });
    onTestFinished(() => void child.kill("SIGKILL"));
    await once(child, "spawn");
    const ended = once(child, "exit");
    expect((await endLeftovers({ mark: "LEFTOVERS_TEST=nobody has this", folder }, { patient: false })).found).toHaveLength(1);
    expect(await ended).toEqual([null, "SIGTERM"]);
  });

  test("a process that ends by itself in time is no leftover", async () => {
    const folder = await newFolder();
    const child = await sleeper({ LEFTOVERS_TEST: folder });
    const ending = endLeftovers({ mark: `LEFTOVERS_TEST=${folder}`, folder }, { patient: true });
    child.kill("SIGTERM");
    expect(await ending).toEqual({ found: [], remained: [] });
  });
});

import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endLeftovers } from "./leftovers.ts";

/** What belongs to one run of the tests on this machine. */
export interface TestRun {
  /** For all temporary files of the run. */
  readonly folder: string;
  /** What tests and everything that they start must have in their environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends and removes all that is left of the run. Returns what was still there, in words. */
  close(options: { readonly patient: boolean }): Promise<readonly string[]>;
}

const markVariable = "THREEPORT_TEST_RUN";

/** Marks everything that will be started from here on, so that its leftovers are told from other people's processes. */
export async function openRun(): Promise<TestRun> {
  const mark = randomBytes(8).toString("hex");
  process.env[markVariable] = mark; // compilers and package tools inherit it from us
  const folder = await realpath(await mkdtemp(join(tmpdir(), "tpt-"))); // short: paths of Unix sockets below it end at 107 bytes
  await chmod(folder, 0o1777); // as root, database servers of tests run as another user
  return {
    folder,
    env: { TMPDIR: folder, [markVariable]: mark },
    async close(options) {
      const { found, remained } = await endLeftovers({ mark: `${markVariable}=${mark}`, folder }, options);
      if (remained.length > 0) return [...found, ...remained.map((thing) => `${thing} (could not be removed; ${folder} is kept)`)];
      await rm(folder, { recursive: true, force: true });
      return found;
    },
  };
}

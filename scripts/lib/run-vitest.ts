import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { repository } from "./repository.ts";
import { type Tally, type TestReport, tallyReport } from "./tally.ts";

export interface VitestRun {
  /** Relative to the repository. */
  readonly files: readonly string[];
  /** One file after another: they start clusters that share this machine. */
  readonly oneByOne: boolean;
  /** Files, of {@link files}, of which no test may be skipped. */
  readonly mustRun: ReadonlySet<string>;
  /** For the report; removed with the run. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** A run that was told to end gets this long to finish its sentence. */
const killAfterMs = 5_000;

/** Runs these files; what they print goes to our output. Rejects with the signal's reason when it was told to end. */
export async function runVitest({ files, oneByOne, mustRun, folder, env, signal }: VitestRun): Promise<Tally> {
  const reportPath = join(folder, "report.json");
  await rm(reportPath, { force: true });
  signal.throwIfAborted();
  const args = [
    "run",
    "--passWithNoTests",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${reportPath}`,
    ...(oneByOne ? ["--no-file-parallelism"] : []),
    ...files,
  ];
  const child = spawn(process.execPath, [join(repository, "node_modules/vitest/vitest.mjs"), ...args], {
    cwd: repository,
    env: { ...process.env, ...env },
    stdio: ["ignore", "inherit", "inherit"],
  });
  let timer: NodeJS.Timeout | undefined;
  const stop = () => {
    child.kill("SIGTERM");
    timer = setTimeout(() => child.kill("SIGKILL"), killAfterMs);
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    const [exitCode] = (await once(child, "exit")) as [number | null];
    signal.throwIfAborted();
    return tallyReport({ report: await readReport(reportPath), exitCode, files: files.length, mustRun: (file) => mustRun.has(relative(repository, file)) });
  } finally {
    signal.removeEventListener("abort", stop);
    clearTimeout(timer);
  }
}

async function readReport(path: string): Promise<TestReport | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined); // vitest ended before it wrote it: the tally says so
  return text === undefined ? undefined : (JSON.parse(text) as TestReport);
}

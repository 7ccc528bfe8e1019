import { mkdir, open } from "node:fs/promises";
import { createClient, parseKubeconfig } from "@threeport/client";
import type { Clock, Exec } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import { compiledFolder, type Environment, type HomePaths } from "../environment.ts";
import { readIfThere } from "../files.ts";
import { lastWords, rotateLog } from "./server-log.ts";
import { serverProgram } from "./server-program.ts";
import { isServerProcess, runningServer, type ServerRecord } from "./server-record.ts";

export interface StartInput {
  readonly home: HomePaths;
  readonly port: number | undefined;
  readonly host: string | undefined;
  readonly mirror: string | undefined;
  readonly clock: Clock;
  readonly exec: Exec;
  readonly environment: Environment;
  readonly signal: AbortSignal;
}

/** A first start makes a database; a loaded machine takes its time. */
const readyMsMax = 120_000;
const lookEveryMs = 50;

/** Node's young generation in MiB for each space: half of what it takes by itself needs less memory under load; a quarter costs a tenth more CPU (docs/performance.md). */
const smallYoungGeneration = "--max-semi-space-size=8";

/** Node's flags and the server's own, the same in the background and in the foreground. */
export function serverArguments(input: Pick<StartInput, "home" | "port" | "host" | "mirror">): string[] {
  return [
    smallYoungGeneration,
    serverProgram,
    "--home",
    input.home.folder,
    ...(input.port === undefined ? [] : ["--port", String(input.port)]),
    ...(input.host === undefined ? [] : ["--host", input.host]),
    ...(input.mirror === undefined ? [] : ["--mirror", input.mirror]),
  ];
}

/**
 * Starts the server in a session of its own, so that it outlives this terminal, and returns once its API is ready.
 * @throws PlatformError with the server's own words when it ends at once
 */
export async function startServer(input: StartInput): Promise<ServerRecord> {
  const { home, exec } = input;
  await mkdir(home.folder, { recursive: true, mode: 0o700 });
  await mkdir(home.logs, { recursive: true, mode: 0o700 });
  await rotateLog(home.serverLog);
  const log = await open(home.serverLog, "a", 0o600);
  try {
    const { size } = await log.stat();
    const child = exec.start(process.execPath, serverArguments(input), {
      cwd: "/",
      detached: true,
      outputFd: log.fd,
      env: { NODE_COMPILE_CACHE: compiledFolder(input.environment) },
    });
    return await untilReady(input, { exited: child.exited.then(({ code }) => code), logStart: size });
  } finally {
    await log.close();
  }
}

/** Waits for the API of a server that is starting, ours or one that somebody else started at the same moment. */
export async function untilReady(
  input: Pick<StartInput, "home" | "clock" | "signal">,
  start?: { readonly exited: Promise<number | null>; readonly logStart: number },
): Promise<ServerRecord> {
  const { home, clock, signal } = input;
  const until = clock.monotonic() + readyMsMax;
  let ended: { readonly code: number | null } | undefined;
  void start?.exited.then((code) => {
    ended = { code };
  });
  while (clock.monotonic() < until) {
    signal.throwIfAborted();
    const over = ended;
    const record = await runningServer(home);
    if (record !== undefined && (await isReady(home, signal))) return record;
    if (over !== undefined && record === undefined && !(await anotherStarts(home, start?.logStart ?? 0)))
      throw await startFailed(home, over.code, start?.logStart ?? 0);
    if (record === undefined && start === undefined)
      throw new PlatformError("TP_UNAVAILABLE", { message: "the control plane ended while it was starting", detail: { hint: `its log is ${home.serverLog}` } });
    await clock.sleep(lookEveryMs, signal);
  }
  throw new PlatformError("TP_DEADLINE", {
    message: `the control plane is not ready after ${readyMsMax / 1000} s`,
    detail: { hint: `look at ${home.serverLog}; tptctl down ends it` },
  });
}

/** Ready, and this home's: the answer is checked against the home's CA, so another program on that port is no answer. */
export async function isReady(home: HomePaths, signal?: AbortSignal): Promise<boolean> {
  const text = await readIfThere(home.adminKubeconfig);
  if (text === undefined) return false;
  try {
    await using client = createClient(parseKubeconfig(text));
    await client.request("/readyz", { timeoutMs: 2_000, ...(signal === undefined ? {} : { signal }) });
    return true;
  } catch {
    signal?.throwIfAborted();
    return false;
  }
}

/** A server that finds the data folder in use names the process that uses it: one that somebody else started a moment earlier, and that is not ready yet. */
async function anotherStarts(home: HomePaths, logStart: number): Promise<boolean> {
  const pid = (await lastWords(home.serverLog, logStart))
    .map((line) => /process with pid (\d+) uses the data folder/.exec(line)?.[1])
    .find((found) => found !== undefined);
  return pid !== undefined && (await isServerProcess(Number(pid), home));
}

async function startFailed(home: HomePaths, code: number | null, logStart: number): Promise<PlatformError> {
  const [first = `it ended with code ${code ?? "unknown"} and said nothing`, ...more] = await lastWords(home.serverLog, logStart);
  return new PlatformError("TP_UNAVAILABLE", {
    message: `the control plane could not be started: ${first}`,
    causes: more.map((message) => ({ message: message.trim() })),
    detail: { hint: `its log is ${home.serverLog}`, ...(code !== null && code > 0 && code <= exitCodeMax ? { exit: code } : {}) },
  });
}

/** The server ends with the exit codes of the same registry. */
const exitCodeMax = 8;

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";

/** Processes as a parameter: everything that starts another program goes through here. */
export interface Exec {
  /** Runs to the end. Never rejects for a non-zero exit: look at `code`. Rejects when the program cannot be started or the signal aborts (the process is killed). */
  run(command: string, args: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Starts a long-lived process; disposing ends it (TERM, then KILL after `killAfterMs`). */
  start(command: string, args: readonly string[], options?: StartOptions): RunningProcess;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string | Uint8Array;
  readonly uid?: number;
  readonly gid?: number;
  readonly signal?: AbortSignal;
  /** Kills the process after this many milliseconds; `code` is then null. */
  readonly timeoutMs?: number;
  /** Longest output kept of each stream, in bytes. Default 16 MiB. */
  readonly outputBytesMax?: number;
}

export interface RunResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly uid?: number;
  readonly gid?: number;
  /** New session: the process outlives us and gets no terminal signals. */
  readonly detached?: boolean;
  /** File descriptor for both outputs; without it, lines go to `onLine`. */
  readonly outputFd?: number;
  readonly onLine?: (line: string) => void;
  readonly killAfterMs?: number;
}

export interface RunningProcess extends AsyncDisposable {
  readonly pid: number;
  /** Resolves when the process has ended. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  kill(signal: NodeJS.Signals): void;
}

const outputBytesDefault = 16 * 1024 * 1024;

export const systemExec: Exec = {
  async run(command, args, options = {}) {
    const child = spawn(command, [...args], {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.uid === undefined ? {} : { uid: options.uid }),
      ...(options.gid === undefined ? {} : { gid: options.gid }),
      env: environment(options.env),
      stdio: ["pipe", "pipe", "pipe"],
      ...(options.signal === undefined ? {} : { signal: options.signal, killSignal: "SIGKILL" as const }),
      ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs, killSignal: "SIGKILL" as const }),
    });
    const bytesMax = options.outputBytesMax ?? outputBytesDefault;
    const stdout = collect(child.stdout, bytesMax);
    const stderr = collect(child.stderr, bytesMax);
    child.stdin.on("error", () => {}); // EPIPE: the program ended without reading; its exit code tells
    child.stdin.end(options.input ?? "");
    const [code] = (await once(child, "close")) as [number | null];
    return { code, stdout: stdout(), stderr: stderr() };
  },
  start(command, args, options = {}) {
    const child = spawn(command, [...args], {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.uid === undefined ? {} : { uid: options.uid }),
      ...(options.gid === undefined ? {} : { gid: options.gid }),
      env: environment(options.env),
      detached: options.detached ?? false,
      stdio: options.outputFd === undefined ? ["ignore", "pipe", "pipe"] : ["ignore", options.outputFd, options.outputFd],
    });
    return running(child, options);
  },
};

function running(child: ChildProcess, options: StartOptions): RunningProcess {
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", () => resolve({ code: 127, signal: null })); // could not be started: same as a shell says
  });
  if (options.outputFd === undefined) {
    for (const stream of [child.stdout, child.stderr]) eachLine(stream, options.onLine ?? (() => {}));
  }
  if (options.detached === true) child.unref();
  const kill = (signal: NodeJS.Signals) => void child.kill(signal);
  return {
    pid: child.pid ?? -1,
    exited,
    kill,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      kill("SIGTERM");
      const timer = setTimeout(() => kill("SIGKILL"), options.killAfterMs ?? 5_000);
      await exited;
      clearTimeout(timer);
    },
  };
}

function environment(extra: RunOptions["env"]): NodeJS.ProcessEnv {
  return extra === undefined ? process.env : { ...process.env, ...extra };
}

function collect(stream: NodeJS.ReadableStream | null, bytesMax: number): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream?.on("data", (chunk: Buffer) => {
    if (size < bytesMax) chunks.push(chunk.subarray(0, bytesMax - size));
    size += chunk.length;
  });
  return () => Buffer.concat(chunks).toString("utf8");
}

function eachLine(stream: NodeJS.ReadableStream | null, onLine: (line: string) => void): void {
  let rest = "";
  stream?.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString("utf8")).split("\n");
    rest = (lines.pop() ?? "").slice(0, 64 * 1024);
    for (const line of lines) onLine(line);
  });
  stream?.on("end", () => {
    if (rest !== "") onLine(rest);
  });
}

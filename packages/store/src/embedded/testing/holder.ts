import { systemExec, type RunningProcess } from "@threeport/platform";
import type { ConnectionOptions } from "../connection-options.ts";

/** What the holder program says. */
export interface HolderReport {
  readonly pid: number;
  readonly serverPid?: number;
  readonly adopted?: boolean;
  readonly version?: string;
  readonly connection?: ConnectionOptions;
  readonly error?: string;
  readonly message?: string;
}

export interface Holder extends AsyncDisposable {
  readonly process: RunningProcess;
  /** Resolves with what it said; rejects with its output when it ended without. */
  readonly report: Promise<HolderReport>;
}

const program = new URL("./holder-program.ts", import.meta.url).pathname;

/** Starts a process that opens `dataDir`; `wrapper` is a command line to start it under. Disposing ends it in good order. */
export function startHolder(dataDir: string, { wrapper = [], args = [] }: { wrapper?: readonly string[]; args?: readonly string[] } = {}): Holder {
  const [command = "", ...rest] = [...wrapper, process.execPath, program, dataDir, ...args];
  const output: string[] = [];
  const { promise: report, resolve, reject } = Promise.withResolvers<HolderReport>();
  const child = systemExec.start(command, rest, {
    killAfterMs: 30_000,
    onLine(line) {
      if (line.startsWith('{"pid"')) resolve(JSON.parse(line) as HolderReport);
      else output.push(line);
    },
  });
  void child.exited.then(({ code, signal }) => setImmediate(() => reject(new Error(`the holder ended with ${code ?? signal}: ${output.join("\n")}`))));
  report.catch(() => {}); // a test that kills the holder does not wait for its report
  return { process: child, report, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}

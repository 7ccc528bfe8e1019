import { fileURLToPath } from "node:url";
import { systemExec } from "@threeport/platform";
import type { ConnectionOptions } from "../database.ts";
import { until } from "./lab.ts";

/** What every program prints last. */
const lastLine = "end of program";

/** A process of one of the programs in this folder. Disposing kills it. */
export interface Program extends AsyncDisposable {
  /** Everything it printed so far, by line. */
  readonly lines: readonly string[];
  readonly running: boolean;
  /** Resolves with its lines when it has ended by itself with success; rejects with the end of its output when it failed. */
  finished(): Promise<readonly string[]>;
  kill(): Promise<void>;
  /** For processes that must hang without ending. */
  signal(signal: NodeJS.Signals): void;
}

/** Runs `<name>.ts` of this folder with `input` (JSON) and the database's address. */
export function spawnProgram(name: string, connection: ConnectionOptions, input: unknown): Program {
  const lines: string[] = [];
  let running = true;
  const child = systemExec.start(process.execPath, [fileURLToPath(new URL(`./${name}.ts`, import.meta.url))], {
    env: { PROOF_INPUT: JSON.stringify(input), PROOF_CONNECTION: JSON.stringify(connection) },
    onLine: (line) => lines.push(line),
  });
  void child.exited.then(() => (running = false));
  return {
    lines,
    get running() {
      return running;
    },
    async finished() {
      const { code, signal } = await child.exited;
      if (code !== 0) throw new Error(`${name} ended with ${code ?? signal}:\n${lines.slice(-20).join("\n")}`);
      await until(`the last line of ${name}`, () => lines.at(-1) === lastLine); // the pipe may still hold lines when the process is gone
      return lines.slice(0, -1);
    },
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
    },
    signal: (signal) => child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** Body of a program: gets what the parent gave, prints lines, and ends. */
export async function runProgram<T>(body: (given: Given<T>) => Promise<void>): Promise<void> {
  await body({
    input: JSON.parse(process.env["PROOF_INPUT"] ?? "null") as T,
    connection: JSON.parse(process.env["PROOF_CONNECTION"] ?? "null") as ConnectionOptions,
    print,
  });
  print(lastLine);
}

export interface Given<T> {
  readonly input: T;
  readonly connection: ConnectionOptions;
  print(line: string): void;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

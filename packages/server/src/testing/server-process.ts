import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createClient, parseKubeconfig, type KubeClient } from "@threeport/client";
import { systemExec, type RunningProcess } from "@threeport/platform";

/** The server as a process of its own, over a home and an embedded database of its own. */
export interface ServerHome extends AsyncDisposable {
  readonly folder: string;
  /** Starts the server; resolves at once. */
  start(): ServerProcess;
  /** As the administrator; only after the server was ready once. */
  client(): Promise<KubeClient>;
  /** Processes that belong to this home: the server, and its database. */
  processes(): Promise<readonly string[]>;
}

export interface ServerProcess {
  readonly pid: number;
  /** Resolves when the API answers; rejects when the process ends before. */
  readonly ready: Promise<void>;
  readonly exited: RunningProcess["exited"];
  /** As `kill -9`; resolves when it is gone. Its database stays. */
  kill(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** As an operator stops it; resolves to the exit code. */
  stop(): Promise<number | null>;
}

const main = resolve(import.meta.dirname, "../main.ts");
const lastLinesKept = 30;

export interface ServerHomeOptions {
  /** A database that it shares with others, in place of the embedded one. */
  readonly databaseUrl?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Everything that it says. */
  readonly onLine?: (line: string) => void;
}

export async function openServerHome(options: ServerHomeOptions = {}): Promise<ServerHome> {
  const folder = await mkdtemp(join(tmpdir(), "threeport-test-server-"));
  const running = new Set<RunningProcess>();
  const args = ["--home", folder, "--port", "0", "--host", "127.0.0.1"];
  const env = { DATABASE_URL: options.databaseUrl, THREEPORT_DATABASE_URL: undefined, THREEPORT_CONFIG: undefined, ...options.env };

  async function processes(): Promise<readonly string[]> {
    const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
    const commands = await Promise.all(
      pids.map(async (pid) => ({ pid, command: (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " ") })),
    );
    return commands.filter(({ command }) => command.includes(folder)).map(({ pid, command }) => `${pid} ${command}`);
  }

  return {
    folder,
    processes,
    start() {
      const lastLines: string[] = [];
      const ready = Promise.withResolvers<void>();
      ready.promise.catch(() => {}); // not everybody waits for it
      const child = systemExec.start(process.execPath, [main, ...args], {
        env,
        onLine(line) {
          options.onLine?.(line);
          lastLines.push(line);
          if (lastLines.length > lastLinesKept) lastLines.shift();
          if (line.includes("the control plane is ready")) ready.resolve();
        },
      });
      running.add(child);
      void child.exited.then(({ code, signal }) => {
        running.delete(child);
        ready.reject(new Error(`the server ended (${signal ?? code}) before it was ready:\n${lastLines.join("\n")}`));
      });
      return {
        pid: child.pid,
        ready: ready.promise,
        exited: child.exited,
        async kill() {
          child.kill("SIGKILL");
          await child.exited;
        },
        signal: (signal) => child.kill(signal),
        async stop() {
          child.kill("SIGTERM");
          return (await child.exited).code;
        },
      };
    },
    async client() {
      return createClient(parseKubeconfig(await readFile(join(folder, "admin.kubeconfig"), "utf8")), { requestTimeoutMs: 10_000 });
    },
    async [Symbol.asyncDispose]() {
      for (const child of running) child.kill("SIGKILL");
      await Promise.all([...running].map((child) => child.exited));
      // The database of a killed server is still there; the product's own command ends it.
      await systemExec.run(process.execPath, [main, "stop-runtimes", ...args], { env });
      await rm(folder, { recursive: true, force: true });
    },
  };
}

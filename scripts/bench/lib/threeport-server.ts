import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseKubeconfig, type ConnectionConfig } from "../../../packages/client/src/index.ts";
import { systemClock, systemExec, type RunningProcess } from "../../../packages/platform/src/index.ts";
import { endWithUs } from "./end-with-us.ts";
import { isReady } from "./ready.ts";
import type { SystemUnderTest } from "./system-under-test.ts";
import { waitUntil } from "./wait-until.ts";

const main = resolve(import.meta.dirname, "../../../packages/server/src/main.ts");
const startDeadlineMs = 60_000;
/** Between two looks at a server that starts: small beside what is measured, large beside what a look costs. */
const lookEveryMs = 10;

/** Node's arguments as `tptctl up` gives them. */
export const asTptctlStarts: readonly string[] = ["--max-semi-space-size=8"];

export interface StartInput {
  readonly home: string;
  readonly port: number;
  /** Folder of compiled code, as `tptctl up` sets it; default: beside the home. */
  readonly compileCache?: string;
  /** Arguments of node itself. */
  readonly nodeArgs?: readonly string[];
  /** Default: the embedded PostgreSQL. */
  readonly databaseUrl?: string;
}

export interface StartedServer {
  readonly process: RunningProcess;
  /** From the start of the process to the first 200 of /readyz. */
  readonly readyMs: number;
}

/** Starts our control plane as its users do, embedded PostgreSQL included, and waits until it is ready. */
export async function startServer({ home, port, compileCache = `${home}-compiled`, nodeArgs = [], databaseUrl }: StartInput): Promise<StartedServer> {
  const lines: string[] = [];
  const started = systemClock.monotonic();
  const process = systemExec.start(
    globalThis.process.execPath,
    [...nodeArgs, main, "--home", home, "--port", String(port), ...(databaseUrl === undefined ? [] : ["--database-url", databaseUrl])],
    {
      env: { NODE_COMPILE_CACHE: compileCache },
      onLine: (line) => lines.push(line),
      killAfterMs: 15_000,
    },
  );
  endWithUs(process);
  let ended = false;
  void process.exited.then(() => (ended = true));
  try {
    await waitUntil(
      async () => {
        if (ended) throw new Error(`the control plane ended: ${lines.slice(-5).join("\n")}`);
        return isReady(port);
      },
      { what: "the control plane is ready", deadlineMs: startDeadlineMs, everyMs: lookEveryMs },
    );
  } catch (error) {
    await process[Symbol.asyncDispose]();
    throw error;
  }
  return { process, readyMs: systemClock.monotonic() - started };
}

/** The embedded PostgreSQL's first process, which is no child of the server. */
export async function postmasterPid(home: string): Promise<number> {
  return Number((await readFile(join(home, "database", "pgdata", "postmaster.pid"), "utf8")).split("\n", 1)[0]);
}

/** The administrator's access, once the server has written it. */
export async function readAdminConnection(home: string): Promise<ConnectionConfig> {
  return parseKubeconfig(
    await waitUntil(() => readFile(join(home, "admin.kubeconfig"), "utf8").catch(() => undefined), {
      what: "the administrator's kubeconfig is written",
      deadlineMs: startDeadlineMs,
      everyMs: lookEveryMs,
    }),
  );
}

/** As its users have it from the second start on: the first one compiles the program for all that follow. */
export async function threeport(input: StartInput): Promise<SystemUnderTest> {
  await using stack = new AsyncDisposableStack();
  const first = await startServer(input);
  await first.process[Symbol.asyncDispose]();
  const { process } = await startServer(input);
  stack.use(process);
  const connection = await readAdminConnection(input.home);
  const roots = [process.pid, await postmasterPid(input.home)];
  const owned = stack.move();
  return {
    name: "threeport",
    connection,
    roots,
    settings: `node ${[...(input.nodeArgs ?? []), "packages/server/src/main.ts"].join(" ")} with defaults, second start: embedded PostgreSQL 18, fsync, synchronous_commit and full_page_writes on, shared_buffers 16 MB`,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

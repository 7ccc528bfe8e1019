import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { systemClock } from "@threeport/platform";
import { note, type CliContext } from "../context.ts";
import { compiledFolder, type HomePaths } from "../environment.ts";
import { publishContext } from "../kubeconfig/user-context.ts";
import { serverArguments, untilReady } from "./start-server.ts";

/** The server in this terminal, for containers and service managers: its output is ours, our signals are its, its exit code is ours. */
export async function runInForeground(
  context: CliContext,
  input: { readonly home: HomePaths } & Record<"host" | "mirror", string | undefined> & { readonly port: number | undefined },
): Promise<void> {
  await mkdir(input.home.folder, { recursive: true, mode: 0o700 });
  const child = spawn(process.execPath, serverArguments(input), {
    cwd: "/",
    stdio: "inherit",
    env: { ...context.environment, NODE_COMPILE_CACHE: compiledFolder(context.environment) },
  });
  const exited = once(child, "exit").then(([code, signal]) => (code as number | null) ?? (signal === null ? 1 : signalExitCode));
  const pass = (): void => void child.kill("SIGTERM"); // a server asked twice stops once
  context.signal.addEventListener("abort", pass, { once: true });
  if (context.signal.aborted) pass();
  const ended = new AbortController();
  void exited.finally(() => ended.abort());
  // The context is only a convenience here; a server that runs without it is better than none.
  const publish = untilReady(
    { home: input.home, clock: systemClock, signal: AbortSignal.any([ended.signal, context.signal]) },
    { exited, logStart: Number.MAX_SAFE_INTEGER },
  )
    .then(async ({ url }) => {
      const [line] = await publishContext(context, input.home);
      note(context, `the control plane is ready at ${url}${line === undefined ? "" : `; for kubectl: ${line}`}`);
    })
    .catch((error: unknown) => {
      if (!ended.signal.aborted && !context.signal.aborted)
        note(context, `warning: the kubeconfig context could not be written: ${error instanceof Error ? error.message : String(error)}`);
    });
  context.process.exitCode = await exited;
  await publish;
}

/** As shells report a process that a signal ended. */
const signalExitCode = 143;

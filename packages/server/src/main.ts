#!/usr/bin/env node
import { systemClock, systemExec, systemRandom } from "@threeport/platform";
import { toPlatformError } from "@threeport/resource";
import { readConfiguration, type Configuration } from "./configuration.ts";
import { openConnection } from "./connection.ts";
import type { ControlPlane } from "./control-plane.ts";
import type { ProgramCommand } from "./database-commands.ts";
import { openHome } from "./home.ts";
import { createLogOutput } from "./log-output.ts";
import { createLogger } from "./logger.ts";
import type { Tools } from "./tools.ts";

const output = createLogOutput(process.stdout.fd, systemClock);
/** Last words may take this long to get out; an output that nobody reads gets none. */
const flushMsMax = 500;
/** Longest graceful stop; then the process ends as it is, which any kill may do at any time anyway. */
const stopMsMax = 10_000;

try {
  const [command = ""] = process.argv.slice(2);
  const programCommand = await commandNamed(command);
  const words = programCommand?.words ?? (command === "stop-runtimes" ? 1 : 0);
  const args = process.argv.slice(2 + words);
  const configuration = await readConfiguration(args, process.env);
  const log = createLogger(configuration.verbose, output);
  const tools = { clock: systemClock, random: systemRandom, exec: systemExec, log, environment: process.env };
  if (programCommand !== undefined) {
    process.stdout.write(`${await programCommand.run(process.argv.slice(2, 2 + words), configuration, tools)}\n`);
    process.exit(0);
  }
  if (command === "stop-runtimes") {
    const { stopLeftovers } = await import("./stop-leftovers.ts");
    const remained = await stopLeftovers(configuration, tools);
    if (remained.length > 0) process.stderr.write(`these remain and need a look: ${remained.join(", ")}\n`);
    process.exit(remained.length === 0 ? 0 : 1);
  }
  await serve(configuration, tools);
} catch (thrown) {
  const error = toPlatformError(thrown);
  process.stderr.write(
    `threeport-server: ${error.message}\n${error.cause === undefined ? "" : `  because: ${error.cause instanceof Error ? (error.cause.stack ?? error.cause.message) : String(error.cause)}\n`}`,
  );
  process.exit(error.entry.exit);
}

/** Each command loads what it needs: the whole control plane is a second of work. */
async function commandNamed(name: string): Promise<ProgramCommand | undefined> {
  if (name === "" || name.startsWith("-") || name === "stop-runtimes") return undefined;
  const { databaseCommands } = await import("./database-commands.ts");
  if (Object.hasOwn(databaseCommands, name)) return databaseCommands[name];
  const { accessCommands } = await import("./access-commands.ts");
  if (Object.hasOwn(accessCommands, name)) return accessCommands[name];
  const { runtimeCommands } = await import("./runtime-commands.ts");
  return Object.hasOwn(runtimeCommands, name) ? runtimeCommands[name] : undefined;
}

/** Runs until a signal; one that comes while it starts ends it, gracefully, as soon as there is something to end. */
async function serve(configuration: Configuration, tools: Tools): Promise<void> {
  const { log } = tools;
  const started = performance.now();
  let signal: NodeJS.Signals | undefined;
  let controlPlane: ControlPlane | undefined;
  const stop = (): void => {
    if (controlPlane === undefined) return;
    log.info("the control plane stops", { signal });
    setTimeout(() => process.exit(1), stopMsMax).unref();
    void controlPlane[Symbol.asyncDispose]()
      .then(
        () => 0,
        (error: unknown) => {
          log.info("the stop was not clean", { error: String(error) });
          return 1;
        },
      )
      .then(async (code) => {
        await Promise.race([output.flushed(), systemClock.sleep(flushMsMax)]);
        process.exit(code);
      });
  };
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    process.on(name, () => {
      if (signal !== undefined) return;
      signal = name;
      stop();
    });
  }
  process.on("unhandledRejection", (reason) =>
    log.info("an error was not handled", { error: String(reason), stack: reason instanceof Error ? reason.stack : undefined }),
  );
  // The database starts in a process of its own while this one loads the program: each takes about the same time.
  const opened = openHome(configuration.home).then((home) => openConnection(configuration, home, tools));
  opened.catch(() => {}); // told by whoever waits for it
  const { startControlPlane } = await import("./control-plane.ts");
  controlPlane = await startControlPlane(configuration, tools, opened);
  log.info("the control plane is ready", { url: controlPlane.url, home: configuration.home, startMs: Math.round(performance.now() - started) });
  if (signal !== undefined) stop();
}

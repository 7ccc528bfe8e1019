import { once } from "node:events";
import { resourcePath } from "@threeport/client";
import { PlatformError } from "@threeport/resource";
import { connect } from "../connect.ts";
import type { CliContext } from "../context.ts";
import { defaultProject } from "../kinds.ts";
import { findInstance } from "../objects/find-instance.ts";
import type { Terminal } from "../output/terminal.ts";
import { instances } from "../tree/fetch-tree.ts";

interface Flags {
  readonly namespace?: string;
  readonly container?: string;
  readonly pod?: string;
  readonly stdin: boolean;
  readonly tty: boolean;
}

/** Runs a program in a container of a deployment and ends with its exit code. */
export async function exec(this: CliContext, flags: Flags, name: string, ...command: string[]): Promise<void> {
  const { signal } = this;
  if (flags.tty && process.stdin.isTTY !== true)
    throw new PlatformError("TP_USAGE", {
      message: "--tty needs a terminal, and standard input is none",
      detail: { hint: "leave -t away; -i alone passes standard input on" },
    });
  await using client = await connect(this);
  const { metadata } = await findInstance(client, { namespace: flags.namespace ?? defaultProject, name }, signal);
  const path = resourcePath(instances, { namespace: metadata.namespace, name: metadata.name, subresource: "exec" });
  // An input that stays open would keep this process after the program has ended.
  using _input = { [Symbol.dispose]: () => void process.stdin.destroy() };
  using _raw = flags.tty ? rawTerminal() : undefined;
  const code = await client.exec(path, {
    command,
    tty: flags.tty,
    ...(flags.container === undefined ? {} : { container: flags.container }),
    ...(flags.pod === undefined ? {} : { query: { pod: flags.pod } }),
    ...(flags.stdin || flags.tty ? { stdin: this.stdin } : {}),
    ...(flags.tty ? { sizes: terminalSizes(this.terminal, signal) } : {}),
    onStdout: (bytes) => written(process.stdout, bytes),
    onStderr: (bytes) => written(process.stderr, bytes),
    signal,
  });
  this.process.exitCode = code;
}

async function written(stream: NodeJS.WriteStream, bytes: Uint8Array): Promise<void> {
  await new Promise<void>((resolve) => void stream.write(bytes, () => resolve()));
}

/** Keys go to the program as they are typed, Ctrl-C too. */
function rawTerminal(): Disposable {
  process.stdin.setRawMode(true);
  return { [Symbol.dispose]: () => void process.stdin.setRawMode(false) };
}

async function* terminalSizes(terminal: Terminal, signal: AbortSignal): AsyncIterable<{ columns: number; rows: number }> {
  for (;;) {
    yield terminal.size();
    await once(process.stdout, "resize", { signal });
  }
}

import { PlatformError, fromStatus, type Status } from "@threeport/resource";
import { resourcePath } from "../discovery/resource-path.ts";
import type { CallOptions, Transport } from "../http/send-options.ts";
import type { Query } from "../http/query.ts";
import { callOptions } from "../objects/options.ts";
import { openChannels, type ChannelConnection } from "./channel-connection.ts";

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export interface ExecOptions extends CallOptions {
  /** Program and arguments; no shell in between. */
  readonly command: readonly string[];
  readonly container?: string;
  /** Further parameters, for a path of another server. */
  readonly query?: Query;
  /** A terminal: both outputs come as one, through `onStdout`. */
  readonly tty?: boolean;
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** The terminal's size, whenever it changes. */
  readonly sizes?: AsyncIterable<TerminalSize>;
  /** Promises are awaited before more is read. */
  readonly onStdout: (bytes: Uint8Array) => void | Promise<void>;
  readonly onStderr?: (bytes: Uint8Array) => void | Promise<void>;
}

/** k8s.io/apimachinery/pkg/util/remotecommand */
const Channel = { Stdin: 0, Stdout: 1, Stderr: 2, Error: 3, Resize: 4, Close: 255 } as const;
const closable = "v5.channel.k8s.io";
const protocols = [closable, "v4.channel.k8s.io"];
const pods = { group: "", version: "v1", resource: "pods", namespaced: true };

/**
 * Runs a program in a container and resolves to its exit code. Servers before 1.30 cannot be told that the input has ended: a program that reads to the end
 * of its input does not end there.
 * @throws PlatformError when it cannot be started or the connection breaks; the program's fate is then unknown
 */
export async function podExec(
  transport: Transport,
  pod: { readonly namespace: string; readonly name: string } | string,
  options: ExecOptions,
): Promise<number> {
  const { command, container, tty = false, stdin, sizes } = options;
  const query = { ...options.query, command, container, stdin: stdin !== undefined, stdout: true, stderr: !tty, tty };
  const path = typeof pod === "string" ? pod : resourcePath(pods, { ...pod, subresource: "exec" });
  const connection = await openChannels(transport, path, { ...callOptions(options), query, protocols });
  const ended = new AbortController();
  const feeding = feed(connection, { stdin, sizes, ended: ended.signal });
  try {
    for await (const { channel, data } of connection.messages()) {
      if (data.length === 0) continue; // some servers greet with an empty message
      if (channel === Channel.Stdout) await options.onStdout(data);
      else if (channel === Channel.Stderr) await options.onStderr?.(data);
      else if (channel === Channel.Error) return exitCode(data, transport.host);
    }
  } finally {
    ended.abort();
    connection.close();
    await feeding;
  }
  throw new PlatformError("TP_RUNTIME_UNREACHABLE", { message: `${transport.host} closed the connection before it said how the program ended` });
}

/** Sends input and sizes until they end or the program does. An input that stays open holds nothing up: its next piece is simply not sent. */
async function feed(connection: ChannelConnection, sources: { stdin: ExecOptions["stdin"]; sizes: ExecOptions["sizes"]; ended: AbortSignal }): Promise<void> {
  const { stdin, sizes, ended } = sources;
  const gone = new Promise<"gone">((resolve) => ended.addEventListener("abort", () => resolve("gone"), { once: true }));
  const drain = async <T>(source: AsyncIterable<T> | undefined, channel: number, bytesOf: (item: T) => Uint8Array) => {
    if (source === undefined) return;
    const iterator = source[Symbol.asyncIterator]();
    for (;;) {
      const next = await Promise.race([iterator.next(), gone]);
      if (next === "gone") return void iterator.return?.()?.catch(() => {});
      if (next.done === true) break;
      await connection.send(channel, bytesOf(next.value));
    }
    if (channel === Channel.Stdin && connection.protocol === closable) await connection.send(Channel.Close, Buffer.from([Channel.Stdin]));
  };
  await Promise.allSettled([
    drain(stdin, Channel.Stdin, (bytes) => bytes),
    drain(sizes, Channel.Resize, ({ columns, rows }) => Buffer.from(JSON.stringify({ Width: columns, Height: rows }))),
  ]);
}

function exitCode(data: Buffer, host: string): number {
  let status: Status;
  try {
    status = JSON.parse(data.toString("utf8")) as Status;
  } catch (error) {
    throw new PlatformError("TP_RUNTIME_ANSWER_INVALID", { message: `${host} did not say how the program ended`, cause: error });
  }
  if (status.status === "Success") return 0;
  const code = status.details?.causes?.find((cause) => cause.reason === "ExitCode")?.message;
  if (code !== undefined && /^\d+$/.test(code)) return Number(code);
  const told = fromStatus({ ...status, kind: "Status" }, status.code ?? 500); // kubelets leave the kind out
  throw new PlatformError(told.code, {
    message: `the program could not be started: ${told.message.replace(/^(?:Internal error occurred: )+/, "")}`,
    detail: { hint: "name a program that the container's image has; pipes and variables need a shell: sh -c '…'", ...told.detail },
    cause: told,
  });
}

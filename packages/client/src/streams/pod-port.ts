import { PlatformError } from "@threeport/resource";
import { resourcePath } from "../discovery/resource-path.ts";
import type { CallOptions, Transport } from "../http/send-options.ts";
import type { Query } from "../http/query.ts";
import { callOptions } from "../objects/options.ts";
import { openChannels } from "./channel-connection.ts";

/** One connection to a port of a pod. */
export interface PodConnection extends Disposable {
  /** What the program in the pod sends, until it or the connection ends. */
  readonly incoming: AsyncIterable<Uint8Array>;
  /** Resolves when the bytes are on their way. */
  send(bytes: Uint8Array): Promise<void>;
}

/** A port of a pod; or a path of a server that speaks the same protocol, with parameters of its own. */
export type PodPort = { readonly port: number } & ({ readonly namespace: string; readonly name: string } | { readonly path: string; readonly query?: Query });

/** Channels of the one port that is asked for: data, and errors as text. */
const Channel = { Data: 0, Error: 1 } as const;
/** The first message of each channel repeats the port in this many bytes. */
const greetingBytes = 2;
const pods = { group: "", version: "v1", resource: "pods", namespaced: true };

/**
 * Connects to a port inside a pod: one TCP connection there, one WebSocket here. A listener on the user's machine opens one for each connection it takes.
 * The protocol cannot end one direction alone.
 * @throws PlatformError when the server refuses
 */
export async function podPort(transport: Transport, pod: PodPort, options: CallOptions = {}): Promise<PodConnection> {
  const { port } = pod;
  const path = "path" in pod ? pod.path : resourcePath(pods, { namespace: pod.namespace, name: pod.name, subresource: "portforward" });
  const query = { ...("path" in pod ? pod.query : undefined), ports: port };
  const connection = await openChannels(transport, path, { ...callOptions(options), query, protocols: ["v4.channel.k8s.io"] });

  async function* incoming(): AsyncIterable<Uint8Array> {
    const greeting = { [Channel.Data]: greetingBytes, [Channel.Error]: greetingBytes };
    for await (const { channel, data } of connection.messages()) {
      if (channel !== Channel.Data && channel !== Channel.Error) continue;
      const skip = Math.min(greeting[channel], data.length);
      greeting[channel] -= skip;
      if (data.length === skip) continue;
      if (channel === Channel.Data) yield data.subarray(skip);
      else throw new PlatformError("TP_UNAVAILABLE", { message: data.toString("utf8", skip).slice(0, 500), detail: { host: transport.host, path, port } });
    }
  }

  return {
    incoming: incoming(),
    send: (bytes) => connection.send(Channel.Data, bytes),
    [Symbol.dispose]: () => connection.close(),
  };
}

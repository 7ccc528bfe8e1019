import { createHash, randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { PlatformError } from "@threeport/resource";
import type { Dispatcher } from "undici";
import { answerError } from "./answer-error.ts";
import { Exchange } from "./exchange.ts";
import { readBody } from "./read-body.ts";
import type { ResponseHeaders } from "./warnings.ts";
import type { Dispatch } from "./dispatch.ts";
import type { Upgraded } from "./send-options.ts";

/** RFC 6455 §1.3: what the server mixes into the key, to prove that it speaks WebSocket. */
const webSocketGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Ends in an upgrade, or in an answer like any other exchange. */
class UpgradeExchange extends Exchange {
  readonly upgrade = Promise.withResolvers<{ socket: Duplex; headers: ResponseHeaders }>();

  onRequestUpgrade(_controller: Dispatcher.DispatchController, _status: number, headers: ResponseHeaders, socket: Duplex): void {
    this.upgrade.resolve({ headers, socket });
  }
}

export interface UpgradeCall {
  readonly host: string;
  readonly protocols: readonly string[];
  readonly signal: AbortSignal;
  readonly secret: string | undefined;
}

/** The WebSocket handshake. @throws PlatformError when the server answers with anything else; what undici throws when there is no answer */
export async function openWebSocket(pool: Dispatcher, dispatch: Dispatch, call: UpgradeCall): Promise<Upgraded> {
  const key = randomBytes(16).toString("base64");
  const handshake = ["sec-websocket-key", key, "sec-websocket-version", "13", "sec-websocket-protocol", call.protocols.join(", ")];
  const exchange = new UpgradeExchange();
  const onAbort = () => exchange.cancel(call.signal.reason as Error);
  call.signal.addEventListener("abort", onAbort, { once: true });
  try {
    call.signal.throwIfAborted();
    pool.dispatch({ ...dispatch, headers: [...(dispatch.headers as string[]), ...handshake], upgrade: "websocket" }, exchange);
    const first = await Promise.race([exchange.upgrade.promise, exchange.answer]);
    if (!("socket" in first)) {
      if (first.status >= 300) throw answerError({ ...readBody(first, call.host), method: "GET", path: dispatch.path, host: call.host, secret: call.secret });
      throw new PlatformError("TP_RUNTIME_ANSWER_INVALID", { message: `${call.host} answered ${first.status} in place of a WebSocket` });
    }
    return accepted(first, key, call);
  } finally {
    call.signal.removeEventListener("abort", onAbort);
  }
}

function accepted({ socket, headers }: { socket: Duplex; headers: ResponseHeaders }, key: string, call: UpgradeCall): Upgraded {
  const expected = createHash("sha1")
    .update(key + webSocketGuid)
    .digest("base64");
  const protocol = headers["sec-websocket-protocol"];
  if (headers["sec-websocket-accept"] === expected && typeof protocol === "string" && call.protocols.includes(protocol)) return { socket, protocol };
  socket.destroy();
  throw new PlatformError("TP_RUNTIME_ANSWER_INVALID", {
    message: `${call.host} does not speak any of ${call.protocols.join(", ")}; a proxy in between may not let WebSockets through`,
  });
}

import type { IncomingMessage, ServerResponse } from "node:http";
import { PlatformError, toPlatformError, toStatus } from "@threeport/resource";
import type { Faults } from "./faults.ts";
import { readFault } from "./read-fault.ts";
import { readUsage, type Usage } from "./usage.ts";
import type { SimTime } from "./time.ts";

export interface Administered {
  readonly faults: Faults;
  readonly usage: Usage;
  readonly time: SimTime;
  readonly token: string;
}

const bodyBytesMax = 64 * 1024;

export function isAdminPath(url: string): boolean {
  return url.startsWith("/admin/");
}

/** `POST` and `DELETE` of `/admin/faults` and `/admin/usage`, `POST /admin/time` with `advanceMs`: what a test of another process does to the clusters. */
export async function serveAdmin(administered: Administered, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    if (request.headers.authorization !== `Bearer ${administered.token}`)
      throw new PlatformError("TP_UNAUTHORIZED", { message: "Unauthorized: /admin wants the token that the program printed at its start" });
    const answer = await act(administered, `${request.method} ${request.url}`, request);
    response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(answer));
  } catch (error) {
    const failure = toPlatformError(error);
    response.writeHead(failure.entry.http, { "Content-Type": "application/json" }).end(JSON.stringify(toStatus(failure)));
  }
}

async function act({ faults, usage, time }: Administered, call: string, request: IncomingMessage): Promise<object> {
  switch (call) {
    case "POST /admin/faults":
      faults.add(readFault(await readJson(request)));
      return {};
    case "DELETE /admin/faults":
      faults.clear();
      return {};
    case "POST /admin/usage":
      usage.set(readUsage(await readJson(request)));
      return {};
    case "DELETE /admin/usage":
      usage.clear();
      return {};
    case "POST /admin/time": {
      const { advanceMs } = (await readJson(request)) as { readonly advanceMs?: unknown };
      if (typeof advanceMs !== "number" || !(advanceMs >= 0))
        throw new PlatformError("TP_BAD_REQUEST", { message: "advanceMs: must be a number that is not negative" });
      await time.advance(advanceMs);
      return { nowMs: time.now() };
    }
    default:
      throw new PlatformError("TP_NOT_FOUND", { message: "there are POST and DELETE of /admin/faults and /admin/usage, and POST /admin/time" });
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > bodyBytesMax) throw new PlatformError("TP_TOO_LARGE", { message: `the body may have ${bodyBytesMax} bytes` });
    chunks.push(chunk as Buffer);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown;
  } catch (error) {
    throw new PlatformError("TP_BAD_REQUEST", { message: `the body is no JSON: ${(error as Error).message}` });
  }
}

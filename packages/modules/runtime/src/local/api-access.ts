import { readFile } from "node:fs/promises";
import { Agent, request } from "node:https";
import { PlatformError } from "@threeport/resource";
import { type NodeSettings, pkiPath } from "./node-config.ts";

interface ApiAnswer {
  readonly status: number;
  readonly body: string;
}

/** The few calls that starting a cluster makes, as its administrator. */
export interface ApiAccess extends Disposable {
  /** Undefined while nobody answers: the server is starting. */
  get(path: string): Promise<ApiAnswer | undefined>;
  /** Server-side apply of one object; fails with TP_LOCAL_KUBERNETES_FAILED when it is refused. */
  apply(path: string, object: object): Promise<void>;
}

/** A server that accepted the connection and says nothing is asked again after this. */
const answerDeadlineMs = 10_000;
const fieldManager = "threeport-local";

export async function openApi(settings: NodeSettings): Promise<ApiAccess> {
  const [ca, cert, key] = await Promise.all(["ca.crt", "admin.crt", "admin.key"].map((file) => readFile(pkiPath(settings, file))));
  const agent = new Agent({ keepAlive: true, ca, cert, key });
  const call = (method: string, path: string, body?: string) =>
    new Promise<ApiAnswer>((resolve, reject) => {
      const headers = body === undefined ? {} : { "content-type": "application/apply-patch+yaml" }; // JSON is YAML
      const sent = request({ agent, host: settings.plan.nodeIp, port: 6443, method, path, headers, timeout: answerDeadlineMs }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        response.once("end", () => resolve({ status: response.statusCode ?? 0, body: text }));
        response.once("error", reject);
      });
      sent.once("timeout", () => sent.destroy(new Error("no answer in time")));
      sent.once("error", reject);
      sent.end(body);
    });
  return {
    get: (path) => call("GET", path).catch(() => undefined),
    async apply(path, object) {
      const answer = await call("PATCH", `${path}?fieldManager=${fieldManager}&force=true`, JSON.stringify(object)).catch((cause: unknown) => {
        throw new PlatformError("TP_LOCAL_KUBERNETES_FAILED", { message: `The API server did not take ${path}.`, cause });
      });
      if (answer.status >= 300)
        throw new PlatformError("TP_LOCAL_KUBERNETES_FAILED", { message: `The API server refused ${path}: ${answer.body}`, detail: { status: answer.status } });
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

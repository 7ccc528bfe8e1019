import { mkdir, readFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { createClient, parseKubeconfig } from "../../packages/client/src/index.ts";
import { binariesPlace } from "../../packages/modules/runtime/src/local/index.ts";
import { systemClock, systemExec } from "../../packages/platform/src/index.ts";
import type { StoredObject } from "../../packages/resource/src/index.ts";
import { makeGatewayParts } from "./gateway-parts.ts";
import { indented } from "./demo-next-commands.ts";
import { makeShopImages } from "./shop-images.ts";

// examples/shop in the demo: what it takes is made of programs of this machine, since a local runtime pulls nothing.

/** A gateway is installed, servers start, endpoints reach every node. */
const answerMsMax = 120_000;
const callMsMax = 5_000;

export interface ShopParts {
  /** For `tptctl up --mirror`. */
  readonly mirror: string;
  /** For `tptctl runtime load-image`. */
  readonly images: readonly string[];
}

/** Makes the images of the shop, its servers and its gateway in a folder. Minutes the first time on a machine, seconds after that. */
export async function makeShopParts(
  folder: string,
  { signal, say }: { readonly signal: AbortSignal; readonly say: (line: string) => void },
): Promise<ShopParts> {
  const asked = { exec: systemExec, cacheDir: binariesPlace(process.env).cacheDir, signal, say };
  await mkdir(folder, { recursive: true });
  const gateway = await makeGatewayParts(folder, asked);
  return { mirror: gateway.mirror, images: [...gateway.images, ...(await makeShopImages(folder, asked))] };
}

export interface ShopStage {
  readonly parts: ShopParts;
  /** Of the Score files. */
  readonly folder: string;
  readonly environment: string;
  /** Of the control plane. */
  readonly home: string;
  readonly signal: AbortSignal;
  readonly tptctl: (...args: string[]) => Promise<void>;
  readonly title: (text: string) => void;
  readonly say: (line: string) => void;
}

/** From nothing to the shop's page with an order on it. */
export async function showShop({ parts, folder, environment, home, signal, tptctl, title, say }: ShopStage): Promise<void> {
  title("A control plane, a Kubernetes, and an environment on it");
  await tptctl("up", "--port", "0", "--no-hints", "--runtime", "local", "--mirror", parts.mirror);
  await Promise.all(parts.images.map((image) => tptctl("runtime", "load-image", "local", image)));
  title("A shop: two Score files, with a database, a cache, a queue, a bucket and a route");
  await tptctl("deploy", folder, "--env", environment);
  title("It answers");
  const { url, text } = await visitShop(await readFile(join(home, "admin.kubeconfig"), "utf8"), { environment, signal });
  say(`GET ${url}     # after an order of coffee\n${indented(text)}`);
  await tptctl("get", "dependencies");
}

/** Orders something, and gives the page that lists it. */
async function visitShop(
  admin: string,
  { environment, signal }: { readonly environment: string; readonly signal: AbortSignal },
): Promise<{ url: string; text: string }> {
  await using client = createClient(parseKubeconfig(admin));
  const runtime = await client.get<StoredObject & { status?: { outputs?: { entrance?: { http: number } } } }>({
    apiVersion: "threeport.io/v1alpha1",
    kind: "KubernetesRuntimeInstance",
    name: "local",
  });
  const url = `http://web-dns-default-${environment}.localhost:${runtime.status?.outputs?.entrance?.http ?? 80}/`;
  await until(isThere, () => call(url), signal);
  await until(isThere, () => call(`${url}orders`, "item=coffee"), signal);
  return { url, text: await until((text) => text?.includes("<li>coffee</li>") === true, () => call(url), signal) }; // prettier-ignore
}

const isThere = (text: string | undefined): boolean => text !== undefined;

async function until(fits: (text: string | undefined) => boolean, ask: () => Promise<string | undefined>, signal: AbortSignal): Promise<string> {
  const deadline = systemClock.monotonic() + answerMsMax;
  for (;;) {
    const text = await ask();
    if (fits(text)) return text ?? "";
    if (systemClock.monotonic() > deadline) throw new Error(`the shop did not answer as expected within ${answerMsMax / 1000} s: ${text ?? "no answer"}`);
    await systemClock.sleep(200, signal);
  }
}

/** Text of an answer below 400. Names below localhost are this machine, whatever its resolver knows of them (RFC 6761). */
function call(url: string, form?: string): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const { host, port, pathname } = new URL(url);
  const method = form === undefined ? "GET" : "POST";
  const sent = request({ host: "127.0.0.1", port, path: pathname, method, headers: { host }, timeout: callMsMax }, (answer) => {
    let text = "";
    answer.on("data", (piece) => (text += String(piece)));
    answer.once("end", () => resolve((answer.statusCode ?? 500) < 400 ? text : undefined));
  });
  sent.once("timeout", () => sent.destroy());
  sent.once("error", () => resolve(undefined));
  sent.end(form);
  return promise;
}

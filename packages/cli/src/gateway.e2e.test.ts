// Routes as their user sees them: a page by its host name over HTTP and HTTPS, through a gateway that comes with the first route, and goes after the last.
import { readFile, writeFile } from "node:fs/promises";
import { request as plainRequest } from "node:http";
import { request, type RequestOptions } from "node:https";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemExec } from "@threeport/platform";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { whatIsMissing } from "./testing/local-kubernetes.ts";
import { createTestHome, eventually, type TestHome } from "./testing/tptctl.ts";

const testMs = 600_000;
const installMs = 120_000;
const partsProgram = fileURLToPath(new URL("../../../scripts/gateway-parts.ts", import.meta.url));
const missing = await whatIsMissing();

const shop = (name: string): string => `
apiVersion: score.dev/v1b1
metadata: {name: ${name}}
service:
  ports:
    web: {port: 80, targetPort: 8080}
containers:
  web:
    image: docker.io/library/busybox:local
    command: [httpd, -f, -p, "8080", -h, /www]
    files:
      /www/index.html: {content: "this is ${name}"}
    variables: {ADDRESS: "\${resources.dns.url}"}
resources:
  dns: {type: dns}
  route:
    type: route
    params: {host: "\${resources.dns.host}", path: /, port: web}
`;

const busy = `
apiVersion: score.dev/v1b1
metadata: {name: busy}
containers:
  web:
    image: docker.io/library/busybox:local
    command: [sh, -c, "while true; do :; done"]
    resources: {requests: {cpu: 50m, memory: 16Mi}, limits: {cpu: 100m, memory: 32Mi}}
resources:
  scale: {type: horizontal-pod-autoscaler, params: {minReplicas: 1, maxReplicas: 2, targetCPUUtilizationPercentage: 50}}
`;

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly location: string | undefined;
}

function call(url: URL, options: RequestOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = { ...options, lookup: toLoopback, timeout: 5_000 };
    const sent = (url.protocol === "https:" ? request : plainRequest)(url, asked, (answer) => {
      let text = "";
      answer.on("data", (piece) => (text += String(piece)));
      answer.once("end", () => resolve({ status: answer.statusCode ?? 0, text, location: answer.headers.location }));
    });
    sent.once("timeout", () => sent.destroy(new Error("no answer")));
    sent.once("error", reject);
    sent.end();
  });
}

/** As browsers and curl take every name below localhost (RFC 6761). */
const toLoopback: NonNullable<RequestOptions["lookup"]> = (_host, options, done) => {
  if (options.all === true) done(null, [{ address: "127.0.0.1", family: 4 }]);
  else done(null, "127.0.0.1", 4);
};

describe.runIf(missing === undefined)("routes on a real cluster", () => {
  let home: TestHome;
  const ok = async (...args: string[]): Promise<string> => {
    const ran = await home.run(args);
    expect(ran, `${args.join(" ")}: ${ran.stderr}`).toMatchObject({ code: 0 });
    return ran.stdout;
  };
  beforeAll(async () => {
    home = await createTestHome();
    const out = join(home.folder, "..", "gateway");
    const made = await systemExec.run(process.execPath, [partsProgram, "--out", out]);
    expect(made, made.stderr).toMatchObject({ code: 0 });
    await ok("up", "--port", "0", "--no-hints", "--runtime", "local", "--mirror", join(out, "mirror"));
    for (const image of ["contour.tar", "envoy.tar", "metrics-server.tar"]) await ok("runtime", "load-image", "local", join(out, image));
  }, testMs);
  afterAll(() => home[Symbol.asyncDispose](), testMs);

  test(
    "a workload that is busy is scaled by the metrics that its autoscaler brings",
    async () => {
      const path = join(home.folder, "..", "busy.yaml");
      await writeFile(path, busy);
      await ok("deploy", path, "--env", "dev");
      await eventually("the second pod", async () => ((await ok("tree", "busy")).match(/Pod\/busy/g)?.length === 2 ? true : undefined), installMs);
      expect(await ok("get", "supportserviceinstances")).toMatch(/metrics\.local\s+True\s+Installed/);
      await ok("delete", "workloadinstance/busy-dev");
    },
    testMs,
  );

  test(
    "a page is reached by its host name, and the gateway goes when nothing uses it",
    async () => {
      const file = async (name: string): Promise<string> => {
        const path = join(home.folder, "..", `${name}.yaml`);
        await writeFile(path, shop(name));
        return path;
      };
      await ok("deploy", await file("shop"), "--env", "dev");
      const address = new URL(/ADDRESS=(\S+)/.exec(await ok("exec", "shop-dev", "--", "env"))?.[1] ?? "");
      expect(address.hostname).toBe("shop-dns-default-dev.localhost");
      expect(await eventually("the page", () => call(address).then((answer) => (answer.status === 200 ? answer : undefined)), installMs)).toMatchObject({
        text: "this is shop",
      });

      const { status } = JSON.parse(await ok("get", "runtime", "local", "-o", "json")) as {
        status: { outputs: { entrance: { http: number; https: number } } };
      };
      const { http, https } = status.outputs.entrance;
      expect(Number(address.port)).toBe(http);
      const secret = JSON.parse(await ok("get", "secret", "threeport-certificate-authority", "-n", "threeport-system", "-o", "json")) as {
        data: Record<string, string>;
      };
      const ca = Buffer.from(secret.data["tls.crt"] ?? "", "base64").toString();
      const secure = new URL(`https://${address.hostname}:${https}/`);
      expect(
        await eventually("the page over HTTPS", () => call(secure, { ca }).then((answer) => (answer.status === 200 ? answer : undefined)), installMs),
      ).toMatchObject({ text: "this is shop" });
      // Another host has no certificate and no route.
      await expect(call(new URL(`https://other.localhost:${https}/`), { ca })).rejects.toThrow();
      expect((await call(new URL(`http://other.localhost:${http}/`))).status).toBe(404);

      // A second workload comes to the same gateway; where HTTPS is required, HTTP leads there.
      await ok("env", "create", "safe", "--runtime", "local");
      await ok("deploy", await file("blog"), "--env", "safe");
      const blog = new URL(`http://blog-dns-default-safe.localhost:${http}/`);
      expect(await eventually("the second page", () => call(blog).then((answer) => (answer.status === 200 ? answer : undefined)), installMs)).toMatchObject({
        text: "this is blog",
      });
      expect(await ok("get", "supportserviceinstances")).toMatch(/gateway\.local\s+True\s+Installed\s+gateway\s+local\s+Installed\s+\S+\s+2\s/);
      expect(await ok("tree", "blog")).toContain("SupportServiceInstance/gateway.local");
      const inUse = await home.run(["delete", "supportserviceinstance/gateway.local"]);
      expect(inUse.stderr).toMatch(/in use.*route/s);

      await ok("delete", "workloadinstance/shop-dev");
      await ok("delete", "workloadinstance/blog-safe");
      await eventually(
        "its users to leave",
        async () => (/\sInstalled\s+\S+\s+0\s/.test(await ok("get", "supportserviceinstances")) ? true : undefined),
        installMs,
      );
      // Unused, it does not hold the cluster that it is in.
      await ok("env", "delete", "dev");
      await ok("env", "delete", "safe");
      await ok("runtime", "delete", "local");
      expect(await readFile(join(home.folder, "runtimes", "local", "kubeconfig"), "utf8").catch(() => "gone")).toBe("gone");
    },
    testMs,
  );
});

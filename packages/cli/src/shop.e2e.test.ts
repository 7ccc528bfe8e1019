// The example shop on a real cluster: every dependency of it is a server that runs, of the built-in profiles.
import { readFile, writeFile } from "node:fs/promises";
import { request as plainRequest } from "node:http";
import { request, type RequestOptions } from "node:https";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createClient, parseKubeconfig } from "@threeport/client";
import { systemExec } from "@threeport/platform";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { whatIsMissing } from "./testing/local-kubernetes.ts";
import { createTestHome, eventually, type TestHome } from "./testing/tptctl.ts";

const testMs = 600_000;
const answerMs = 120_000;
const script = (name: string): string => fileURLToPath(new URL(`../../../scripts/${name}`, import.meta.url));
const shop = ["web.yaml", "worker.yaml"].map((name) => fileURLToPath(new URL(`../../../examples/shop/${name}`, import.meta.url)));
const missing = await whatIsMissing();

/** A psql that sleeps, with what it needs to reach a database. */
const psqlWorkload = (name: string, resource: string): string => `
apiVersion: score.dev/v1b1
metadata: {name: ${name}}
containers:
  psql:
    image: docker.io/library/postgres:18-alpine
    command: [sleep, "86400"]
    variables:
      PGHOST: "\${resources.db.host}"
      # A connection that is opened while a pod ends goes to an address where nobody is, and would wait there for minutes.
      PGCONNECT_TIMEOUT: "2"
      PGPORT: "\${resources.db.port}"
      PGUSER: "\${resources.db.username}"
      PGPASSWORD: "\${resources.db.password}"
      PGDATABASE: ${resource === "postgres" ? '"${resources.db.name}"' : "postgres"}
resources:
  db: ${resource === "postgres" ? "{type: postgres}" : "{type: postgres-instance, id: shared}"}
`;

/** A database that is there already, as operations would say it. */
const companyPostgres = (host: string): string => `
apiVersion: v1
kind: Secret
metadata: {name: company-postgres, namespace: default}
stringData: {password: of-the-company}
---
apiVersion: threeport.io/v1alpha1
kind: DependencyProfile
metadata: {name: company-postgres}
spec:
  type: postgres
  match: {tiers: [production]}
  provisioner: {static: {}}
  outputs:
    host: {value: ${host}}
    port: {value: 5432}
    name: {value: company}
    database: {value: company}
    username: {value: company}
    password: {secretRef: {namespace: default, name: company-postgres, key: password}}
`;

/** As browsers and curl take every name below localhost (RFC 6761). */
const toLoopback: NonNullable<RequestOptions["lookup"]> = (_host, options, done) => {
  if (options.all === true) done(null, [{ address: "127.0.0.1", family: 4 }]);
  else done(null, "127.0.0.1", 4);
};

/** Text of an answer below 400; undefined for others, and where nobody answers. */
function call(address: string, { ca, form }: { readonly ca?: string; readonly form?: string } = {}): Promise<string | undefined> {
  const url = new URL(address);
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const method = form === undefined ? "GET" : "POST";
  const sent = (url.protocol === "https:" ? request : plainRequest)(url, { method, ca, lookup: toLoopback, timeout: 8_000 }, (answer) => {
    let text = "";
    answer.on("data", (piece) => (text += String(piece)));
    answer.once("end", () => resolve((answer.statusCode ?? 500) < 400 ? text : undefined));
  });
  sent.once("timeout", () => sent.destroy());
  sent.once("error", () => resolve(undefined));
  sent.end(form);
  return promise;
}

describe.runIf(missing === undefined)("the example shop on a real cluster", () => {
  let home: TestHome;
  let mirror = "";
  const ok = async (...args: string[]): Promise<string> => {
    const ran = await home.run(args);
    expect(ran, `${args.join(" ")}: ${ran.stderr}`).toMatchObject({ code: 0 });
    return ran.stdout;
  };
  const file = async (name: string, text: string): Promise<string> => {
    const path = join(home.folder, "..", name);
    await writeFile(path, text);
    return path;
  };
  const up = (): Promise<string> => ok("up", "--port", "0", "--no-hints", "--runtime", "local", "--mirror", mirror);
  const read = async <T>(...args: string[]): Promise<T> => JSON.parse(await ok("get", ...args, "-o", "json")) as T;
  const psql = (instance: string, ...args: string[]) => home.run(["exec", instance, "--", "psql", "-At", ...args]);
  const pageWith = (address: string, expected: RegExp, options = {}): Promise<string> =>
    eventually(
      `${String(expected)} on the page of ${address}`,
      async () => {
        const page = await call(address, options);
        return page !== undefined && expected.test(page) ? page : undefined;
      },
      answerMs,
    );

  beforeAll(async () => {
    home = await createTestHome();
    const out = join(home.folder, "..", "parts");
    mirror = join(out, "mirror");
    const makeParts = async (name: string): Promise<void> => {
      const made = await systemExec.run(process.execPath, [script(name), "--out", out]);
      expect(made, made.stderr).toMatchObject({ code: 0 });
    };
    await makeParts("gateway-parts.ts"); // the mirror must be there before the control plane is
    await Promise.all([makeParts("shop-parts.ts"), up()]);
    const images = ["contour", "envoy", "postgres", "redis", "rabbitmq", "versitygw", "shop"];
    await Promise.all(images.map((image) => ok("runtime", "load-image", "local", join(out, `${image}.tar`))));
  }, testMs);
  afterAll(() => home[Symbol.asyncDispose](), testMs);

  test(
    "one command brings it with all that it needs; what it wrote outlives pods and clusters; other apps and environments share it or stay apart; deleting leaves nothing",
    async () => {
      expect(await ok("deploy", ...shop, "--env", "dev")).toMatch(/web-dev is ready: release web-1(?:.*\n)*.*worker-dev is ready: release worker-1/);
      let { http, https } = await entrance();
      let page = `http://web-dns-default-dev.localhost:${http}/`;
      expect(await ok("exec", "web-dev", "--", "sh", "-c", "echo $ADDRESS")).toContain(page.slice(0, -1));
      expect(await pageWith(page, /Visits: \d/)).not.toContain("<li>coffee</li>");

      // The page stores a receipt in the bucket and tells the queue; the worker writes the row.
      expect(await call(`${page}orders`, { form: "item=coffee" })).toBe("");
      const first = await pageWith(page, /Orders that the worker has written: 1\.(?:.|\n)*<li>coffee<\/li>/);
      expect(first.match(/<li>[0-9a-f-]{36}\.txt<\/li>/g)).toHaveLength(1);
      const secret = await read<{ data: Record<string, string> }>("secret", "threeport-certificate-authority", "-n", "threeport-system");
      const ca = Buffer.from(secret.data["tls.crt"] ?? "", "base64").toString();
      const secure = await pageWith(`https://web-dns-default-dev.localhost:${https}/`, /<li>coffee<\/li>/, { ca });
      const visits = (text: string): number => Number(/Visits: (\d+)/.exec(text)?.[1]);
      expect(visits(secure)).toBeGreaterThan(visits(first));

      // A second app on the same server has a database of its own, and the server keeps it out of the first one.
      await ok(
        "deploy",
        await file("admin.yaml", psqlWorkload("admin", "postgres-instance")),
        await file("blog.yaml", psqlWorkload("blog", "postgres")),
        "--env",
        "dev",
      );
      expect((await psql("blog-dev", "-c", "SELECT current_user, current_database()")).stdout).toBe("blog-db-postgres|blog-db-postgres\n");
      expect((await psql("admin-dev", "-d", "shop-postgres", "-c", "SELECT item FROM orders")).stdout).toBe("coffee\n");
      const refused = await psql("blog-dev", "-d", "shop-postgres", "-c", "SELECT item FROM orders");
      expect(refused).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining('permission denied for database "shop-postgres"') as string });
      const users = (await read<{ status: { users: string[] } }>("dependency", "dev.postgres-instance.shared")).status.users;
      expect(users).toHaveLength(3);

      // The pod of the database goes; what was written is there when the next one is.
      const server = (await read<{ status: { outputs: { values: { host: string } } } }>("dependency", "dev.postgres-instance.shared")).status.outputs.values
        .host;
      const started = (await psql("admin-dev", "-c", "SELECT pg_postmaster_start_time()")).stdout;
      await deletePod(`${server.split(".")[0]}-0`);
      await eventually("another process of the database", async () => {
        const { code, stdout } = await psql("admin-dev", "-c", "SELECT pg_postmaster_start_time()");
        return code === 0 && stdout !== started ? true : undefined;
      }, answerMs); // prettier-ignore
      await pageWith(page, /<li>coffee<\/li>/);

      // All of it ends, and comes back with its data.
      await ok("down");
      await up();
      ({ http, https } = await entrance()); // the ports that are free now
      page = `http://web-dns-default-dev.localhost:${http}/`;
      expect(visits(await pageWith(page, /<li>coffee<\/li>(?:.|\n)*<li>[0-9a-f-]{36}\.txt<\/li>/))).toBeGreaterThan(visits(secure));
      await eventually("the worker to work again", async () => {
        await call(`${page}orders`, { form: "item=tea" });
        return /<li>tea<\/li>/.test((await call(page)) ?? "") ? true : undefined;
      }, answerMs); // prettier-ignore

      // The same files where operations say another database: that one is used, and nothing is made for it.
      await ok("wait", "workloadinstance/admin-dev", "--for=condition=Ready", "--timeout=90s");
      await ok("apply", "-f", await file("company.yaml", companyPostgres(server)));
      for (const sql of ["CREATE ROLE company LOGIN PASSWORD 'of-the-company'", "CREATE DATABASE company OWNER company"])
        expect(await psql("admin-dev", "-c", sql)).toMatchObject({ code: 0 });
      await ok("env", "create", "prod", "--runtime", "local", "--tier", "production");
      await ok("deploy", ...shop, "--env", "prod");
      const profile = await read<{ spec: { profile: string } }>("dependency", "prod.postgres.shop");
      expect(profile.spec.profile).toBe("company-postgres");
      const prodPage = `https://web-dns-default-prod.localhost:${https}/`;
      expect(await pageWith(prodPage, /Visits: 1\./, { ca })).not.toMatch(/coffee|tea<\/li>/);
      await call(`${prodPage}orders`, { ca, form: "item=water" });
      await pageWith(prodPage, /<li>water<\/li>/, { ca });
      expect((await psql("admin-dev", "-d", "company", "-c", "SELECT item FROM orders")).stdout).toBe("water\n");
      expect(await call(page)).not.toContain("water");

      // What nobody uses goes: dependencies with their environment, then the gateway, then the cluster.
      await ok("env", "delete", "prod", "--cascade");
      await ok("env", "delete", "dev", "--cascade");
      expect(await ok("get", "dependencies")).not.toMatch(/^(?:dev|prod)\./m);
      await eventually("the gateway to be unused", async () => (/\sInstalled\s+\S+\s+0\s/.test(await ok("get", "supportserviceinstances")) ? true : undefined));
      await ok("delete", "supportserviceinstance/gateway.local");
      await ok("runtime", "delete", "local");
      expect(await readFile(join(home.folder, "runtimes", "local", "kubeconfig"), "utf8").catch(() => "gone")).toBe("gone");
    },
    testMs,
  );

  async function entrance(): Promise<{ readonly http: number; readonly https: number }> {
    return (await read<{ status: { outputs: { entrance: { http: number; https: number } } } }>("runtime", "local")).status.outputs.entrance;
  }

  async function deletePod(name: string): Promise<void> {
    const kept = await read<{ data: { kubeconfig: string } }>("secret", "runtime-local", "-n", "threeport-system");
    await using cluster = createClient(parseKubeconfig(Buffer.from(kept.data.kubeconfig, "base64").toString("utf8")));
    await cluster.delete({ apiVersion: "v1", kind: "Pod", namespace: "default-dev", name });
  }
});

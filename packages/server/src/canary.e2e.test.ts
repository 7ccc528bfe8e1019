// I13: secret values are planted in every place that may hold one; then everything happens to them that goes wrong, and everything that anybody can read is searched.
import { readdir, readFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemExec } from "@threeport/platform";
import { parseKubeconfig, type ConnectionConfig } from "@threeport/client";
import { configMap, describeWithKubernetes, startApiServer, type TestApiServer } from "@threeport/cluster/testing";
import { until } from "@threeport/engine/testing";
import type { KubeObject } from "@threeport/resource";
import { openDatabase, type ConnectionOptions } from "@threeport/store";
import { runningEmbedded } from "@threeport/store/embedded";
import { createCanaries } from "./testing/canaries.ts";
import { anywhere, definition, environment, instance } from "./testing/documents.ts";
import { openServerHome, type ServerHome } from "./testing/server-process.ts";

const namespace = "/api/v1/namespaces/default";
const ours = "/apis/threeport.io/v1alpha1";
/** Secrets are there to be read, by who may read Secrets. */
const carriers = /\/secrets(\/[^/?]+)?(\?.*)?$/;
/** May read everything but Secrets. */
const reader = { "impersonate-user": "reader" };

interface Answer {
  readonly call: string;
  readonly status: number;
  readonly text: string;
}

describeWithKubernetes("I13: secrets", () => {
  const canaries = createCanaries();
  const lines: string[] = [];
  const answers: Answer[] = [];
  let cluster: TestApiServer;
  let home: ServerHome;
  let access: ConnectionConfig;

  beforeAll(async () => {
    [cluster, home] = await Promise.all([
      startApiServer({ controllers: ["namespace", "clusterrole-aggregation"] }),
      openServerHome({ env: { THREEPORT_VERBOSE: "true" }, onLine: (line) => lines.push(line) }),
    ]);
    await home.start().ready;
    access = parseKubeconfig(await readFile(join(home.folder, "admin.kubeconfig"), "utf8"));
  });
  afterAll(async () => {
    await home?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  /** One request as anybody may send it; what comes back, headers included, is kept. */
  async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const url = new URL(path, access.server);
    const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
    const answer = await new Promise<Answer>((resolve, reject) => {
      const sent = request(
        url,
        {
          method,
          ca: access.caData,
          headers: { authorization: `Bearer ${access.token ?? ""}`, "content-type": "application/json", ...lengthOf(text), ...headers },
        },
        (response) => {
          let received = JSON.stringify(response.headers);
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => (received += chunk));
          response.on("end", () => resolve({ call: `${method} ${path}`, status: response.statusCode ?? 0, text: received }));
        },
      );
      sent.on("error", reject);
      sent.end(text);
    });
    answers.push(answer);
    return answer;
  }

  async function refused(...args: Parameters<typeof call>): Promise<void> {
    const answer = await call(...args);
    expect(answer.status, `${answer.call}: ${answer.text.slice(0, 300)}`).toBeGreaterThanOrEqual(400);
  }

  async function done(...args: Parameters<typeof call>): Promise<Answer> {
    const answer = await call(...args);
    expect(answer.status, `${answer.call}: ${answer.text.slice(0, 300)}`).toBeLessThan(300);
    return answer;
  }

  const secret = (name: string, content: object): KubeObject => ({ apiVersion: "v1", kind: "Secret", metadata: { name, namespace: "default" }, ...content });
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const json = (type: string) => ({ "content-type": `application/${type}+json` });

  test(
    "planted in Secrets, kubeconfigs, definitions, sets, tokens and keys, they stand in no error, event, status, log, metric, table, dump, file or backup",
    { timeout: 120_000 },
    async () => {
      await secretsOfPeople();
      await kubeconfigs();
      await workloads();
      await strangers();
      await readers();
      await tokens();
      await generalAnswers();

      const leaks: string[] = [];
      const search = (where: string, content: string | Uint8Array): void => {
        for (const name of canaries.find(content)) leaks.push(`${name} in ${where}`);
      };
      await ownSecrets();
      for (const { call: said, status, text } of answers)
        if (status >= 300 || !carriers.test(said)) search(`the answer to ${said} (${status}: ${text.slice(0, 500)})`, text);
      for (const line of lines) search("the server's log", line);
      for (const path of ["events", "configmaps", "namespaces"]) search(path, (await call("GET", `/api/v1/${path}`)).text);
      for (const kind of ["workloadinstances", "releases", "environments", "kubernetesruntimeinstances"])
        search(kind, (await call("GET", `${ours}/${kind}`)).text);
      for (const kind of ["/api/v1/secrets", `${ours}/workloaddefinitions`, `${ours}/resourcesets`]) {
        search(`the table of ${kind}`, (await call("GET", kind, undefined, { accept: "application/json;as=Table;g=meta.k8s.io;v=v1" })).text);
        search(
          `the metadata of ${kind}`,
          (await call("GET", kind, undefined, { accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1" })).text,
        );
      }
      for (const { path, content } of await database()) search(path, content);
      const file = join(home.folder, "backup.gz");
      const backup = await systemExec.run(process.execPath, [join(import.meta.dirname, "main.ts"), "backup", file, "--home", home.folder], {
        env: { DATABASE_URL: undefined },
      });
      expect(backup.code, backup.stderr).toBe(0);
      search("what the backup says", backup.stdout + backup.stderr);
      search("the backup", gunzipSync(await readFile(file)));
      for (const path of await filesOf(home.folder)) {
        if (path.startsWith(join(home.folder, "keys")) || path.endsWith(".kubeconfig") || path.endsWith("password")) continue;
        search(path, await readFile(path).catch(() => "")); // files come and go under a running database
      }
      expect(leaks.join("\n")).toBe("");
      const plain = await done("GET", `${namespace}/secrets/plain`);
      expect(canaries.find(plain.text), `else the search finds nothing at all: ${plain.text}`).toContain("a value in data");
      expect(answers.length).toBeGreaterThan(60);
      expect(lines.length).toBeGreaterThan(0);
    },
  );

  /** Everything that can be done to a Secret, and everything that can be wrong with it. */
  async function secretsOfPeople(): Promise<void> {
    const [one, two, three] = [canaries.plant("a value in data"), canaries.plant("a value in stringData"), canaries.plant("a value in a patch")];
    const wrong = canaries.plant("a value in a refused write");
    const path = `${namespace}/secrets`;
    await done("POST", path, secret("plain", { data: { password: base64(one) }, stringData: { other: two } }));
    await done("PATCH", `${path}/plain`, { stringData: { third: three } }, json("merge-patch"));
    await done("PATCH", `${path}/plain`, [{ op: "add", path: "/data/fourth", value: base64(three) }], json("json-patch"));
    await done("POST", `${path}?dryRun=All`, secret("dry", { stringData: { a: one } }));
    await refused("POST", path, secret("plain", { stringData: { a: wrong } }));
    await refused("POST", path, secret("not-encoded", { data: { a: wrong } }));
    await refused("POST", path, secret("Not_A_Name", { stringData: { a: wrong } }));
    await refused("POST", path, secret("wrong-type", { data: { a: [wrong] }, stringData: { a: { b: wrong } } }));
    await refused("POST", path, secret("wrong-key", { stringData: { "no key/..": wrong } }));
    await refused("POST", `${path}?fieldValidation=Strict`, secret("unknown", { stringDatas: { a: wrong }, data: { a: base64(wrong) } }));
    await done("POST", `${path}?fieldValidation=Warn`, secret("warned", { stringDatas: { a: wrong } }));
    await refused("POST", path, `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"broken"},"stringData":{"a":"${wrong}`);
    await refused("POST", path, `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"broken"},"stringData":{"a":"${wrong}"}}}}`);
    await refused("POST", "/api/v1/namespaces/nowhere/secrets", {
      ...secret("lost", { stringData: { a: wrong } }),
      metadata: { name: "lost", namespace: "nowhere" },
    });
    await refused("PUT", `${path}/plain`, {
      ...secret("plain", { stringData: { a: wrong } }),
      metadata: { name: "plain", namespace: "default", resourceVersion: "2" },
    });
    await refused("PUT", `${path}/plain`, { ...secret("other-name", { stringData: { a: wrong } }) });
    await refused("PATCH", `${path}/plain`, [{ op: "test", path: "/data/password", value: base64(wrong) }], json("json-patch"));
    await refused("PATCH", `${path}/plain`, [{ op: "replace", path: "/data/nothing/x", value: wrong }], json("json-patch"));
    await refused("PATCH", `${path}/plain`, { data: { a: [wrong] } }, json("merge-patch"));
    await refused("PATCH", `${path}/plain`, { data: { a: wrong } }, json("strategic-merge-patch"));
    await refused("PATCH", `${path}/plain?fieldManager=other`, secret("plain", { data: { password: base64(wrong) } }), {
      "content-type": "application/apply-patch+yaml",
    });
    await done("PATCH", `${path}/applied?fieldManager=one`, secret("applied", { stringData: { a: one } }), { "content-type": "application/apply-patch+yaml" });
    await done("POST", path, secret("fixed", { immutable: true, stringData: { a: one } }));
    await refused("PATCH", `${path}/fixed`, { stringData: { a: wrong } }, json("merge-patch"));
    await done(
      "POST",
      path,
      secret("short-lived", { stringData: { a: two }, metadata: { name: "short-lived", namespace: "default", finalizers: ["example.com/later"] } }),
    );
    await done("DELETE", `${path}/short-lived`);
    await refused("DELETE", `${path}/plain`, { kind: "DeleteOptions", apiVersion: "v1", preconditions: { uid: "another" } });
    await done("PATCH", `${path}/short-lived`, { metadata: { finalizers: null } }, json("merge-patch"));
    await done("GET", `${path}?labelSelector=a%3Db`);
    await refused("GET", `${path}?fieldSelector=data.password%3D${wrong}`);
  }

  async function kubeconfigs(): Promise<void> {
    const token = canaries.plant("a token in a kubeconfig");
    const away = JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      "current-context": "c",
      clusters: [{ name: "c", cluster: { server: "https://127.0.0.1:1" } }],
      users: [{ name: "c", user: { token } }],
      contexts: [{ name: "c", context: { cluster: "c", user: "c" } }],
    });
    const exec = away.replace(`"token":"${token}"`, `"exec":{"apiVersion":"client.authentication.k8s.io/v1","command":"${token}"}`);
    await refused("POST", `${namespace}/secrets`, secret("kubeconfig-exec", { stringData: { kubeconfig: exec } }));
    await refused("POST", `${namespace}/secrets`, secret("kubeconfig-broken", { stringData: { kubeconfig: `${away.slice(0, -3)}` } }));
    await done("POST", `${namespace}/secrets`, secret("kubeconfig-away", { stringData: { kubeconfig: away } }));
    await done("POST", `${namespace}/secrets`, secret("kubeconfig-one", { stringData: { kubeconfig: cluster.kubeconfig } }));
    for (const name of ["away", "one"])
      await done("POST", `${ours}/kubernetesruntimeinstances`, {
        apiVersion: "threeport.io/v1alpha1",
        kind: "KubernetesRuntimeInstance",
        metadata: { name },
        spec: { provider: "kubeconfig", kubeconfig: { secretRef: { namespace: "default", name: `kubeconfig-${name}` } } },
      });
    await said(`${ours}/kubernetesruntimeinstances/away`, /Unreachable/);
    await said(`${ours}/kubernetesruntimeinstances/one`, /"type":"Ready","status":"True"|"status":"True"[^}]*"type":"Ready"/);
  }

  /** Secret documents inside of workloads: deployed, refused by the cluster, changed, taken away. */
  async function workloads(): Promise<void> {
    const [value, wrong] = [canaries.plant("a Secret document of a workload"), canaries.plant("a Secret document that the cluster refuses")];
    const document = (name: string, content: object): KubeObject => anywhere(secret(name, content));
    await done("POST", `${ours}/environments`, { ...environment("dev", "one"), spec: { runtime: "one" } });
    await done(
      "POST",
      `${ours}/namespaces/default/workloaddefinitions`,
      definition("good", [document("good", { stringData: { a: value } }), anywhere(configMap("", "good"))]),
    );
    await done("POST", `${ours}/namespaces/default/workloadinstances`, instance("good", "good"));
    const bad = definition("bad", [
      document("bad", { type: "kubernetes.io/tls", stringData: { "tls.key": wrong } }),
      document("worse", { data: { a: wrong } }),
    ]);
    const posted = await call("POST", `${ours}/namespaces/default/workloaddefinitions`, bad);
    if (posted.status < 300) {
      await done("POST", `${ours}/namespaces/default/workloadinstances`, instance("bad", "bad"));
      await said(`${ours}/namespaces/default/workloadinstances/bad`, /"reason":"(?!Progressing|Reconciling)[A-Z]/);
    }
    await refused(
      "POST",
      `${ours}/namespaces/default/workloaddefinitions`,
      definition("broken", [{ kind: "Secret", stringData: { a: wrong } } as unknown as KubeObject]),
    );
    await refused("POST", `${ours}/namespaces/default/resourcesets`, {
      apiVersion: "threeport.io/v1alpha1",
      kind: "ResourceSet",
      metadata: { name: "broken", namespace: "default" },
      spec: { runtime: "one", objects: [{ apiVersion: "v1", kind: "Secret", stringData: { a: wrong } }] },
    });
    await said(`${ours}/namespaces/default/workloadinstances/good`, /"status":"True"/);
    await call("GET", `${ours}/namespaces/default/workloadinstances/good/tree`);
    await call("PATCH", `${ours}/namespaces/default/workloaddefinitions/good`, { spec: { source: { manifests: { objects: wrong } } } }, json("merge-patch"));
    await call("PATCH", `${ours}/namespaces/default/workloaddefinitions/good`, { spec: { unknown: wrong } }, json("merge-patch"));
    await done("DELETE", `${ours}/namespaces/default/workloadinstances/good`);
  }

  /** Credentials that are none. */
  async function strangers(): Promise<void> {
    const token = canaries.plant("a bearer token that nobody knows");
    for (const authorization of [`Bearer ${token}`, `Basic ${Buffer.from(`admin:${token}`).toString("base64")}`, token, `Bearer ${token} ${token}`])
      await refused("GET", `${namespace}/secrets`, undefined, { authorization });
    await refused("GET", `${namespace}/configmaps/x`, undefined, { "impersonate-user": "nobody", authorization: `Bearer ${token}` });
  }

  /** Somebody who may read everything but Secrets, in all the ways that there are. */
  async function readers(): Promise<void> {
    const rbac = "/apis/rbac.authorization.k8s.io/v1";
    const resources = [
      "configmaps",
      "events",
      "serviceaccounts",
      "namespaces",
      "workloaddefinitions",
      "workloadinstances",
      "releases",
      "resourcesets",
      "environments",
      "kubernetesruntimeinstances",
    ];
    const inCore = resources.slice(0, 4);
    const below = ["workloadinstances/tree", "workloadinstances/log", "resourcesets/inventory"];
    await done("POST", `${rbac}/clusterroles`, {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name: "reader" },
      rules: [{ apiGroups: ["", "threeport.io", "events.k8s.io"], resources: [...resources, ...below], verbs: ["get", "list", "watch"] }],
    });
    await done("POST", `${rbac}/clusterrolebindings`, {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: "reader" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "reader" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "reader" }],
    });
    await until("the rights of the reader", async () => (await call("GET", `${namespace}/configmaps`, undefined, reader)).status === 200);
    const forms = [
      "application/json",
      "application/yaml",
      "application/json;as=Table;g=meta.k8s.io;v=v1",
      "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
    ];
    const asked = forms.flatMap((accept) =>
      resources.flatMap((resource) => {
        const path = `${inCore.includes(resource) ? "/api/v1" : ours}/${resource}`;
        return [path, `${path}?watch=true&resourceVersion=1&timeoutSeconds=1`].map((each) => call("GET", each, undefined, { ...reader, accept }));
      }),
    );
    await Promise.all(asked);
    for (const path of ["workloaddefinitions/good", "workloadinstances/bad", "workloadinstances/bad/tree", "resourcesets/good", "resourcesets/good/inventory"])
      await call("GET", `${ours}/namespaces/default/${path}`, undefined, reader);
    for (const path of [`${namespace}/secrets`, `${namespace}/secrets/plain`, `${namespace}/secrets?watch=true`]) await refused("GET", path, undefined, reader);
    await refused("PATCH", `${namespace}/secrets/plain`, { stringData: { a: "b" } }, { ...json("merge-patch"), ...reader });
  }

  /** A token that the product makes is shown once, to who asked for it. */
  async function tokens(): Promise<void> {
    await done("POST", `${namespace}/serviceaccounts`, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "ci", namespace: "default" } });
    const made = await done("POST", `${namespace}/serviceaccounts/ci/token`, { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} });
    answers.splice(answers.indexOf(made), 1);
    const token = /"token":"([^"]+)"/.exec(made.text)?.[1] ?? "";
    expect(token.length).toBeGreaterThan(100);
    canaries.watch("a token of a service account", token);
    await call("GET", `${namespace}/configmaps`, undefined, { authorization: `Bearer ${token}` });
    await refused("GET", `${namespace}/configmaps`, undefined, { authorization: `Bearer ${token.slice(0, -3)}xyz` });
  }

  async function generalAnswers(): Promise<void> {
    for (const path of ["/metrics", "/readyz", "/livez", "/version", "/api", "/apis", "/openapi/v3", "/openapi/v2", "/nowhere"]) await call("GET", path);
  }

  /** What the product made itself. */
  async function ownSecrets(): Promise<void> {
    canaries.watch("the administrator's token", access.token ?? "");
    canaries.watch("the key-encryption key", (await readFile(join(home.folder, "keys", "key-encryption-key"), "utf8")).trim());
    for (const name of ["ca", "server"]) {
      const { privateKeyPem } = JSON.parse(await readFile(join(home.folder, "keys", `${name}.json`), "utf8")) as { privateKeyPem: string };
      canaries.watch(`the private key of ${name}`, privateKeyPem.split("\n")[1] ?? "");
    }
  }

  async function said(path: string, pattern: RegExp): Promise<void> {
    await until(`${path} to say ${String(pattern)}`, async () => {
      const { text } = await call("GET", path);
      if (!pattern.test(text)) throw new Error(text.slice(-600));
      return true;
    });
  }

  /** Every row of every table as text, as a dump would have it. */
  async function database(): Promise<{ path: string; content: string }[]> {
    const connection = await runningEmbedded(join(home.folder, "database"), systemExec);
    if (connection === undefined) throw new Error("the database does not run");
    await using opened = openDatabase(connection as ConnectionOptions, { connectionsMax: 1 });
    const query = (text: string) => opened.query<{ text: string }>({ name: "", text }, []);
    const tables = await query("SELECT quote_ident(tablename) AS text FROM pg_tables WHERE schemaname = 'public'");
    const dumps: { path: string; content: string }[] = [];
    for (const { text: table } of tables) {
      const rows = await query(`SELECT t::text AS text FROM ${table} t`);
      const content = rows.map(({ text }) => text).join("\n");
      // What stands in bytea is hexadecimal: opened too, for a value may be encoded inside.
      dumps.push(
        { path: `table ${table}`, content },
        { path: `bytes of table ${table}`, content: content.replaceAll(/\\x([0-9a-f]+)/g, (_, hex: string) => Buffer.from(hex, "hex").toString("latin1")) },
      );
    }
    return dumps;
  }

  async function filesOf(folder: string): Promise<string[]> {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  }
});

/** Node sends the body of a DELETE without saying where it ends. */
function lengthOf(text: string | undefined): Record<string, string> {
  return text === undefined ? {} : { "content-length": String(Buffer.byteLength(text)) };
}

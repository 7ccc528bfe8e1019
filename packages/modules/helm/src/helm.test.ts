// Charts through the real helm: what they render to, and what is said when they do not.
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createFetcher } from "@threeport/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { KubeObject } from "@threeport/resource";
import type { Chart } from "./chart.ts";
import type { Helm } from "./helm.ts";
import { describeWithHelm, packChart, testHelm, type ChartFiles } from "./testing/index.ts";

const { signal } = new AbortController();

describeWithHelm("charts", () => {
  let mirror: string;
  let helm: Helm & AsyncDisposable;
  beforeAll(async () => {
    mirror = await mkdtemp(join(tmpdir(), "threeport-charts-"));
    helm = await testHelm({ fetcher: createFetcher({ mirror }) });
  });
  afterAll(async () => {
    await helm?.[Symbol.asyncDispose]();
    await rm(mirror, { recursive: true, force: true });
  });

  const publish = async (path: string, content: string | Buffer): Promise<void> => {
    await mkdir(dirname(join(mirror, path)), { recursive: true });
    await writeFile(join(mirror, path), content);
  };
  const archive = async (files: ChartFiles): Promise<Chart> => ({ archive: (await packChart("web", files)).toString("base64") });
  const render = async (chart: Chart, values: Record<string, unknown> = {}, more: { apiVersions?: readonly string[]; kubeVersion?: string } = {}) =>
    helm.render(
      { chart: await helm.pin(chart, signal), release: "shop", namespace: "default-dev", values, kubeVersion: "v1.36.4", apiVersions: [], ...more },
      signal,
    );
  const objectsOf = async (...args: Parameters<typeof render>): Promise<readonly KubeObject[]> => {
    const rendered = await render(...args);
    if ("problem" in rendered) throw new Error(rendered.problem);
    return rendered.objects;
  };
  const problemOf = async (...args: Parameters<typeof render>): Promise<string> => {
    const rendered = await render(...args);
    return "problem" in rendered ? rendered.problem : JSON.stringify(rendered.objects);
  };
  const configMap = (name: string, data: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  ${data}\n`;

  test("values, the release, the namespace and what the cluster can do reach the templates; definitions of kinds come along", async () => {
    const chart = await archive({
      "values.yaml": "greeting: hello\nport: 80\n",
      "crds/things.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.com}\n",
      "templates/a.yaml": configMap(
        "{{ .Release.Name }}",
        `text: "{{ .Values.greeting }} {{ .Values.port }} {{ .Release.Namespace }} {{ .Capabilities.KubeVersion.Minor }} {{ .Capabilities.APIVersions.Has "example.com/v1" }}"`,
      ),
      "templates/b.yaml": `apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ServiceAccount, metadata: {name: robot}}\n`,
      "templates/none.yaml": "{{- if .Values.never }}\nkind: Nothing\n{{- end }}\n",
    });
    const objects = await objectsOf(chart, { port: 8080 }, { apiVersions: ["example.com/v1"] });
    expect(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
      "CustomResourceDefinition things.example.com",
      "ConfigMap shop",
      "ServiceAccount robot",
    ]);
    expect(objects[1]?.["data"]).toEqual({ text: "hello 8080 default-dev 36 true" });
  });

  test("hooks become waves: earlier ones, later ones, and none for tests; a Job is another one when it says something else", async () => {
    const job = (name: string, hook: string, text: string, more = ""): string =>
      `apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: ${name}\n  annotations: {helm.sh/hook: "${hook}"${more}}\nspec:\n  ttlSecondsAfterFinished: 5\n  template: {spec: {containers: [{name: a, image: "${text}"}]}}\n`;
    const chart = await archive({
      "values.yaml": "image: a:1\n",
      "templates/a.yaml": job("migrate", "pre-install,pre-upgrade", "{{ .Values.image }}", ', helm.sh/hook-weight: "-5"'),
      "templates/b.yaml": job("announce", "post-install", "b", ', helm.sh/hook-delete-policy: hook-succeeded, keep: "yes"'),
      "templates/c.yaml": job("check", "test", "c"),
      "templates/d.yaml": job("leave", "pre-delete", "d"),
      "templates/e.yaml": `${configMap("kept", "a: b").replace("  name: kept", "  name: kept\n  annotations: {helm.sh/resource-policy: keep}")}`,
    });
    const first = await objectsOf(chart);
    const migrate = first.find(({ metadata }) => metadata.name.startsWith("migrate-"));
    const announce = first.find(({ metadata }) => metadata.name.startsWith("announce-"));
    expect(first).toHaveLength(3);
    expect(migrate?.metadata.annotations).toEqual({ "threeport.io/wave": "-10005" });
    expect(migrate?.["spec"]).not.toHaveProperty("ttlSecondsAfterFinished");
    expect(announce?.metadata.annotations).toEqual({ keep: "yes", "threeport.io/wave": "10000" });
    expect(first.find(({ metadata }) => metadata.name === "kept")?.metadata.annotations).toMatchObject({ "threeport.io/deletion-policy": "orphan" });
    const second = await objectsOf(chart, { image: "a:2" });
    const names = (objects: readonly KubeObject[]): string[] => objects.map(({ metadata }) => metadata.name);
    expect(names(second).filter((name) => !names(first).includes(name))).toEqual([expect.stringMatching(/^migrate-[0-9a-f]{8}$/)]);
  });

  test.each<[string, ChartFiles, RegExp]>([
    ["a template that fails", { "templates/a.yaml": `{{ fail "set values.host" }}` }, /web\/templates\/a\.yaml:1:3.*set values\.host/s],
    ["values against the schema", { "values.schema.json": `{"required": ["host"]}` }, /missing property 'host'/],
    [
      "a dependency that is not packed",
      { "Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies: [{name: redis, version: 1.0.0, repository: 'https://x.invalid'}]\n" },
      /redis/,
    ],
    ["another Kubernetes", { "Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\nkubeVersion: '>=1.99.0'\n" }, /kubeVersion: >=1\.99\.0/],
    ["no object", { "templates/a.yaml": "just: data\n" }, /no Kubernetes object.*just/],
    ["no YAML", { "templates/a.yaml": configMap("a", "b: [") }, /chart in the definition|YAML|yaml/],
    ["chance", { "templates/a.yaml": configMap("dice", "a: {{ randAlphaNum 20 }}") }, /gives another ConfigMap dice each time.*values/],
    ["too much", { "templates/a.yaml": `{{ range until 100000 }}# {{ repeat 100 "x" }}\n{{ end }}` }, /more than 4 MiB/],
  ])("%s is told", async (_, files, says) => {
    expect(await problemOf(await archive(files))).toMatch(says);
  });

  test("a template cannot look at this machine or its network", async () => {
    const chart = await archive({
      "templates/a.yaml": configMap("a", `a: "{{ getHostByName "localhost" }}{{ .Files.Get "/etc/hostname" }}{{ lookup "v1" "Secret" "default" "a" }}"`),
    });
    expect((await objectsOf(chart))[0]?.["data"]).toEqual({ a: "map[]" });
    expect(await problemOf(await archive({ "templates/b.yaml": `{{ env "HOME" }}` }))).toMatch(/function "env" not defined/);
  });

  test("a repository with an index, one of a registry, and an address: had once, by digest", async () => {
    const content = await packChart("web", { "templates/a.yaml": configMap("a", "b: c") }, "1.2.3+build");
    const sha256 = createHash("sha256").update(content).digest("hex");
    const entry = (version: string, digest: string): string =>
      `  - apiVersion: v2\n    name: web\n    version: ${version}\n    digest: ${digest}\n    urls:\n    - files/web.tgz\n`;
    await publish(
      "charts.example.com/stable/index.yaml",
      `apiVersion: v1\nentries:\n  other:\n  - name: other\n    version: 1.2.3+build\n    urls: [x]\n  web:\n${entry("2.0.0", "0".repeat(64))}${entry("1.2.3+build", sha256)}generated: "2026"\n`,
    );
    await publish("charts.example.com/stable/files/web.tgz", content);
    const indexed = { repository: "https://charts.example.com/stable/", name: "web" };
    expect(await helm.pin({ ...indexed, version: "1.2.3+build" }, signal)).toMatchObject({ sha256 });
    await expect(helm.pin({ ...indexed, version: "2.0.0" }, signal)).rejects.toThrow(/its repository says 0{64}/);
    await expect(helm.pin({ ...indexed, version: "3.0.0" }, signal)).rejects.toThrow(/no version 3\.0\.0 of chart web; there are 2\.0\.0, 1\.2\.3\+build/);
    await expect(helm.pin({ ...indexed, name: "wep", version: "1.0.0" }, signal)).rejects.toThrow(/has no chart wep/);
    const layer = { mediaType: "application/vnd.cncf.helm.chart.content.v1.tar+gzip", digest: `sha256:${sha256}` };
    await publish("registry.example.com/v2/org/web/manifests/1.2.3_build", JSON.stringify({ layers: [{ mediaType: "x" }, layer] }));
    await publish(`registry.example.com/v2/org/web/blobs/sha256:${sha256}`, content);
    const ofRegistry = { repository: "oci://registry.example.com/org", name: "web", version: "1.2.3+build" };
    expect(await helm.pin(ofRegistry, signal)).toMatchObject({ sha256 });
    await publish("registry.example.com/v2/org/web/manifests/9.9.9", JSON.stringify({ layers: [{ mediaType: "x" }] }));
    await expect(helm.pin({ ...ofRegistry, version: "9.9.9" }, signal)).rejects.toThrow(/is no chart/);
    await publish("registry.example.com/v2/org/web/manifests/8.8.8", '{"layers": [');
    await expect(helm.pin({ ...ofRegistry, version: "8.8.8" }, signal)).rejects.toThrow(/manifests\/8\.8\.8 answers cannot be read: it is no JSON/);
    await publish("charts.example.com/half/index.yaml", "entries:\n\n  # charts\n  web:\n  - name: web\n    version: 1.0.0\n    urls: [x\n");
    await expect(helm.pin({ repository: "https://charts.example.com/half", name: "web", version: "1.0.0" }, signal)).rejects.toThrow(
      /half\/index\.yaml answers cannot be read: it is no YAML/,
    );
    expect(await objectsOf({ url: "https://charts.example.com/stable/files/web.tgz", sha256 })).toHaveLength(1);
    await rm(join(mirror, "charts.example.com"), { recursive: true });
    await rm(join(mirror, "registry.example.com"), { recursive: true });
    // What is pinned needs no repository any more.
    expect(await objectsOf({ ...ofRegistry, sha256 }, { again: true })).toHaveLength(1);
  });
});

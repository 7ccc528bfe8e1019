import { createHash } from "node:crypto";
import { loadYamlDocuments } from "@threeport/resource/yaml";
import type { KubeObject } from "@threeport/resource";
import { describe, expect, test } from "vitest";
import { checkScore } from "../check-score.ts";
import { expand } from "../expand.ts";
import { environmentOf } from "./variables.ts";
import { filesOf } from "./files.ts";
import { renderScore, type RenderContext, type RenderedScore } from "./render-score.ts";

const context: RenderContext = {
  variables: { LOG_LEVEL: "debug" },
  workloads: new Map([["backend", { web: { port: 80, targetPort: 8080 }, metrics: { port: 9090 } }]]),
  digest: (content) => createHash("sha256").update(content).digest("hex").slice(0, 8),
};

function rendered(text: string, more: Partial<RenderContext> = {}): RenderedScore {
  const checked = checkScore(loadYamlDocuments(Buffer.from(text), { file: "score.yaml" }).documents[0]?.value);
  if ("causes" in checked) throw new Error(JSON.stringify(checked.causes));
  return renderScore(checked.document, { ...context, ...more });
}

function objects(text: string): readonly KubeObject[] {
  const result = rendered(text);
  if (result.kind !== "objects") throw new Error(JSON.stringify(result));
  return result.objects;
}

const head = (more = "") => `apiVersion: score.dev/v1b1\nmetadata: {name: app${more}}\n`;
const podOf = (text: string): { metadata: Record<string, Record<string, string>>; spec: Record<string, unknown> } =>
  (objects(text).at(-1)?.["spec"] as { template: never }).template;
const containersOf = (text: string) => podOf(text).spec["containers"] as Record<string, unknown>[];

const everything = `
apiVersion: score.dev/v1b1
metadata:
  name: app
  annotations: {example.com/team: blue, k8s.score.dev/note: no}
service:
  ports:
    web: {port: 80, targetPort: 8080}
    dns: {port: 53, protocol: UDP}
containers:
  web:
    image: example.com/web@sha256:abc
    command: [/bin/web]
    args: ["--port", "$(PORT)", "$\${KEPT}"]
    variables: {PORT: "8080", LEVEL: "\${resources.env.LOG_LEVEL}", BACKEND: "http://\${resources.api.hostname}:\${resources.api.port}"}
    files:
      /etc/app/app.conf: {content: "for \${metadata.name}, $$5", mode: "0400"}
      /opt/logo.png: {binaryContent: aGVsbG8=}
    volumes:
      /data: {source: "\${resources.data}", path: /sub}
    resources: {limits: {memory: 1K}, requests: {cpu: 250m}}
    livenessProbe: {httpGet: {path: /live, port: 8080}}
    readinessProbe: {httpGet: {path: /ready, port: 8080}}
  setup:
    image: busybox
    volumes:
      /out: {source: "\${resources.data}"}
    before: {web: {ready: complete}}
  proxy:
    image: envoy
    readinessProbe: {exec: {command: ["true"]}}
    before: {web: {ready: healthy}}
resources:
  data: {type: volume, params: {sizeLimit: 1K}}
  env: {type: environment}
  api: {type: service-port, params: {workload: backend, port: web}}
`;

test("the same document gives the same bytes, whatever the order of its fields, and they are these", async () => {
  const text = `${JSON.stringify(objects(everything), undefined, 2)}\n`;
  await expect(text).toMatchFileSnapshot("everything.golden");
  const document = loadYamlDocuments(Buffer.from(everything), { file: "score.yaml" }).documents[0]?.value;
  const turned = JSON.stringify(document, (_, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).reverse()) : value,
  );
  expect(`${JSON.stringify(objects(turned), undefined, 2)}\n`).toBe(text);
});

describe("start order", () => {
  const names = (text: string) => {
    const { initContainers = [], containers } = podOf(`${head()}containers: ${text}`).spec as Record<string, { name: string; restartPolicy?: string }[]>;
    const told = (list: { name: string; restartPolicy?: string }[] = []) =>
      list.map(({ name, restartPolicy }) => `${name}${restartPolicy === undefined ? "" : "+"}`);
    return [told(initContainers), told(containers)];
  };
  test.each([
    ["beside each other", "{bb: {image: x}, aa: {image: x}}", [[], ["aa", "bb"]]],
    ["one completes first", "{aa: {image: x}, zz: {image: x, before: {aa: {ready: complete}}}}", [["zz"], ["aa"]]],
    ["one goes on beside the others", "{aa: {image: x}, zz: {image: x, before: {aa: {ready: started}}}}", [["zz+"], ["aa"]]],
    [
      "a chain, against the order of names",
      "{aa: {image: x, before: {main: {ready: started}}}, zz: {image: x, before: {aa: {ready: complete}}}, main: {image: x}}",
      [["zz", "aa+"], ["main"]],
    ],
    [
      "completion includes the start",
      "{aa: {image: x, before: {bb: {ready: complete}, cc: {ready: started}}}, bb: {image: x}, cc: {image: x}}",
      [["aa"], ["bb", "cc"]],
    ],
  ])("%s", (_, text, wanted) => {
    expect(names(text)).toEqual(wanted);
  });
});

test("without a readiness probe a pod is ready when its port listens; the author can say no", () => {
  const text = (annotations = "") =>
    `${head(annotations)}service: {ports: {dns: {port: 53, protocol: UDP}, web: {port: 80, targetPort: 8080}}}\ncontainers: {side: {image: x}, web: {image: y}}`;
  expect(containersOf(text()).map((each) => each["readinessProbe"])).toEqual([expect.objectContaining({ tcpSocket: { port: 8080 } }), undefined]);
  expect(containersOf(text(", annotations: {threeport.io/default-readiness: off}")).map((each) => each["readinessProbe"])).toEqual([undefined, undefined]);
  expect(containersOf(`${head()}containers: {web: {image: y}}`)[0]).toEqual({ name: "web", image: "y" });
  // Where nothing tells, it must run for a while.
  const steady = (document: string) => (objects(document).at(-1)?.["spec"] as { minReadySeconds?: number }).minReadySeconds;
  expect([steady(text()), steady(`${head()}containers: {web: {image: y}}`)]).toEqual([undefined, 3]);
});

test("a StatefulSet has a Service that names its pods, and the workload's Service may have another name", () => {
  const found = objects(
    `${head(", annotations: {k8s.score.dev/kind: StatefulSet, k8s.score.dev/service-name: front}")}service: {ports: {web: {port: 80}}}\ncontainers: {web: {image: y}}`,
  );
  expect(found.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual(["Service/front", "Service/app-headless", "StatefulSet/app"]);
  expect(found.at(-1)?.["spec"]).toMatchObject({ serviceName: "app-headless" });
});

test("a Service of another name is called by that name", () => {
  const text = `${head()}containers: {web: {image: x, variables: {A: "\${resources.backend.name}", B: "\${resources.port.hostname}:\${resources.port.port}"}}}
resources: {backend: {type: service}, port: {type: service-port, params: {workload: backend, port: 9090}}}`;
  const result = rendered(text, { serviceNames: new Map([["backend", "back"]]) });
  expect(result.kind === "objects" ? result.objects.at(-1)?.["spec"] : result).toMatchObject({
    template: {
      spec: {
        containers: [
          {
            env: [
              { name: "A", value: "back" },
              { name: "B", value: "back:9090" },
            ],
          },
        ],
      },
    },
  });
});

test("an endpoint is the URL of another workload, at the port that is asked for or at the only one", () => {
  const text = `${head()}containers: {web: {image: x, variables: {A: "\${resources.backend.url}/orders", B: "\${resources.back.url}", C: "\${resources.back.name}", D: "\${resources.single.url}"}}}
resources: {backend: {type: endpoint, params: {port: 9090, openapi_file: ./api.yaml, openapi_title: Orders}}, back: {type: endpoint, id: x.backend, params: {port: web}}, single: {type: endpoint}}`;
  const workloads = new Map([
    ["backend", { web: { port: 80 }, metrics: { port: 9090 } }],
    ["single", { http: { port: 8080 } }],
  ]);
  const result = rendered(text, { workloads, serviceNames: new Map([["backend", "back-end"]]) });
  expect(result.kind === "objects" ? result.objects.at(-1)?.["spec"] : result).toMatchObject({
    template: {
      spec: {
        containers: [
          {
            env: [
              { name: "A", value: "http://back-end:9090/orders" },
              { name: "B", value: "http://back-end:80" },
              { name: "C", value: "back-end" },
              { name: "D", value: "http://single:8080" },
            ],
          },
        ],
      },
    },
  });
  expect(rendered(text, { workloads: new Map([["backend", { web: { port: 9090 } }]]) })).toMatchObject({ kind: "waiting", workloads: ["single"] });
});

test("what two workloads of one namespace need has two names, and so has what two containers of one pod need", () => {
  const files = "files: {/a: {content: x}}";
  const named = (workload: string, container: string): string[] =>
    objects(`${head().replace("app", workload)}containers: {${container}: {image: x, ${files}}}`).map(({ metadata }) => metadata.name);
  const both = [...named("app", "web-api"), ...named("app-web", "api")];
  expect(new Set(both).size).toBe(both.length);

  const long = "a".repeat(62);
  const volumes = `volumes: {/d: {source: "\${resources.web-files}"}, /e: {source: "\${resources.${long}1}"}, /f: {source: "\${resources.${long}2}"}}`;
  const text = `${head()}containers: {${long}1: {image: x, ${files}}, ${long}2: {image: x, ${files}}, volume-web: {image: x, ${files}, ${volumes}}}
resources: {web-files: {type: volume}, ${long}1: {type: volume}, ${long}2: {type: volume}}`;
  const names = (podOf(text).spec["volumes"] as { name: string }[]).map(({ name }) => name);
  expect([names.length, new Set(names).size]).toEqual([6, 6]);
  expect(names.filter((name) => !/^[a-z0-9-]{1,63}$/.test(name))).toEqual([]);
});

test("the probe of a container that ends first does not stand for the pod's readiness", () => {
  const text = `${head()}service: {ports: {web: {port: 80}}}
containers: {setup: {image: x, readinessProbe: {exec: {command: [a]}}, before: {web: {ready: complete}}}, web: {image: y}}`;
  expect(containersOf(text)[0]?.["readinessProbe"]).toMatchObject({ tcpSocket: { port: 80 } });
});

test("pods are replaced when a file changes, and by nothing else", () => {
  const digest = (content: string, image = "x") =>
    podOf(`${head()}containers: {web: {image: ${image}, files: {/a: {content: ${content}}}}}`).metadata["annotations"]?.["threeport.io/files-digest"];
  expect(digest("one")).toBe(digest("one", "y"));
  expect(digest("one")).not.toBe(digest("two"));
});

test("other workloads that are not there are waited for, by name", () => {
  const text = `${head()}containers: {web: {image: x, variables: {A: "\${resources.aa.name}", B: "\${resources.bb.port}"}}}\nresources: {aa: {type: service}, bb: {type: service-port, params: {workload: later, port: 80}}}`;
  expect(rendered(text)).toEqual({ kind: "waiting", workloads: ["aa", "later"], resources: [], needs: [] });
  expect(rendered(text, { workloads: new Map([["aa", {}]]) })).toMatchObject({ kind: "waiting", workloads: ["later"] });
  expect(
    rendered(text, {
      workloads: new Map([
        ["aa", {}],
        ["later", { web: { port: 80 } }],
      ]),
    }),
  ).toMatchObject({ kind: "objects" });
});

test.each<[string, string, RegExp]>([
  [
    "a port that the other workload has not",
    "resources: {api: {type: service-port, params: {workload: backend, port: 8080}}}",
    /^resources.api.params.port: .*has the ports web \(80\), metrics \(9090\)/,
  ],
  [
    "an endpoint of a workload with several ports, without one",
    "resources: {backend: {type: endpoint}}",
    /^resources.backend.params.port: .*say which port: workload backend has the ports web \(80\), metrics \(9090\)/,
  ],
  [
    "an endpoint at a port that the other workload has not",
    "resources: {backend: {type: endpoint, params: {port: 1}}}",
    /^resources.backend.params.port: .*1: workload backend has the ports/,
  ],
  [
    "a variable that the environment has not",
    'resources: {env: {type: environment}}\n# "${resources.env.NOTHING}"',
    /^containers.web.variables.A: .*resource env has no NOTHING here/,
  ],
])("%s is told", (_, resources, message) => {
  const variable = /# "(.*)"/.exec(resources)?.[1] ?? "x";
  const result = rendered(`${head()}containers: {web: {image: x, variables: {A: "${variable}"}}}\n${resources}`);
  expect(result.kind === "invalid" ? result.causes.map((cause) => `${cause.field}: ${cause.message}`).join("\n") : result.kind).toMatch(message);
});

test("the image that is given at deploy time must be given", () => {
  expect(rendered(`${head()}containers: {web: {image: .}}`)).toMatchObject({ kind: "invalid", causes: [{ field: "containers.web.image" }] });
});

test("files that are more than a cluster keeps are refused", () => {
  const big = "x".repeat(600_000);
  const result = rendered(`${head()}containers: {web: {image: x, files: {/a: {content: ${big}}, /b: {content: ${big}}}}}`);
  expect(result).toMatchObject({ kind: "invalid", causes: [{ field: "containers.web.files" }] });
});

test("a file that stands beside the Score file is only read by tptctl", () => {
  expect(rendered(`${head()}containers: {web: {image: x, files: {/a: {source: ./a}}}}`)).toMatchObject({
    causes: [{ field: "containers.web.files[/a].source" }],
  });
});

describe("secret outputs", () => {
  const secret = { name: "db", key: "password" };
  const scope = { metadata: {}, outputs: (_: string, key: string) => (key === "password" ? { value: "canary-s3cret", secret } : { value: "db.example" }) };

  test("a variable refers to the Secret, and one with text around it joins a helper", () => {
    const { entries } = environmentOf(
      { ALL: "${resources.db.password}", HOST: "${resources.db.host}", URL: "pg://u:${resources.db.password}@${resources.db.host}" },
      "v",
      scope,
    );
    expect(entries).toEqual([
      { name: "THREEPORT_REF_0", valueFrom: { secretKeyRef: secret } },
      { name: "ALL", valueFrom: { secretKeyRef: secret } },
      { name: "HOST", value: "db.example" },
      { name: "URL", value: "pg://u:$(THREEPORT_REF_0)@db.example" },
    ]);
    expect(JSON.stringify(entries)).not.toContain("canary");
  });

  test("a file that has one in it stands in a Secret, the others in a ConfigMap", () => {
    const files = { "/plain": { content: "${resources.db.host}" }, "/mixed": { content: "pw=${resources.db.password}" } };
    const found = filesOf({ workload: "app", container: "web", files, field: "f" }, scope);
    expect(found.objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual(["ConfigMap/app.web.files", "Secret/app.web.secret-files"]);
    expect(JSON.stringify([found.objects[0], found.volumes, found.mounts])).not.toContain("canary");
    expect(found.objects[1]).toMatchObject({ stringData: { "file-0": "pw=canary-s3cret" } });
  });

  test("parts say where they come from", () => {
    expect(expand("a${resources.db.password}", "f", scope)).toEqual({ parts: [{ text: "a" }, { text: "canary-s3cret", secret }] });
  });
});

describe("what others provide", () => {
  const text = `${head()}containers: {web: {image: x, variables: {URL: "db://u:\${resources.db.password}@\${resources.db.host}/x", PASSWORD: "\${resources.db.password}"}}}
resources: {db: {type: postgres, class: large, params: {host: "\${resources.name.host}"}}, name: {type: dns, id: common}}`;
  const provisions = (password = "secret-one") =>
    new Map([
      ["name", { values: { host: "shop.example.com" } }],
      ["db", { values: { host: "db.example.com" }, secret: { name: "app-resource-db", values: { password } } }],
    ]);

  test("it is needed by type, class and id, each after what its params read, and waited for", () => {
    const workload = { name: "app", kind: "Deployment", service: "app", ports: [] };
    const name = { name: "name", type: "dns", class: "default", id: "common", workload };
    expect(rendered(text)).toEqual({ kind: "waiting", workloads: [], resources: ["name", "db"], needs: [name] });
    const db = { name: "db", type: "postgres", class: "large", id: "app.db", params: { host: "shop.example.com" }, workload };
    expect(rendered(text, { provisions: new Map([...provisions()].slice(0, 1)) })).toEqual({
      kind: "waiting",
      workloads: [],
      resources: ["db"],
      needs: [name, db],
    });
    expect(rendered(text, { provisions: provisions(), workload: "app-two" })).toMatchObject({ kind: "objects", needs: [name, { ...db, id: "app-two.db" }] });
  });

  test("secret outputs are read from their Secret, alone or joined with text, and a changed one replaces the pods", () => {
    const pods = (password: string) => {
      const found = rendered(text, { provisions: provisions(password) });
      if (found.kind !== "objects") throw new Error(JSON.stringify(found));
      return JSON.stringify(found.objects);
    };
    const one = pods("secret-one");
    expect(one).toContain('{"name":"THREEPORT_REF_0","valueFrom":{"secretKeyRef":{"name":"app-resource-db","key":"password"}}}');
    expect(one).toContain('{"name":"PASSWORD","valueFrom":{"secretKeyRef":{"name":"app-resource-db","key":"password"}}}');
    expect(one).toContain('{"name":"URL","value":"db://u:$(THREEPORT_REF_0)@db.example.com/x"}');
    expect(one).not.toContain("secret-one");
    expect(pods("secret-two")).not.toBe(one);
    expect(pods("secret-one")).toBe(one);
  });

  test("a secret output in the params of another resource is refused", () => {
    const leak = text.replace("${resources.name.host}", "${resources.name.key}");
    const found = rendered(leak, { provisions: new Map([["name", { values: {}, secret: { name: "app-resource-name", values: { key: "k" } } }]]) });
    expect(found).toMatchObject({ kind: "invalid", causes: [{ field: "resources.db.params.host" }] });
  });

  test("an output that is not there is told with the names of those that are, and never with what they hold", () => {
    const other = text.replace("${resources.db.host}", "${resources.db.uri}");
    expect(other).not.toBe(text);
    const found = rendered(other, { provisions: provisions() });
    if (found.kind !== "invalid") throw new Error(JSON.stringify(found));
    expect(found.causes.map(({ message }) => message)).toEqual(["Invalid value: ${resources.db.uri}: resource db has no uri here; there are host, password"]);
  });
});

test("a variable that the environment does not have is told with where it is added", () => {
  const found = rendered(`${head()}containers: {web: {image: x, variables: {A: "\${resources.env.NOBODY}"}}}\nresources: {env: {type: environment}}`);
  expect(found).toMatchObject({
    kind: "invalid",
    causes: [{ message: "Invalid value: ${resources.env.NOBODY}: resource env has no NOBODY here: add it to spec.variables of the Environment" }],
  });
});

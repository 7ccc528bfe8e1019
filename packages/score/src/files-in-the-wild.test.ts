// What files of many projects hold, in words of our own: forms that must be read, and mistakes that must be told well. The files themselves stand in
// corpus/sources.json.
import { createHash } from "node:crypto";
import { loadYamlDocuments } from "@threeport/resource/yaml";
import { describe, expect, test } from "vitest";
import { checkScore } from "./check-score.ts";
import { renderScore } from "./render/render-score.ts";

const check = (text: string | Uint8Array) => checkScore(loadYamlDocuments(text, { file: "score.yaml" }).documents[0]?.value);
const causes = (text: string): string[] => {
  const checked = check(text);
  return "causes" in checked ? checked.causes.map(({ field, message }) => `${field}: ${message}`) : [];
};
const notices = (text: string): string[] => check(text).notices.map(({ field, message }) => `${field}: ${message}`);
const base = "apiVersion: score.dev/v1b1\nmetadata: {name: shop}\n";

/** The containers of the pod that is made of a document. */
function containers(text: string | Uint8Array): readonly Record<string, unknown>[] {
  const checked = check(text);
  if ("causes" in checked) throw new Error(JSON.stringify(checked.causes));
  const rendered = renderScore(checked.document, {
    variables: {},
    workloads: new Map(),
    digest: (content) => createHash("sha256").update(content).digest("hex").slice(0, 8),
  });
  if (rendered.kind !== "objects") throw new Error(JSON.stringify(rendered));
  return (rendered.objects.at(-1)?.["spec"] as { template: { spec: { containers: Record<string, unknown>[] } } }).template.spec.containers;
}

describe("what must be read", () => {
  test("a byte order mark, Windows line ends, a first line of dashes, and comments in any language", () => {
    const text =
      "\ufeff---\r\n# größer, ação ⚠️\r\napiVersion: score.dev/v1b1\r\nmetadata:\r\n  name: shop # set by CI\r\ncontainers:\r\n  web:\r\n    image: nginx\r\n";
    expect(containers(Buffer.from(text))).toMatchObject([{ name: "web", image: "nginx" }]);
  });

  test("text of several lines has one sort of line ends", () => {
    const text = `${base}containers:\r\n  web:\r\n    image: nginx\r\n    args:\r\n      - |\r\n        echo one\r\n        echo two\r\n`;
    expect(containers(text)[0]?.["args"]).toEqual(["echo one\necho two\n"]);
  });

  test("anchors and merge keys", () => {
    const text = `${base}containers:
  api: &common
    image: example.com/api:1
    variables: &level {LOG_LEVEL: info}
  worker:
    <<: *common
    variables: {<<: *level, QUEUE: mail}
`;
    expect(containers(text)).toMatchObject([
      { name: "api", image: "example.com/api:1", env: [{ name: "LOG_LEVEL", value: "info" }] },
      {
        name: "worker",
        image: "example.com/api:1",
        env: [
          { name: "LOG_LEVEL", value: "info" },
          { name: "QUEUE", value: "mail" },
        ],
      },
    ]);
  });

  test("words that others take for truth values are text, as variables want it", () => {
    expect(containers(`${base}containers: {web: {image: nginx, variables: {COUNTRY: no, SWITCH: on}}}`)[0]?.["env"]).toEqual([
      { name: "COUNTRY", value: "no" },
      { name: "SWITCH", value: "on" },
    ]);
  });

  test("a program's own variables in its arguments are left to it", () => {
    const args = ["$${GREETING}", "${GREETING:-hi}", "$(GREETING)", "$4"];
    expect(containers(`${base}containers: {web: {image: nginx, args: ${JSON.stringify(args)}}}`)[0]?.["args"]).toEqual(args);
  });

  test("empty values of variables and annotations, and free metadata of any depth", () => {
    const text = `${base.replace("{name: shop}", '{name: shop, annotations: {example.com/cluster: ""}, schedules: {6-hours: {at: "0 */6 * * *", args: [a]}}}')}containers:
  web: {image: nginx, variables: {MESSAGE: ""}}
`;
    expect(containers(text)[0]?.["env"]).toEqual([{ name: "MESSAGE", value: "" }]);
  });

  test("amounts without quotes that are text all the same, and more names of ports than containers", () => {
    const text = `${base}service: {ports: {one: {port: 8001, targetPort: 3000}, two: {port: 8002, targetPort: 3000}}}
containers: {web: {image: "localhost:5000/web:7", resources: {limits: {cpu: 100m, memory: 128Mi}, requests: {cpu: "0.025"}}}}
`;
    expect(containers(text)).toMatchObject([{ resources: { limits: { cpu: "100m", memory: "128Mi" }, requests: { cpu: "0.025" } } }]);
  });

  test("types that nobody knows here, in any case, with metadata and params of any sort", () => {
    const text = `${base}containers: {web: {image: nginx, variables: {A: "\${resources.bus.num_partitions}"}}}
resources:
  bus: {type: Kafka-Topic, class: large, metadata: {annotations: {compose.score.dev/publish-port: "9092"}, owner: me}, params: {list: [1, {a: b}]}}
  hosts: {type: routing, params: {path: "/my/[^/]+/path", host: "\${metadata.name}.example.com", port: web}}
`;
    expect(causes(text)).toEqual([]);
  });

  test("a route that says nothing: it answers at the host of the workload's dns, and leads to its only port", () => {
    const service = "service: {ports: {web: {port: 80, targetPort: 8080}}}\n";
    const text = `${base}${service}containers: {web: {image: nginx}}\nresources: {name: {type: dns}, way: {type: route}}\n`;
    expect(causes(text)).toEqual([]);
    const checked = checkScore(loadYamlDocuments(text, {}).documents[0]?.value);
    if ("causes" in checked) throw new Error("it is valid");
    const provisions = new Map([["name", { values: { host: "shop.example.com" } }]]);
    const rendered = renderScore(checked.document, { variables: {}, workloads: new Map(), digest: () => "", provisions });
    expect(rendered.needs.find(({ type }) => type === "route")).toMatchObject({
      params: { host: "shop.example.com" },
      workload: { service: "shop", ports: [{ name: "web", port: 80 }] },
    });
    expect(causes(text.replace("{type: route}", "{type: route, params: {port: 8080, path: x, host: 'http://Shop'}}"))).toEqual([
      expect.stringMatching(/^resources.way.params.host: .*must be a host name in lower case/),
      expect.stringMatching(/^resources.way.params.path: .*a path begins with \//),
      expect.stringMatching(/^resources.way.params.port: .*write the service's port, web or 80/),
    ]);
    expect(causes(text.replace(service, ""))).toEqual([expect.stringMatching(/^resources.way.params.port: .*add it under service.ports/)]);
  });

  test("params that only another platform reads have no effect, which a notice says", () => {
    const text = `${base}containers: {web: {image: nginx, volumes: {/data: {source: "\${resources.data}", path: "", readOnly: false}}}}
resources: {data: {type: volume, params: {size: 1Gi}}, people: {type: service, params: {port: 80}}}
`;
    expect(causes(text)).toEqual([]);
    expect(notices(text)).toEqual([
      "resources.data.params.size: this has no effect here: type volume has sizeLimit, medium",
      "resources.people.params.port: this has no effect here: type service has no params",
    ]);
  });
});

describe("what is wrong is told as it is written", () => {
  test.each<[string, string, string[]]>([
    [
      "an entry of a list",
      'containers: {web: {image: nginx, volumes: [{target: /a, source: "${resources.data}"}, {target: /b, source: data}]}}\nresources: {data: {type: volume}}',
      ['containers.web.volumes[1].source: Invalid value: "data": write ${resources.data}'],
    ],
    [
      "the last of two entries with the same target",
      'containers: {web: {image: nginx, files: [{target: /a, content: x}, {target: /a, content: "${pod.name}"}]}}',
      [expect.stringMatching(/^containers.web.files\[1\].content: /) as string],
    ],
    [
      "outputs of an early draft, and all else that is wrong",
      "containers: {web: {image: , variables: {URL: x}}}\nresources: {db: {type: postgres, properties: {host: , port: {type: string, default: 5432}}}}",
      [
        expect.stringMatching(/^resources.db.properties: .*early draft.*\$\{resources.db.OUTPUT\} reads one$/) as string,
        'containers.web.image: Invalid value: it stands there without a value: write an image, or "." for the one that is given when it is deployed',
      ],
    ],
    [
      "settings under the name of an early draft",
      "containers: {web: {image: nginx}}\nresources: {scale: {type: autoscaler, properties: {replicas: 3}}}",
      ["resources.scale.properties: Invalid value: there is no such field: write params"],
    ],
    [
      "the form of Kubernetes",
      "kind: Workload\nspec: {containers: {web: {image: nginx}}}",
      ["spec: Invalid value: a Score file has neither kind nor spec: move containers, service and resources one level up, and remove the lines kind and spec"],
    ],
    [
      "fields of other formats",
      `name: shop
x-team: blue
containers:
  web:
    image: nginx
    env: {A: b}
    ports: [{port: 80}]
    imagePullPolicy: Always
    livenessProbe: {httpGet: {path: /, port: 80}, initialDelaySeconds: 30}
`,
      [
        "containers.web.livenessProbe.initialDelaySeconds: Unknown field: probes have no times here: remove the line",
        "containers.web.env: Unknown field: write variables",
        "containers.web.ports: Unknown field: the ports of a workload are written in service, at the top",
        "containers.web.imagePullPolicy: Unknown field: the cluster chooses it: remove the line",
        "name: Unknown field: write it in metadata",
        "x-team: Unknown field: the format has no extensions; values of your own go into metadata",
      ],
    ],
    [
      "lists in place of mappings, and one value in place of a mapping or a list",
      `containers:
  web: nginx
  api: {image: nginx, command: npm start, variables: [{name: A, value: b}], files: {/a: hello}, volumes: [/data]}
service: {ports: {http: 8080}}
resources: [{type: postgres}]
`,
      [
        "containers.api.volumes[0].target: Required value: say which path in the container this is",
        "service.ports.http: Invalid value: 8080: must be a mapping, such as {port: 8080}",
        'containers.web: Invalid value: "nginx": must be a mapping, such as {image: "nginx"}',
        'containers.api.command: Invalid value: "npm start": must be a list, such as ["npm","start"]',
        'containers.api.variables: Invalid value: [{"name":"A","value":"b"}]: must be a mapping, with a name in place of each dash, such as LOG_LEVEL: debug',
        'containers.api.files[/a]: Invalid value: "hello": must be a mapping, such as {content: "hello"}',
        'resources: Invalid value: [{"type":"postgres"}]: must be a mapping, with a name in place of each dash, such as db: {type: postgres}',
      ],
    ],
    [
      "all containers as a list",
      "containers: [{name: web, image: nginx}]",
      ['containers: Invalid value: [{"name":"web","image":"nginx"}]: must be a mapping, with a name in place of each dash, such as web: {image: nginx}'],
    ],
    [
      "a number in quotes, and a command that has quotes of its own",
      `containers: {web: {image: nginx, args: 'sh -c "a b"', livenessProbe: {httpGet: {path: /, port: "80"}}}}`,
      [
        'containers.web.args: Invalid value: "sh -c \\"a b\\"": must be a list',
        'containers.web.livenessProbe.httpGet.port: Invalid value: "80": must be a number: remove the quotes',
      ],
    ],
    [
      "names in other forms, and what is wrong below them",
      "containers: {myWeb_2: {image: nginx, before: {web: {ready: soon}}}}\nresources: {my.db: {type: postgres, size: 5}}",
      [
        expect.stringMatching(/^containers.myWeb_2: Invalid value: "myWeb_2": .*; write my-web-2$/) as string,
        expect.stringMatching(/^resources\[my.db\]: Invalid value: "my.db": .*; write my-db$/) as string,
        'containers.myWeb_2.before.web.ready: Invalid value: "soon": write started or healthy or complete',
        "resources[my.db].size: Unknown field: There can be type, class, id, metadata, params; what the resource shall be like goes into params",
      ],
    ],
    [
      "a name that no other form makes right",
      "containers: {w: {image: nginx}}",
      [expect.stringMatching(/^containers.w: .* neither begins nor ends with -$/) as string],
    ],
    [
      "a placeholder in an image",
      "containers: {web: {image: 'example.com/web:${TAG:-latest}'}}",
      [
        'containers.web.image: Invalid value: "example.com/web:${TAG:-latest}": placeholders are not replaced in an image: write ".", and give the image when it is deployed: --image IMAGE',
      ],
    ],
    [
      "placeholders of another platform, with the one of the format where there is one",
      'containers: {web: {image: nginx, variables: {HOST: "${externals.dns.host}", POD: "${pod.metadata.name}"}}}\nresources: {dns: {type: dns}}',
      [
        "containers.web.variables.HOST: Invalid value: ${externals.dns.host}: externals belongs to one commercial platform and not to the Score format; write ${resources.dns.host}",
        "containers.web.variables.POD: Invalid value: ${pod.metadata.name}: pod belongs to one commercial platform and not to the Score format; write a value of metadata or of a resource",
      ],
    ],
    [
      "a type that is missing, and one without a value",
      "containers: {web: {image: nginx}}\nresources: {one: {}, two: {type: }}",
      [
        "resources.one.type: Required value: write the type of the resource, such as postgres or volume",
        "resources.two.type: Invalid value: it stands there without a value: write the type of the resource, such as postgres or volume",
      ],
    ],
    [
      "params of an environment",
      "containers: {web: {image: nginx}}\nresources: {env: {type: environment, params: {A: b}}}",
      ["resources.env.params.A: Invalid value: type environment has no params: values stand in spec.variables of the Environment"],
    ],
    [
      // Read as 18 and 1.1: the digits in the message must not be what is written into the file.
      "numbers whose digits are read as others",
      "containers: {web: {image: nginx, variables: {UMASK: 0022, VERSION: 1.10}}}",
      [
        "containers.web.variables.UMASK: Invalid value: 18 is a number, and text is wanted: put quotes around what stands there",
        "containers.web.variables.VERSION: Invalid value: 1.1 is a number, and text is wanted: put quotes around what stands there",
      ],
    ],
  ])("%s", (_, text, wanted) => {
    expect(causes(base + text)).toEqual(wanted);
  });
});

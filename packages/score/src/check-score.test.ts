import { loadYamlDocuments } from "@threeport/resource/yaml";
import { expect, test } from "vitest";
import { checkScore } from "./check-score.ts";

const base = "apiVersion: score.dev/v1b1\nmetadata: {name: app}\n";
const check = (text: string) => checkScore(loadYamlDocuments(Buffer.from(text), { file: "score.yaml" }).documents[0]?.value);
const causes = (text: string): string[] => {
  const checked = check(text);
  return "causes" in checked ? checked.causes.map(({ field, message }) => `${field}: ${message}`) : [];
};
const container = (text: string): string => `${base}containers: {web: {image: nginx, ${text}}}\n`;
const withResources = (text: string, variables = "{}"): string => `${base}containers: {web: {image: nginx, variables: ${variables}}}\nresources: ${text}\n`;

test("a document that uses everything has no causes", () => {
  const text = `
apiVersion: score.dev/v1b1
metadata:
  name: app
  annotations: {example.com/team: blue, k8s.score.dev/kind: StatefulSet}
  owner: {team: blue}
service:
  ports:
    web: {port: 80, targetPort: 8080}
    dns-udp: {port: 53, protocol: UDP}
containers:
  web:
    image: .
    command: [/bin/web]
    args: ["$(PORT)"]
    variables: {PORT: "8080", TEAM: "\${metadata.owner.team}", LEVEL: "\${resources.env.LOG_LEVEL}", PRICE: "$$5"}
    files:
      /etc/app.conf: {content: "team=\${metadata.owner.team}", mode: "0400"}
      /etc/raw: {content: "\${as.it.stands}", noExpand: true}
      /etc/blob: {binaryContent: aGVsbG8=}
      /etc/beside: {source: ./beside.txt}
    volumes:
      /data: {source: "\${resources.data}", path: sub, readOnly: true}
    resources: {limits: {cpu: "1", memory: 1G}, requests: {cpu: 250m, memory: 128Mi}}
    livenessProbe: {exec: {command: ["true"]}}
    readinessProbe: {httpGet: {path: /, port: 8080, scheme: HTTP, host: localhost, httpHeaders: [{name: X-A, value: b}]}}
  setup:
    image: busybox
    before: {web: {ready: complete}}
resources:
  data: {type: volume, params: {sizeLimit: 1Gi}}
  env: {type: environment}
  other: {type: service-port, params: {workload: other, port: 80}}
  third: {type: service, id: group.third}
`;
  expect(check(text)).toMatchObject({ notices: [] });
  expect(causes(text)).toEqual([]);
});

test.each<[string, string, string[]]>([
  [
    "nothing",
    "{}",
    [
      "apiVersion: Required value: write score.dev/v1b1",
      "metadata: Required value: write a mapping with the name of the workload",
      "containers: Required value: write a mapping with each container by its name, and its image",
    ],
  ],
  ["another version", `${base.replace("v1b1", "v2")}containers: {web: {image: x}}`, ['apiVersion: Invalid value: "score.dev/v2": write score.dev/v1b1']],
  ["no containers", `${base}containers: {}`, ["containers: Required value: a workload has at least one container"]],
  [
    "a line without a value",
    `${base}containers: {web: {image: x}}\nresources:`,
    ["resources: Invalid value: it stands there without a value: write a mapping, or remove the line"],
  ],
  [
    "an image left empty",
    `${base}containers:\n  web:\n    image:\n`,
    ['containers.web.image: Invalid value: it stands there without a value: write an image, or "." for the one that is given when it is deployed'],
  ],
  [
    "a number for a variable",
    container("variables: {PORT: 8080}"),
    ["containers.web.variables.PORT: Invalid value: 8080 is a number, and text is wanted: put quotes around what stands there"],
  ],
  [
    "a truth value for a variable",
    container("variables: {DEBUG: true}"),
    ["containers.web.variables.DEBUG: Invalid value: true is a truth value, and text is wanted: put quotes around what stands there"],
  ],
  [
    "a mode without quotes",
    container("files: {/a: {content: x, mode: 420}}"),
    ['containers.web.files[/a].mode: Invalid value: 420 is a number, and text is wanted: put quotes around what stands there, such as "0644"'],
  ],
  [
    "an unknown field",
    container("enviroment: {}"),
    [expect.stringMatching(/^containers.web.enviroment: Unknown field: There can be image, command, args, /) as string],
  ],
  ["a field with a typo", container("variabels: {}"), [expect.stringMatching(/^containers.web.variabels: Unknown field: did you mean variables\? /) as string]],
  ["a field of another case", container("livenessprobe: {}"), [expect.stringMatching(/did you mean livenessProbe\?/) as string]],
  ["an unknown field at the top", `${base}containers: {web: {image: x}}\nenv: {}`, ["env: Unknown field: write variables in a container"]],
  [
    "a short name",
    `${base}containers: {w: {image: x}}`,
    ['containers.w: Invalid value: "w": a name of a container has 2 to 63 characters, a-z 0-9 and -, and neither begins nor ends with -'],
  ],
  [
    "a protocol in lower case",
    `${base}service: {ports: {web: {port: 1, protocol: tcp}}}\ncontainers: {web: {image: x}}`,
    ['service.ports.web.protocol: Invalid value: "tcp": write TCP or UDP'],
  ],
  [
    "a port out of range",
    `${base}service: {ports: {web: {port: 70000}}}\ncontainers: {web: {image: x}}`,
    ["service.ports.web.port: Invalid value: 70000: must be a port, 1 to 65535"],
  ],
  [
    "a port name where a number is wanted",
    container("livenessProbe: {httpGet: {path: /, port: web}}"),
    ['containers.web.livenessProbe.httpGet.port: Invalid value: "web": must be a number'],
  ],
  ["an empty probe", container("livenessProbe: {}"), ["containers.web.livenessProbe: Required value: write httpGet or exec"]],
  [
    "cpu as a number",
    container("resources: {limits: {cpu: 1}}"),
    ["containers.web.resources.limits.cpu: Invalid value: 1 is a number, and text is wanted: put quotes around what stands there"],
  ],
  [
    "memory in a unit of Kubernetes alone",
    container("resources: {limits: {memory: 1k}}"),
    [expect.stringMatching(/"1k": must be bytes with a suffix/) as string],
  ],
  [
    "a request above its limit",
    container("resources: {limits: {memory: 1Mi}, requests: {memory: 2M}}"),
    ["containers.web.resources.requests.memory: Invalid value: 2M is more than the limit of 1Mi, and no cluster takes that: raise the limit, or ask for less"],
  ],
  [
    "a file of two sorts",
    container("files: {/a: {content: x, source: y}}"),
    ["containers.web.files[/a]: Invalid value: write exactly one of content, binaryContent and source; there are content and source"],
  ],
  ["a file of none", container("files: {/a: {}}"), ["containers.web.files[/a]: Invalid value: write exactly one of content, binaryContent and source"]],
  [
    "a relative target",
    container("files: {etc/a: {content: x}}"),
    ['containers.web.files[etc/a]: Invalid value: "etc/a": a target is an absolute path in the container; write /etc/a'],
  ],
  ["a file in place of the whole image", container("files: {/: {content: x}}"), [expect.stringMatching(/would hide the whole image/) as string]],
  [
    "a path out of a volume",
    `${container('volumes: {/d: {source: "${resources.data}", path: ../x}}')}resources: {data: {type: volume}}`,
    ['containers.web.volumes[/d].path: Invalid value: "../x": a path inside the volume is written without ..'],
  ],
  [
    "a probe that runs nothing",
    container("livenessProbe: {exec: {command: []}}"),
    ["containers.web.livenessProbe.exec.command: Invalid value: []: must name a program, and its arguments"],
  ],
  [
    "base64 that is none",
    container("files: {/a: {binaryContent: a}}"),
    ['containers.web.files[/a].binaryContent: Invalid value: "a": must be base64 with its padding'],
  ],
  [
    "a volume by name",
    `${base}containers: {web: {image: x, volumes: {/d: {source: data}}}}`,
    [expect.stringMatching(/source: Invalid value: "data": write \$\{resources.NAME\}/) as string],
  ],
  [
    "a volume that is not declared",
    `${base}containers: {web: {image: x, volumes: {/d: {source: "\${resources.data}"}}}}`,
    ["containers.web.volumes[/d].source: Invalid value: there is no resource data: add it under resources, with type: volume"],
  ],
  [
    "an output that is not there",
    withResources("{other: {type: service}}", '{A: "${resources.other.host}"}'),
    ["containers.web.variables.A: Invalid value: ${resources.other.host}: a resource of type service has only the output name, the host that is called"],
  ],
  [
    "a resource without its output",
    withResources("{other: {type: service}}", '{A: "${resources.other}"}'),
    ["containers.web.variables.A: Invalid value: ${resources.other}: say which output, such as ${resources.other.name}"],
  ],
  [
    "a port of nobody",
    withResources("{other: {type: service-port}}"),
    [
      "resources.other.params.workload: Required value: name the other workload",
      "resources.other.params.port: Required value: write the name of the port, or its number",
    ],
  ],
  [
    "params that nobody knows",
    withResources("{other: {type: service-port, params: {workload: a, port: b, prot: 1}}}"),
    ["resources.other.params.prot: Invalid value: did you mean port? type service-port has workload, port"],
  ],
  [
    "a Secret whose name is known only later",
    withResources("{env: {type: environment}, pay: {type: secret, params: {name: 'a-${resources.env.NAME}'}}, other: {type: secret, params: {name: 7}}}"),
    [
      "resources.other.params.name: Invalid value: 7: write the name of a Secret",
      'resources.pay.params.name: Invalid value: "a-${resources.env.NAME}": write the name out: who may read the Secret is asked when the workload is written',
    ],
  ],
  [
    "an endpoint at what is no port",
    withResources("{other: {type: endpoint, params: {port: [80], prot: 1}}}"),
    [
      "resources.other.params.prot: Invalid value: did you mean port? type endpoint has port, openapi_file, openapi_title, artifacts, name, version",
      "resources.other.params.port: Invalid value: [80]: write the name of the port, or its number",
    ],
  ],
  [
    "one resource with two params",
    withResources("{aa: {type: volume, id: one, params: {medium: Memory}}, bb: {type: volume, id: one, params: {}}}"),
    [expect.stringMatching(/^resources.bb.params: Invalid value: bb and aa are one resource \(volume.default#one\)/) as string],
  ],
  [
    "the same port twice",
    `${base}service: {ports: {aa: {port: 80}, bb: {port: 80}}}\ncontainers: {web: {image: x}}`,
    ["service.ports.bb.port: Invalid value: 80: aa has it already; give one of them another port, or remove it"],
  ],
  [
    "another kind",
    `${base.replace("{name: app}", "{name: app, annotations: {k8s.score.dev/kind: DaemonSet}}")}containers: {web: {image: x}}`,
    ['metadata.annotations[k8s.score.dev/kind]: Invalid value: "DaemonSet": write Deployment or StatefulSet'],
  ],
  [
    "a Service that begins with a digit",
    `${base.replace("app", "1app")}service: {ports: {aa: {port: 80}}}\ncontainers: {web: {image: x}}`,
    [expect.stringMatching(/^metadata.name: .*begins with a letter/) as string],
  ],
  [
    "an early draft",
    withResources("{db: {type: postgres, properties: {host: {}}}}"),
    [expect.stringMatching(/^resources.db.properties: .*early draft/) as string],
  ],
  ["another platform's file", "apiVersion: humanitec.org/v1b1\nprofile: x", [expect.stringMatching(/^apiVersion: .*another platform/) as string]],
  [
    "a target inside a mapping",
    container("files: {/a: {target: /b, content: x}}"),
    ["containers.web.files[/a].target: Invalid value: the key above is the target already: remove the line"],
  ],
  [
    "a list entry without a target",
    container("files: [{content: x}]"),
    ["containers.web.files[0].target: Required value: say which path in the container this is"],
  ],
])("%s is refused: what, where, and what to write", (_, text, wanted) => {
  expect(causes(text)).toEqual(wanted);
});

const order = (text: string): string[] => causes(`${base}containers: ${text}`);
test.each<[string, string, RegExp]>([
  ["itself", "{aa: {image: x, before: {aa: {ready: started}}}}", /cannot go before itself/],
  ["somebody who is not there", "{aa: {image: x, before: {bb: {ready: started}}}}", /there is no container bb/],
  [
    "each other",
    "{aa: {image: x, before: {bb: {ready: started}}}, bb: {image: x, before: {aa: {ready: started}}}}",
    /these wait for each other: aa before bb before aa/,
  ],
  ["another, healthy without a probe", "{aa: {image: x, before: {bb: {ready: healthy}}}, bb: {image: x}}", /nothing tells when aa is healthy/],
  ["another, in a way that there is not", "{aa: {image: x, before: {bb: {ready: ready}}}, bb: {image: x}}", /write started or healthy or complete/],
])("a container that goes before %s is refused", (_, text, message) => {
  expect(order(text)[0]).toMatch(message);
});

test("old forms are read, each with a notice that says how it is written now", () => {
  const checked = check(
    container(
      'files: [{target: /a, content: [one, two]}, {target: /a, content: last}], volumes: [{target: /d, source: "${resources.data}", read_only: true}]',
    ) + "resources: {data: {type: volume}}",
  );
  if ("causes" in checked) throw new Error(JSON.stringify(checked.causes));
  expect(checked.document.containers["web"]).toMatchObject({
    files: { "/a": { content: "last" } },
    volumes: { "/d": { source: "${resources.data}", readOnly: true } },
  });
  expect(checked.notices.map(({ field, message }) => `${field}: ${message}`)).toEqual([
    "containers.web.files: files as a list is an old form: write a mapping with each target as its key",
    "containers.web.volumes: volumes as a list is an old form: write a mapping with each target as its key",
  ]);
});

test("resources that read each other are told with the circle, before anything is deployed", () => {
  const reads = (...names: string[]): string => `{type: vault, params: {${names.map((name, index) => `p${index}: "\${resources.${name}.host}"`).join(", ")}}}`;
  expect(causes(withResources(`{aa: ${reads("bb")}, bb: ${reads("cc", "dd")}, cc: {type: vault}, dd: ${reads("bb")}}`))).toEqual([
    "resources.bb.params: Invalid value: these read each other, so none can be first: bb → dd → bb",
  ]);
  expect(causes(withResources(`{aa: ${reads("aa")}}`))).toEqual(["resources.aa.params: Invalid value: these read each other, so none can be first: aa → aa"]);
  expect(causes(withResources(`{aa: ${reads("cc")}, bb: ${reads("cc", "aa")}, cc: {type: vault}}`))).toEqual([]);
});

test("more resources than any workload needs are refused before they are compared with each other", () => {
  const chain = (length: number): string =>
    `{${Array.from({ length }, (_, index) => `r-${index}: {type: vault${index === 0 ? "" : `, params: {a: "\${resources.r-${index - 1}.host}"}`}}`).join(", ")}}`;
  expect(causes(withResources(chain(500)))).toEqual([]);
  expect(causes(withResources(chain(5_000)))).toEqual(["resources: Invalid value: 5000 resources are too many: a workload has at most 500"]);
});

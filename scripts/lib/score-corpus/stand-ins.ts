import { createHash } from "node:crypto";
import { loadYamlDocuments } from "../../../packages/resource/src/yaml/index.ts";
import {
  renderScore,
  withImages,
  workloadsUsed,
  type Need,
  type Provision,
  type RenderedScore,
  type ScoreDocument,
} from "../../../packages/score/src/index.ts";

type File = NonNullable<ScoreDocument["containers"][string]["files"]>[string];

/** What stands for outputs that nobody here knows. */
const output = "stand-in";

/** Renders with something in place of all that a deployment would find: images, files beside it, variables, other workloads, outputs of resources. */
export function renderWithStandIns(given: ScoreDocument): RenderedScore {
  const document = withImages(withFiles(given), { all: "registry.example/image:1", byContainer: new Map() });
  const read = outputsRead(document);
  const provisions = new Map<string, Provision>();
  const render = (): RenderedScore =>
    renderScore(document, {
      variables: Object.fromEntries([...read.values()].flatMap((keys) => [...keys]).map((key) => [key, output])),
      workloads: new Map([...workloadsUsed(document), document.metadata.name].map((name) => [name, portsFor(document, name)])),
      digest: (content) => createHash("sha256").update(content).digest("hex").slice(0, 8),
      provisions,
    });
  // Params of a resource may read another one, so each round makes more of them known.
  for (;;) {
    const rendered = render();
    const next = rendered.needs.filter(({ name }) => !provisions.has(name));
    if (next.length === 0) return rendered;
    for (const need of next) provisions.set(need.name, provisionFor(need, read));
  }
}

/** Passwords are secret, as profiles make them. */
function provisionFor({ name, type }: Need, read: ReadonlyMap<string, ReadonlySet<string>>): Provision {
  // A route that names no host reads that of the name.
  const keys = [...(read.get(name) ?? []), ...(type === "dns" ? ["host"] : [])];
  const secret = keys.filter((key) => key.includes("password"));
  const of = (names: readonly string[]): Record<string, string> => Object.fromEntries(names.map((key) => [key, output]));
  return {
    values: of(keys.filter((key) => !secret.includes(key))),
    ...(secret.length === 0 ? {} : { secret: { name: `${name}-outputs`, values: of(secret) } }),
  };
}

/** Names of the outputs that are read of each resource. */
function outputsRead(document: ScoreDocument): Map<string, Set<string>> {
  const read = new Map<string, Set<string>>();
  for (const [, name = "", key = ""] of JSON.stringify(document).matchAll(/\$\{resources\.([\w-]+)\.([\w.-]+)\}/g)) {
    const keys = read.get(name) ?? new Set();
    read.set(name, keys.add(key));
  }
  return read;
}

/** The ports that this workload asks of another one. */
function portsFor(document: ScoreDocument, workload: string): Record<string, { readonly port: number }> {
  if (workload === document.metadata.name) return document.service?.ports ?? {};
  const asked = Object.entries(document.resources ?? {})
    .filter(
      ([name, { type, id = name, params }]) =>
        (type === "service-port" && params?.["workload"] === workload) || (type === "endpoint" && id.split(".").at(-1) === workload),
    )
    .map(([, resource]) => resource);
  return Object.fromEntries(asked.map(({ params }, index) => [String(params?.["port"]), { port: Number(params?.["port"]) || 8000 + index }]));
}

function withFiles(document: ScoreDocument): ScoreDocument {
  const containers = Object.entries(document.containers).map(([name, container]) => {
    const files = Object.entries(container.files ?? {}).map(([target, { source, ...rest }]): [string, File] => [
      target,
      source === undefined ? rest : { ...rest, content: output },
    ]);
    return [name, container.files === undefined ? container : { ...container, files: Object.fromEntries(files) }] as const;
  });
  return { ...document, containers: Object.fromEntries(containers) };
}

/** The documents of a text. */
export function documentsOf(bytes: Uint8Array, file: string): readonly unknown[] {
  return loadYamlDocuments(bytes, { file }).documents.map(({ value }) => value);
}

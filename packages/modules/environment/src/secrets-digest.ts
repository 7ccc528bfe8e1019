import { fields, items, type KubeObject } from "@threeport/resource";
import { podSpecOf, podTemplateOf, withPodTemplate } from "./pod-templates.ts";

/** On pod templates, as workloads have it. */
const secretsAnnotation = "threeport.io/secrets-digest";

/** Kinds whose pods are replaced when their template changes; that of a Job cannot change. */
const replacing: ReadonlySet<string> = new Set(["apps/v1/Deployment", "apps/v1/StatefulSet", "apps/v1/DaemonSet"]);

/**
 * The document with a digest of what its pods read of `secrets`: they are replaced when that changes.
 * @param digest of content that may be secret
 */
export function withSecretsDigest(object: KubeObject, secrets: ReadonlyMap<string, KubeObject>, digest: (content: string) => string): KubeObject {
  const template = podTemplateOf(object);
  if (template === undefined || !replacing.has(`${object.apiVersion}/${object.kind}`)) return object;
  const read = [...secretsReadBy(podSpecOf(template))]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, keys]) => {
      const secret = secrets.get(name);
      return secret === undefined ? [] : [[name, valuesOf(secret["data"], keys), valuesOf(secret["stringData"], keys)]];
    });
  if (read.length === 0) return object;
  const mark = digest(JSON.stringify(read));
  return withPodTemplate(object, (pods) => {
    const metadata = fields(pods.metadata);
    return { ...pods, metadata: { ...metadata, annotations: { ...fields(metadata["annotations"]), [secretsAnnotation]: mark } } };
  });
}

/** Keys of a Secret that are read of it. */
type Keys = ReadonlySet<unknown> | "all";

function valuesOf(values: unknown, keys: Keys): [string, unknown][] {
  return Object.entries(fields(values)).filter(([key]) => keys === "all" || keys.has(key));
}

/** Secrets that containers read as variables, or have mounted, by name. */
function secretsReadBy(podSpec: Readonly<Record<string, unknown>>): Map<string, Keys> {
  const read: { readonly name: unknown; readonly key?: unknown }[] = [];
  for (const container of [...items(podSpec["containers"]), ...items(podSpec["initContainers"])].map(fields)) {
    for (const variable of items(container["env"])) {
      const { name, key } = fields(fields(fields(variable)["valueFrom"])["secretKeyRef"]);
      read.push({ name, key });
    }
    for (const source of items(container["envFrom"])) read.push({ name: fields(fields(source)["secretRef"])["name"] });
  }
  for (const volume of items(podSpec["volumes"]).map(fields)) {
    read.push({ name: fields(volume["secret"])["secretName"] });
    for (const source of items(fields(volume["projected"])["sources"])) read.push({ name: fields(fields(source)["secret"])["name"] });
  }
  const named = Map.groupBy(read, ({ name }) => name);
  return new Map(
    [...named].flatMap(([name, all]): [string, Keys][] =>
      typeof name === "string" ? [[name, all.some(({ key }) => key === undefined) ? "all" : new Set(all.map(({ key }) => key))]] : [],
    ),
  );
}

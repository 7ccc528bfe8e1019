import { fields, type KubeObject } from "@threeport/resource";

type Fields = Readonly<Record<string, unknown>>;

/** What pods are made from: `metadata` and `spec` of a Pod, or of a template for some. */
export interface PodTemplate extends Fields {
  readonly metadata?: unknown;
  readonly spec?: unknown;
}

/** Where kinds keep the template of their pods; a kind with none of these makes no pods, as far as anybody can tell. */
const templatePath = (kind: string): readonly string[] =>
  kind === "Pod" ? [] : kind === "CronJob" ? ["spec", "jobTemplate", "spec", "template"] : ["spec", "template"];

/** The pod template of a document, of any kind that keeps one where Kubernetes' own kinds do; undefined for one that has none. */
export function podTemplateOf(object: KubeObject): PodTemplate | undefined {
  let found: unknown = object;
  for (const name of templatePath(object.kind)) found = fields(found)[name];
  const template = fields(found);
  return Array.isArray(fields(template["spec"])["containers"]) ? template : undefined;
}

/** The document with its pod template changed; itself when it has none. */
export function withPodTemplate(object: KubeObject, change: (template: PodTemplate) => PodTemplate): KubeObject {
  const template = podTemplateOf(object);
  if (template === undefined) return object;
  const put = (value: unknown, path: readonly string[]): unknown => {
    const [name, ...rest] = path;
    return name === undefined ? change(fields(value)) : { ...fields(value), [name]: put(fields(value)[name], rest) };
  };
  return put(object, templatePath(object.kind)) as KubeObject;
}

/** The pod's spec in a template. */
export function podSpecOf(template: PodTemplate): Fields {
  return fields(template.spec);
}

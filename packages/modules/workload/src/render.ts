import { shortened, podSpecOf, podTemplateOf, withPodTemplate, withPullSecret } from "@threeport/module-environment";
import { fields, items, type KubeObject } from "@threeport/resource";

export interface RenderInput {
  readonly objects: readonly KubeObject[];
  readonly definition: string;
  readonly instance: string;
  /** Sets the replicas of {@link scalableIn}; undefined leaves them as written. */
  readonly replicas?: number | undefined;
  /** The environment has registries: pods pull with their credentials. */
  readonly pullSecret?: boolean;
  /** Any text: pods are replaced when it changes. */
  readonly restartedAt?: string | undefined;
}

/** On pod templates: when somebody asked for new pods. */
const restartedAnnotation = "threeport.io/restarted-at";

/** The documents as they go to the cluster: pure, same input, same bytes. Labels of the user's own stay as they are (C5). */
export function renderManifests(input: RenderInput): KubeObject[] {
  const labels = { "app.kubernetes.io/name": input.definition, "app.kubernetes.io/instance": input.instance, "app.kubernetes.io/managed-by": "threeport" };
  const scalable = scalableIn(input.objects);
  return input.objects.map((document) => {
    const object: KubeObject = {
      ...document,
      ...(document === scalable && input.replicas !== undefined ? { spec: { ...fields(document["spec"]), replicas: input.replicas } } : {}),
      metadata: { ...document.metadata, labels: { ...withinLabelLimit(labels), ...document.metadata.labels } },
    };
    return restarted(input.pullSecret === true ? withPullSecret(object) : object, input.restartedAt);
  });
}

/** Kinds whose pods are replaced when their template changes. A Pod's and a Job's cannot change, and a CronJob's next run is new anyway. */
const restartable: ReadonlySet<string> = new Set(["apps/v1/Deployment", "apps/v1/StatefulSet", "apps/v1/DaemonSet"]);

function restarted(object: KubeObject, at: string | undefined): KubeObject {
  if (at === undefined || !restartable.has(`${object.apiVersion}/${object.kind}`)) return object;
  return withPodTemplate(object, (template) => {
    const metadata = fields(template.metadata);
    return { ...template, metadata: { ...metadata, annotations: { ...fields(metadata["annotations"]), [restartedAnnotation]: at } } };
  });
}

/** Kinds that run something a number of times, and have `/scale` in a cluster. */
const scalableKinds: ReadonlySet<string> = new Set(["apps/v1/Deployment", "apps/v1/StatefulSet", "apps/v1/ReplicaSet", "v1/ReplicationController"]);

/** The one document whose replicas an instance may set. Undefined when there is none or there are several: then nobody could say which is meant. */
export function scalableIn(objects: readonly KubeObject[]): KubeObject | undefined {
  const found = objects.filter((object) => scalableKinds.has(`${object.apiVersion}/${object.kind}`));
  return found.length === 1 ? found[0] : undefined;
}

/** How often a document runs; as Kubernetes has it, once unless said. */
export function replicasOf(object: KubeObject): number {
  const { replicas } = fields(object["spec"]);
  return typeof replicas === "number" ? replicas : 1;
}

/** A label value has at most 63 characters; names may be longer. */
function withinLabelLimit(labels: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, shortened(value, 63)]));
}

/** The image of each container in documents that hold a pod template, as `Kind/name/container`. */
export function imagesOf(objects: readonly KubeObject[]): { container: string; image: string }[] {
  return objects.flatMap((object) => {
    const template = podTemplateOf(object);
    if (template === undefined) return [];
    const spec = podSpecOf(template);
    return [...items(spec["initContainers"]), ...items(spec["containers"])].flatMap((container) => {
      const { name, image } = fields(container);
      return typeof image === "string" ? [{ container: `${object.kind}/${object.metadata.name}/${typeof name === "string" ? name : ""}`, image }] : [];
    });
  });
}

import type { StoredObject } from "@threeport/resource";
import type { SimCluster } from "../cluster.ts";
import { fieldsOf, type Fields } from "../controllers/owned.ts";

/** A reference of a container or a volume to a ConfigMap or a Secret, with the keys that it must have. */
interface Reference {
  readonly kind: "ConfigMap" | "Secret";
  readonly name: string;
  readonly keys: readonly string[];
}

/** Why the container cannot be created: a ConfigMap, a Secret or a key that its environment needs and that is not there. In the kubelet's words and order. */
export async function environmentProblem(cluster: SimCluster, pod: StoredObject, container: Fields): Promise<string | undefined> {
  const { namespace = "" } = pod.metadata;
  for (const reference of environmentReferences(container)) {
    const found = await read(cluster, namespace, reference);
    if (found === undefined) return notFound(reference);
    const missing = reference.keys.find((key) => !hasKey(found, key));
    if (missing !== undefined) return `couldn't find key ${missing} in ${reference.kind} ${namespace}/${reference.name}`;
  }
  return undefined;
}

/** Why a volume cannot be mounted, with the volume's name. */
export async function mountProblem(cluster: SimCluster, pod: StoredObject): Promise<string | undefined> {
  for (const volume of listOf(fieldsOf(pod["spec"])["volumes"])) {
    const reference = volumeReference(volume);
    if (reference === undefined) continue;
    const found = await read(cluster, pod.metadata.namespace ?? "", reference);
    const missing = found === undefined ? undefined : reference.keys.find((key) => !hasKey(found, key));
    if (found !== undefined && missing === undefined) continue;
    const absent = reference.kind === "ConfigMap" ? "configmap references non-existent config key" : "references non-existent secret key";
    return `MountVolume.SetUp failed for volume "${String(volume["name"])}" : ${missing === undefined ? notFound(reference) : `${absent}: ${missing}`}`;
  }
  return undefined;
}

function environmentReferences(container: Fields): Reference[] {
  const whole = listOf(container["envFrom"]).flatMap((from) => [
    ...referenceOf("ConfigMap", from["configMapRef"], "name"),
    ...referenceOf("Secret", from["secretRef"], "name"),
  ]);
  const single = listOf(container["env"]).flatMap((variable) => {
    const from = fieldsOf(variable["valueFrom"]);
    return [...referenceOf("ConfigMap", from["configMapKeyRef"], "name"), ...referenceOf("Secret", from["secretKeyRef"], "name")];
  });
  return [...whole, ...single];
}

function volumeReference(volume: Fields): Reference | undefined {
  return [...referenceOf("ConfigMap", volume["configMap"], "name"), ...referenceOf("Secret", volume["secret"], "secretName")][0];
}

/** None where nothing is named, and where it may be missing. */
function referenceOf(kind: Reference["kind"], source: unknown, nameField: "name" | "secretName"): Reference[] {
  const { [nameField]: name, optional, key, items } = fieldsOf(source);
  if (typeof name !== "string" || optional === true) return [];
  const keys = [...(typeof key === "string" ? [key] : []), ...listOf(items).map((item) => String(item["key"]))];
  return [{ kind, name, keys }];
}

async function read({ objects }: SimCluster, namespace: string, { kind, name }: Reference): Promise<StoredObject | undefined> {
  return objects.get({ apiVersion: "v1", kind, namespace, name });
}

function hasKey(object: StoredObject, key: string): boolean {
  return key in fieldsOf(object["data"]) || key in fieldsOf(object["binaryData"]);
}

function notFound({ kind, name }: Reference): string {
  return `${kind.toLowerCase()} "${name}" not found`;
}

function listOf(value: unknown): readonly Fields[] {
  return (value as readonly Fields[] | undefined) ?? [];
}

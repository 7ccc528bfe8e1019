// Admission webhooks. Nothing is called, since no program runs: a webhook that could be reached says yes and changes nothing. One whose Service has nobody
// behind it fails, as in a real cluster, and refuses the write unless it may be ignored.
import type { AdmittedWrite } from "@threeport/apiserver";
import { PlatformError, type Objects, type StoredObject } from "@threeport/resource";
import { fieldsOf, type Fields } from "../controllers/owned.ts";
import { fitsLabels } from "../nodes/selection.ts";

const sliceKind = { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice" };

export function isWebhookConfiguration(resource: string): boolean {
  return (
    resource === "validatingwebhookconfigurations.admissionregistration.k8s.io" || resource === "mutatingwebhookconfigurations.admissionregistration.k8s.io"
  );
}

/** Asks the webhooks of these configurations, those that may change something first, in the order of their names. @throws PlatformError TP_INTERNAL */
export async function askWebhooks(objects: Objects, configurations: readonly StoredObject[], write: AdmittedWrite): Promise<void> {
  // Else nobody could take away a configuration that refuses everything.
  if (isWebhookConfiguration(write.kind.resource)) return;
  for (const { webhooks } of configurations.toSorted(byTurn) as readonly (StoredObject & { webhooks?: readonly Fields[] })[])
    for (const webhook of webhooks ?? []) {
      if (webhook["failurePolicy"] === "Ignore" || !concerns(webhook, write) || !(await selects(objects, webhook, write))) continue;
      const problem = await reach(objects, webhook);
      if (problem !== undefined) throw failed(String(webhook["name"]), problem);
    }
}

function byTurn(a: StoredObject, b: StoredObject): number {
  const turn = ({ kind, metadata }: StoredObject): string => `${kind === "MutatingWebhookConfiguration" ? 0 : 1} ${metadata.name}`;
  return turn(a) < turn(b) ? -1 : 1;
}

/** By kind-independent parts of a rule: operation, group, version, resource and scope. */
function concerns(webhook: Fields, { operation, kind, subresource }: AdmittedWrite): boolean {
  const resource = subresource === undefined ? kind.plural : `${kind.plural}/${subresource}`;
  const has = (values: unknown, wanted: readonly string[]): boolean =>
    ((values as readonly string[] | undefined) ?? []).some((value) => wanted.includes(value));
  return ((webhook["rules"] as readonly Fields[] | undefined) ?? []).some(
    (rule) =>
      has(rule["operations"], ["*", operation]) &&
      has(rule["apiGroups"], ["*", kind.group]) &&
      has(rule["apiVersions"], ["*", kind.version]) &&
      has(rule["resources"], [resource, "*/*", ...(subresource === undefined ? ["*"] : [`*/${subresource}`, `${kind.plural}/*`])]) &&
      [undefined, "*", kind.namespaced ? "Namespaced" : "Cluster"].includes(rule["scope"] as string | undefined),
  );
}

async function selects(objects: Objects, webhook: Fields, { kind, object, old }: AdmittedWrite): Promise<boolean> {
  const labels = [object, ...(old === undefined ? [] : [old])].map(({ metadata }) => metadata.labels ?? {});
  if (!labels.some((each) => fitsLabels(webhook["objectSelector"], each))) return false;
  const place = kind.kind === "Namespace" && kind.group === "" ? object : await namespaceOf(objects, object.metadata.namespace);
  return place === undefined || fitsLabels(webhook["namespaceSelector"], place.metadata.labels ?? {});
}

async function namespaceOf({ get }: Objects, name: string | undefined): Promise<StoredObject | undefined> {
  return name === undefined || name === "" ? undefined : get({ apiVersion: "v1", kind: "Namespace", name });
}

/** Why the webhook cannot be called. Those outside of the cluster always can. */
async function reach(objects: Objects, webhook: Fields): Promise<string | undefined> {
  const { service } = fieldsOf(webhook["clientConfig"]);
  if (service === undefined) return undefined;
  const { name, namespace, path = "", port = 443 } = fieldsOf(service) as { name: string; namespace: string; path?: string; port?: number };
  const problem = await unreachable(objects, { name, namespace });
  const call = `https://${name}.${namespace}.svc:${port}/${path.replace(/^\//, "")}?timeout=${String(webhook["timeoutSeconds"] ?? 10)}s`;
  return problem === undefined ? undefined : `failed to call webhook: Post "${call}": ${problem}`;
}

async function unreachable(objects: Objects, { name, namespace }: { readonly name: string; readonly namespace: string }): Promise<string | undefined> {
  if ((await objects.get({ apiVersion: "v1", kind: "Service", namespace, name })) === undefined) return `service "${name}" not found`;
  const slices = await objects.list(sliceKind, { namespace, labelSelector: `kubernetes.io/service-name=${name}` });
  const endpoints = slices.flatMap((slice) => (slice["endpoints"] as readonly Fields[] | undefined) ?? []);
  return endpoints.some((each) => fieldsOf(each["conditions"])["ready"] !== false) ? undefined : `no endpoints available for service "${name}"`;
}

function failed(webhook: string, reason: string): PlatformError {
  const why = `failed calling webhook "${webhook}": ${reason}`;
  return new PlatformError("TP_INTERNAL", { message: `Internal error occurred: ${why}`, causes: [{ message: why }] });
}

import { formatQuantity, parseQuantity, type KubeObject, type StoredObject } from "@threeport/resource";
import type { SimCluster } from "../cluster.ts";
import type { Controller } from "../controller.ts";
import { inScope, resourceOf, sumOf, usageOf, type Usage } from "../admission/quota-usage.ts";
import { fieldsOf, setStatus } from "./owned.ts";

const quotaKind = { apiVersion: "v1", kind: "ResourceQuota" };
const listMax = 100_000;

/** Counts what is there. At the key `namespace/`, which a change in a namespace with quotas wakes, all of its quotas. */
export const resourceQuotaController: Controller = {
  name: "resource-quotas",
  watches: [{ resource: "resourcequotas" }],
  async reconcile(cluster, { namespace, name }) {
    const quotas = name === "" ? await cluster.objects.list(quotaKind, { namespace }) : [await cluster.objects.get({ ...quotaKind, namespace, name })];
    for (const quota of quotas) if (quota !== undefined && quota.metadata.deletionTimestamp === undefined) await count(cluster, quota);
    return undefined;
  },
};

async function count(cluster: SimCluster, quota: StoredObject): Promise<void> {
  const hard = fieldsOf(fieldsOf(quota["spec"])["hard"]);
  const usages: Usage[] = [];
  for (const resource of new Set(Object.keys(hard).map(resourceOf))) {
    const { items } = await cluster.reader.list({ kind: resource, namespace: quota.metadata.namespace ?? "", limit: listMax });
    for (const { body } of items) {
      const object = JSON.parse(body) as KubeObject;
      if (resource !== "pods" || inScope(quota, object)) usages.push(usageOf(resource, object));
    }
  }
  const total = sumOf(usages);
  const used = Object.fromEntries(Object.keys(hard).map((name) => [name, formatQuantity(total.get(name) ?? parseQuantity(0))]));
  await setStatus(cluster, quota, { hard, used });
}

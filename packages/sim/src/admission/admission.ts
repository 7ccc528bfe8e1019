import type { AdmittedWrite } from "@threeport/apiserver";
import type { Objects, StoredObject } from "@threeport/resource";
import type { Change } from "@threeport/store";
import { chargeQuotas } from "./charge-quotas.ts";
import { askWebhooks, isWebhookConfiguration } from "./webhooks.ts";

export interface Admission {
  /** @throws PlatformError, which the writer hears */
  admit(objects: Objects, write: AdmittedWrite): Promise<void>;
  /** Called with each change, in order. Answers the namespace whose quotas must be counted again. */
  onChange(change: Change): string | undefined;
}

/** What writes are judged by beyond their kinds. A cluster that has nothing of it pays nothing for it. */
export function createAdmission(): Admission {
  /** How many quotas a namespace has. */
  const quotas = new Map<string, number>();
  const webhooks = new Map<string, StoredObject>();
  return {
    async admit(objects, write) {
      if (webhooks.size > 0) await askWebhooks(objects, [...webhooks.values()], write);
      // Last, as upstream: nobody is charged for what is refused.
      if (quotas.has(write.object.metadata.namespace ?? "")) await chargeQuotas(objects, write);
    },
    onChange({ key, body, deleted, prevRv }) {
      const { kind, namespace, name } = key;
      if (isWebhookConfiguration(kind)) {
        if (deleted) webhooks.delete(`${kind}/${name}`);
        else webhooks.set(`${kind}/${name}`, JSON.parse(body) as StoredObject);
      }
      if (kind === "resourcequotas") {
        const count = (quotas.get(namespace) ?? 0) + (deleted ? -1 : prevRv === 0 ? 1 : 0);
        if (count > 0) quotas.set(namespace, count);
        else quotas.delete(namespace);
      }
      return quotas.has(namespace) ? namespace : undefined;
    },
  };
}

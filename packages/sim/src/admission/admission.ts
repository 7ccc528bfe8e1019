import type { AdmittedWrite } from "@threeport/apiserver";
import type { Objects } from "@threeport/resource";
import type { Change } from "@threeport/store";
import { chargeQuotas } from "./charge-quotas.ts";

export interface Admission {
  admit(objects: Objects, write: AdmittedWrite): Promise<void>;
  /** Called with each change, in order. Answers the namespace whose quotas must be counted again. */
  onChange(change: Change): string | undefined;
}

/** What writes are judged by beyond their kinds. A cluster that has nothing of it pays nothing for it. */
export function createAdmission(): Admission {
  /** How many quotas a namespace has. */
  const quotas = new Map<string, number>();
  return {
    async admit(objects, write) {
      if (quotas.has(write.object.metadata.namespace ?? "")) await chargeQuotas(objects, write);
    },
    onChange({ key, deleted, prevRv }) {
      const { namespace } = key;
      if (key.kind === "resourcequotas") {
        const count = (quotas.get(namespace) ?? 0) + (deleted ? -1 : prevRv === 0 ? 1 : 0);
        if (count > 0) quotas.set(namespace, count);
        else quotas.delete(namespace);
      }
      return quotas.has(namespace) ? namespace : undefined;
    },
  };
}

import type { ReconcileContext } from "@threeport/engine";
import { PlatformError, secretTexts, type StoredObject } from "@threeport/resource";
import type { DependencyClaim } from "./kinds/claim.ts";

export interface ReadOutputs {
  readonly values: Readonly<Record<string, unknown>>;
  /** Never to be shown. */
  readonly secret: Readonly<Record<string, string>>;
}

/** What a claim that is Ready gives. @throws PlatformError TP_VERSION_CONFLICT when its Secret is being replaced at this moment */
export async function readOutputs(claim: DependencyClaim, { objects }: Pick<ReconcileContext, "objects">): Promise<ReadOutputs> {
  const { values = {}, secret } = claim.status?.outputs ?? {};
  if (secret === undefined) return { values, secret: {} };
  const found = await objects.get<StoredObject>({ apiVersion: "v1", kind: "Secret", namespace: claim.metadata.namespace ?? "", name: secret.name });
  const data = found === undefined ? {} : secretTexts(found);
  if (secret.keys.some((key) => data[key] === undefined))
    throw new PlatformError("TP_VERSION_CONFLICT", {
      message: `Secret ${secret.name} with the outputs of ${claim.metadata.name} is not there, or lacks some of them`,
    });
  return { values, secret: Object.fromEntries(secret.keys.map((key) => [key, data[key] ?? ""])) };
}

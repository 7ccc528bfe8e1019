// What every profile's objects get, whatever they are.
import { withPullSecret, withSecretsDigest } from "@threeport/module-environment";
import type { KubeObject } from "@threeport/resource";

export interface Finish {
  readonly pullSecret: boolean;
  /** A digest of content that may be secret. */
  readonly digest: (content: string) => string;
}

/** Rendered objects as they go to the cluster: pods that read a Secret among them are replaced when what they read of it changes. */
export function finishedObjects(objects: readonly KubeObject[], { pullSecret, digest }: Finish): KubeObject[] {
  const secrets = new Map(objects.filter(({ apiVersion, kind }) => apiVersion === "v1" && kind === "Secret").map((secret) => [secret.metadata.name, secret]));
  return objects.map((object) => {
    const labelled = { ...object, metadata: { ...object.metadata, labels: { "app.kubernetes.io/managed-by": "threeport", ...object.metadata.labels } } };
    return withSecretsDigest(pullSecret ? withPullSecret(labelled) : labelled, secrets, digest);
  });
}

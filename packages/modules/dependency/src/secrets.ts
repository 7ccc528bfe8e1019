import { fields, type KubeObject, type OwnerReference } from "@threeport/resource";

/** Values of a Secret of the control plane, decoded. */
export function secretData(secret: KubeObject): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields(secret["data"])).flatMap(([key, value]) =>
      typeof value === "string" ? [[key, Buffer.from(value, "base64").toString("utf8")] as const] : [],
    ),
  );
}

export function ownedBy({ apiVersion, kind, metadata }: KubeObject): OwnerReference {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? "", controller: true, blockOwnerDeletion: true };
}

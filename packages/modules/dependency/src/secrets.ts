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

/** Keys of a Secret whose values are text, and the others: what is no UTF-8 would be changed by reading it. */
export function textKeys(secret: KubeObject): { readonly text: string[]; readonly other: string[] } {
  const values = Object.entries(fields(secret["data"])).map(([key, value]) => ({ key, bytes: Buffer.from(String(value), "base64") }));
  const isText = ({ bytes }: { readonly bytes: Buffer }): boolean => Buffer.from(bytes.toString("utf8")).equals(bytes);
  const names = (text: boolean): string[] =>
    values
      .filter((each) => isText(each) === text)
      .map(({ key }) => key)
      .toSorted();
  return { text: names(true), other: names(false) };
}

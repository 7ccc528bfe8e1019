import { fields, type KubeObject } from "@threeport/resource";

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

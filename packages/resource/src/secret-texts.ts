import { fields } from "./loose.ts";
import type { KubeObject } from "./object.ts";

/** The values of a Secret as text, as `data` and `stringData` hold them; what is no text in UTF-8 is not kept apart. */
export function secretTexts(secret: KubeObject): Record<string, string> {
  const texts = (values: unknown, read: (value: string) => string): [string, string][] =>
    Object.entries(fields(values)).flatMap(([key, value]) => (typeof value === "string" ? [[key, read(value)]] : []));
  return Object.fromEntries([
    ...texts(secret["data"], (value) => Buffer.from(value, "base64").toString("utf8")),
    ...texts(secret["stringData"], (value) => value),
  ]);
}

/** Texts as `data` of a Secret. */
export function secretData(texts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text, "utf8").toString("base64")]));
}

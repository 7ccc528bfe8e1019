import type { Kind } from "@threeport/resource";
import type { Offered } from "../subresource.ts";
import { openApiDocument } from "./document.ts";
import { openApiV2Head, openApiV2Part } from "./v2.ts";

/** A way to write OpenAPI v2 that can be put together from parts. */
export interface OpenApiV2Form {
  readonly contentType: string;
  readonly paths: (entries: Readonly<Record<string, object>>) => Buffer;
  readonly definitions: (entries: Readonly<Record<string, object>>) => Buffer;
  readonly whole: (paths: readonly Buffer[], definitions: readonly Buffer[]) => Buffer;
}

export const jsonForm: OpenApiV2Form = {
  contentType: "application/json",
  paths: members,
  definitions: members,
  whole: (paths, definitions) =>
    Buffer.concat([
      Buffer.from(`${JSON.stringify(openApiV2Head).slice(0, -1)},"paths":{`),
      ...joined(paths),
      Buffer.from('},"definitions":{'),
      ...joined(definitions),
      Buffer.from("}}"),
    ]),
};

/** `"a":…,"b":…` */
function members(entries: Readonly<Record<string, object>>): Buffer {
  return Buffer.from(JSON.stringify(entries).slice(1, -1));
}

const comma = Buffer.from(",");

function joined(parts: readonly Buffer[]): Buffer[] {
  return parts.filter((part) => part.length > 0).flatMap((part, index) => (index === 0 ? [part] : [comma, part]));
}

/** Kinds whose part is made without a pause: some 20 ms for large ones. */
const kindsAtOnce = 10;

/** OpenAPI v2 of all kinds. A thousand are seconds of work, so others have their turn in between, and only bytes are held. */
export async function assembleOpenApiV2(
  places: readonly (readonly Kind[])[],
  subresources: ReadonlyMap<string, Offered>,
  form: OpenApiV2Form,
): Promise<Buffer> {
  const paths: Buffer[] = [];
  const definitions: Buffer[] = [];
  const defined = new Set<string>();
  for (const kinds of places) {
    for (let start = 0; start < kinds.length; start += kindsAtOnce) {
      const part = openApiV2Part(openApiDocument(kinds.slice(start, start + kindsAtOnce), subresources));
      paths.push(form.paths(part.paths));
      definitions.push(form.definitions(Object.fromEntries(Object.entries(part.definitions).filter(([name]) => !defined.has(name)))));
      for (const name of Object.keys(part.definitions)) defined.add(name);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return form.whole(paths, definitions);
}

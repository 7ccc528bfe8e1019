// What manifests and charts depend on, in a file of its own: written as the `resources` of a Score file.
import { fields, PlatformError, type JsonObject } from "@threeport/resource";
import { loadManifests } from "../manifests/load-manifests.ts";
import type { OriginOf } from "../manifests/locate-causes.ts";
import { noInput, readSources } from "../manifests/read-sources.ts";

export interface DeclaredDependencies {
  /** As a definition has them. */
  readonly list: JsonObject[];
  /** `[0].params.x` of the list as a field of the file. */
  readonly origin: OriginOf;
}

/** @throws PlatformError TP_USAGE, TP_NOT_FOUND, TP_YAML_INVALID */
export async function readDependencies(path: string): Promise<DeclaredDependencies> {
  const { manifests } = loadManifests(await readSources([path], noInput()));
  const [manifest, more] = manifests;
  const resources = manifest?.value["resources"];
  if (manifest === undefined || more !== undefined || typeof resources !== "object" || resources === null || Array.isArray(resources))
    throw new PlatformError("TP_USAGE", {
      message: `${path} must be one document with resources, as a Score file has them`,
      detail: { hint: "for example: resources: {db: {type: postgres}}" },
    });
  const named = Object.entries(resources as JsonObject);
  return {
    list: named.map(([name, resource]) => ({ name, ...fields(resource) })) as JsonObject[],
    origin: (field) => {
      const [, index = "", rest = ""] = /^\[(\d{1,4})\](.*)$/.exec(field) ?? [];
      const name = named[Number(index)]?.[0];
      return name === undefined ? undefined : { manifest, field: `resources.${name}${rest === ".name" ? "" : rest}` };
    },
  };
}

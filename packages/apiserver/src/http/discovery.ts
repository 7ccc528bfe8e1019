import type { Kind } from "@threeport/resource";
import type { Registry } from "../registry.ts";
import { servedOf, type Served } from "./served.ts";
import type { Offered } from "./subresource.ts";

/** What discovery tells about. */
export interface Offer {
  readonly registry: Registry;
  readonly subresources: ReadonlyMap<string, Offered>;
}

/** `/api`: versions of the core group. */
export function coreVersions(): object {
  return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] };
}

/** `/apis`: all named groups. */
export function groupList({ registry }: Offer): object {
  return {
    kind: "APIGroupList",
    apiVersion: "v1",
    groups: registry
      .groups()
      .filter((entry) => entry.group !== "")
      .map((entry) => apiGroup(entry.group, entry.versions)),
  };
}

function apiGroup(group: string, versions: readonly string[]): object {
  const list = versions.map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: list, preferredVersion: list[0] };
}

/** `/apis/<group>`. */
export function groupDocument({ registry }: Offer, name: string): object | undefined {
  const found = registry.groups().find((entry) => entry.group === name && name !== "");
  return found === undefined ? undefined : { kind: "APIGroup", apiVersion: "v1", ...apiGroup(found.group, found.versions) };
}

/** `/apis/<group>/<version>` and `/api/v1`: the resources of one group version; undefined when there is none. */
export function resourceList(offer: Offer, group: string, version: string): object | undefined {
  const kinds = kindsOf(offer.registry, group, version);
  if (kinds.length === 0) return undefined;
  const resources = kinds.flatMap((kind) => servedOf(kind, offer.subresources).map((served) => resource(kind, served)));
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion: group === "" ? version : `${group}/${version}`, resources };
}

function resource(kind: Kind, served: Served): object {
  const own = served.subresource === "";
  const elsewhere = served.kind.group !== kind.group || served.kind.version !== kind.version;
  return {
    name: own ? kind.plural : `${kind.plural}/${served.subresource}`,
    singularName: own ? kind.singular : "",
    namespaced: kind.namespaced,
    ...(elsewhere ? { group: served.kind.group, version: served.kind.version } : {}),
    kind: served.kind.kind,
    verbs: served.verbs,
    ...(own && kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
    ...(own && kind.categories.length > 0 ? { categories: kind.categories } : {}),
  };
}

export type AggregatedVersion = "v2" | "v2beta1";

/** `/api` or `/apis` in the form that tells everything at once, so that a client asks twice and not once for each group version. */
export function aggregatedDiscovery(offer: Offer, part: "core" | "named", version: AggregatedVersion): object {
  const items = offer.registry
    .groups()
    .filter(({ group }) => (group === "") === (part === "core"))
    .map(({ group, versions }) => ({
      metadata: group === "" ? { creationTimestamp: null } : { name: group, creationTimestamp: null },
      versions: versions.map((name) => ({
        version: name,
        resources: kindsOf(offer.registry, group, name).map((kind) => aggregatedResource(kind, servedOf(kind, offer.subresources))),
        freshness: "Current",
      })),
    }));
  return { kind: "APIGroupDiscoveryList", apiVersion: `apidiscovery.k8s.io/${version}`, metadata: {}, items };
}

function aggregatedResource(kind: Kind, [own, ...parts]: readonly Served[]): object {
  const responseKind = (served: Served | undefined) => {
    const { group = "", version = "", kind: name = "" } = served?.kind ?? {};
    return { group, version, kind: name };
  };
  return {
    resource: kind.plural,
    responseKind: responseKind(own),
    scope: kind.namespaced ? "Namespaced" : "Cluster",
    singularResource: kind.singular,
    verbs: own?.verbs ?? [],
    ...(kind.shortNames.length === 0 ? {} : { shortNames: kind.shortNames }),
    ...(kind.categories.length === 0 ? {} : { categories: kind.categories }),
    ...(parts.length === 0
      ? {}
      : { subresources: parts.map((part) => ({ subresource: part.subresource, responseKind: responseKind(part), verbs: part.verbs })) }),
  };
}

function kindsOf(registry: Registry, group: string, version: string): readonly Kind[] {
  return registry.all().filter((kind) => kind.group === group && kind.version === version);
}

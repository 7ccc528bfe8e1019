import { PlatformError, type Kind } from "@threeport/resource";

/** All kinds that this server knows, by the three ways a caller names them. */
export interface Registry {
  add(kind: Kind): void;
  /** By URL: group, version and plural. */
  byPlural(group: string, version: string, plural: string): Kind | undefined;
  /** By body: `apiVersion` and `kind`. */
  byKind(apiVersion: string, kind: string): Kind | undefined;
  /** By the store's name: `releases.threeport.io`. */
  byResource(resource: string): Kind | undefined;
  all(): readonly Kind[];
  groups(): readonly { readonly group: string; readonly versions: readonly string[] }[];
  /** Grows with each change: what discovery and OpenAPI are cached by. */
  readonly revision: number;
}

export function createRegistry(kinds: readonly Kind[]): Registry {
  const byUrl = new Map<string, Kind>();
  const byBody = new Map<string, Kind>();
  const byName = new Map<string, Kind>();
  let revision = 0;
  const add = (kind: Kind): void => {
    byUrl.set(`${kind.group}/${kind.version}/${kind.plural}`, kind);
    byBody.set(`${kind.apiVersion}/${kind.kind}`, kind);
    byName.set(kind.resource, kind);
    revision++;
  };
  for (const kind of kinds) add(kind);
  return {
    add,
    byPlural: (group, version, plural) => byUrl.get(`${group}/${version}/${plural}`),
    byKind: (apiVersion, kind) => byBody.get(`${apiVersion}/${kind}`),
    byResource: (resource) => byName.get(resource),
    all: () => [...byUrl.values()],
    groups() {
      const versions = new Map<string, string[]>();
      for (const kind of byUrl.values()) {
        const list = versions.get(kind.group) ?? [];
        if (!list.includes(kind.version)) list.push(kind.version);
        versions.set(kind.group, list);
      }
      return [...versions].map(([group, list]) => ({ group, versions: list })).sort((a, b) => a.group.localeCompare(b.group));
    },
    get revision() {
      return revision;
    },
  };
}

/** The kind that a body names; `TP_BAD_REQUEST` when this server has none of that name. */
export function kindOf(registry: Registry, apiVersion: string, kind: string): Kind {
  const found = registry.byKind(apiVersion, kind);
  if (found === undefined)
    throw new PlatformError("TP_NOT_FOUND", { message: `this server has no kind ${kind} in ${apiVersion}; see "kubectl api-resources"` });
  return found;
}

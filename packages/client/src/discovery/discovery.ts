import { parseApiVersion } from "@threeport/resource";
import type { ApiResource, DiscoveryFailure, DiscoveryResult } from "./api-resource.ts";

/** What a server serves, ready for look-ups. */
export interface Discovery {
  readonly resources: readonly ApiResource[];
  /** Group versions that could not be read: what they hold is unknown, not absent. */
  readonly failures: readonly DiscoveryFailure[];
  /** The resource of a kind, or undefined. */
  byKind(apiVersion: string, kind: string): ApiResource | undefined;
  /**
   * What a person may mean: plural, singular, short name or kind, in any case, alone or as `name.group` or `name.version.group`.
   * The first is the best: the core group, then the server's preference. More than one means that the name is shared by groups.
   */
  find(name: string): readonly ApiResource[];
  /** Asks the server again; the client uses the new answer from then on. */
  refresh(signal?: AbortSignal): Promise<Discovery>;
}

export function indexDiscovery(result: DiscoveryResult, refresh: Discovery["refresh"]): Discovery {
  const kinds = new Map<string, ApiResource>();
  const names = new Map<string, ApiResource[]>();
  for (const resource of result.resources) {
    const key = `${resource.group}/${resource.version}/${resource.kind}`;
    if (!kinds.has(key)) kinds.set(key, resource);
    for (const name of new Set([resource.resource, resource.singular, resource.kind, ...resource.shortNames].map((name) => name.toLowerCase()))) {
      if (name === "") continue;
      const same = names.get(name);
      if (same === undefined) names.set(name, [resource]);
      else same.push(resource);
    }
  }
  return {
    resources: result.resources,
    failures: result.failures,
    refresh,
    byKind: (apiVersion, kind) => {
      const { group, version } = parseApiVersion(apiVersion);
      return kinds.get(`${group}/${version}/${kind}`);
    },
    find: (text) => {
      const [name = "", ...rest] = text.toLowerCase().split(".");
      const found = names.get(name) ?? [];
      if (rest.length === 0) return onePerGroup(found);
      const qualifier = rest.join(".");
      const inGroup = found.filter((resource) => resource.group === qualifier);
      return inGroup.length > 0 ? onePerGroup(inGroup) : found.filter((resource) => versionAndGroup(resource) === qualifier);
    },
  };
}

function versionAndGroup({ group, version }: ApiResource): string {
  return group === "" ? version : `${version}.${group}`;
}

/** Versions of one resource come in order of preference; a person who names no version means the first. */
function onePerGroup(found: readonly ApiResource[]): readonly ApiResource[] {
  return found.filter((resource, index) => found.findIndex((other) => other.group === resource.group && other.resource === resource.resource) === index);
}

import { PlatformError, type Kind } from "@threeport/resource";
import { compareVersions } from "./crd/compare-versions.ts";

/**
 * All kinds that this process serves, by the three ways a caller names them. Built-in kinds are there from the start and
 * stay; those of CustomResourceDefinitions come, change and go with these.
 */
export interface Registry {
  add(kind: Kind): void;
  /** Puts `kinds` (one for each version) in the place of what the CustomResourceDefinition `definition` stood for; none removes it. */
  define(definition: string, kinds: readonly Kind[]): void;
  /** By URL: group, version and plural. */
  byPlural(group: string, version: string, plural: string): Kind | undefined;
  /** By body: `apiVersion` and `kind`. Versions that are not served are found too: their objects can still be removed. */
  byKind(apiVersion: string, kind: string): Kind | undefined;
  /** By the store's name: `releases.threeport.io`. Of several versions the one that discovery prefers. */
  byResource(resource: string): Kind | undefined;
  /** Every served version of every kind. */
  all(): readonly Kind[];
  /** Every kind once, also when none of its versions is served. */
  resources(): readonly Kind[];
  /** Versions in the order of preference. */
  groups(): readonly { readonly group: string; readonly versions: readonly string[] }[];
  /** Grows with each change: what discovery and OpenAPI are cached by. */
  readonly revision: number;
  /** Calls `listener` once, when `kind` is no longer what is served under its name. At once when that is so already. */
  onRetired(kind: Kind, listener: () => void): Disposable;
}

export function createRegistry(kinds: readonly Kind[]): Registry {
  const byUrl = new Map<string, Kind>();
  const byBody = new Map<string, Kind>();
  const byName = new Map<string, Kind>();
  const defined = new Map<string, readonly Kind[]>();
  const waiting = new Map<Kind, Set<() => void>>();
  let revision = 0;

  const urlOf = (kind: Kind) => `${kind.group}/${kind.version}/${kind.plural}`;
  const bodyOf = (kind: Kind) => `${kind.apiVersion}/${kind.kind}`;
  const add = (kind: Kind): void => {
    byUrl.set(urlOf(kind), kind);
    byBody.set(bodyOf(kind), kind);
    const known = byName.get(kind.resource);
    if (known === undefined || compareVersions(kind.version, known.version) <= 0) byName.set(kind.resource, kind);
    revision++;
  };
  const remove = (kind: Kind): void => {
    if (byUrl.get(urlOf(kind)) === kind) byUrl.delete(urlOf(kind));
    if (byBody.get(bodyOf(kind)) === kind) byBody.delete(bodyOf(kind));
    if (byName.get(kind.resource) === kind) byName.delete(kind.resource);
  };
  for (const kind of kinds) add(kind);

  return {
    add,
    define(definition, next) {
      const before = defined.get(definition) ?? [];
      for (const kind of before) remove(kind);
      // What is served under a name already stays: nobody takes over a built-in kind.
      for (const kind of next.filter(isServed)) if (!byUrl.has(urlOf(kind)) && !byBody.has(bodyOf(kind))) add(kind);
      for (const kind of next.filter((other) => !isServed(other))) {
        if (!byBody.has(bodyOf(kind))) byBody.set(bodyOf(kind), kind);
        if (!byName.has(kind.resource)) byName.set(kind.resource, kind);
      }
      if (next.length === 0) defined.delete(definition);
      else defined.set(definition, next);
      revision++;
      for (const kind of before) {
        const listeners = waiting.get(kind);
        waiting.delete(kind);
        for (const listener of listeners ?? []) listener();
      }
    },
    byPlural: (group, version, plural) => byUrl.get(`${group}/${version}/${plural}`),
    byKind: (apiVersion, kind) => byBody.get(`${apiVersion}/${kind}`),
    byResource: (resource) => byName.get(resource),
    all: () => [...byUrl.values()],
    resources: () => [...byName.values()],
    groups() {
      const versions = new Map<string, Set<string>>();
      for (const kind of byUrl.values()) {
        const set = versions.get(kind.group) ?? new Set();
        versions.set(kind.group, set.add(kind.version));
      }
      return [...versions]
        .map(([group, set]) => ({ group, versions: [...set].sort(compareVersions) }))
        .sort((a, b) => (a.group < b.group ? -1 : a.group > b.group ? 1 : 0));
    },
    get revision() {
      return revision;
    },
    onRetired(kind, listener) {
      if (byUrl.get(urlOf(kind)) !== kind) {
        listener();
        return { [Symbol.dispose]: () => {} };
      }
      const set = waiting.get(kind) ?? new Set();
      waiting.set(kind, set.add(listener));
      return {
        [Symbol.dispose]() {
          set.delete(listener);
          if (set.size === 0 && waiting.get(kind) === set) waiting.delete(kind);
        },
      };
    },
  };
}

function isServed(kind: Kind): boolean {
  return kind.custom?.served !== false;
}

/** The kind that a body names; `TP_BAD_REQUEST` when this server has none of that name. */
export function kindOf(registry: Registry, apiVersion: string, kind: string): Kind {
  const found = registry.byKind(apiVersion, kind);
  if (found === undefined)
    throw new PlatformError("TP_NOT_FOUND", { message: `this server has no kind ${kind} in ${apiVersion}; see "kubectl api-resources"` });
  return found;
}

// What stands in an environment. Its kinds belong to domains that build on this one; here they are met by their names.
import type { KubeObject, Objects } from "@threeport/resource";
import { environmentKind, type Environment } from "./environment-kind.ts";

const { apiVersion } = environmentKind;
export const deploymentKind = { apiVersion, kind: "WorkloadInstance" } as const;
export const dependencyKind = { apiVersion, kind: "Dependency" } as const;
export const profileKind = { apiVersion, kind: "DependencyProfile" } as const;
export const runtimeKind = { apiVersion, kind: "KubernetesRuntimeInstance" } as const;

export interface Dependency extends KubeObject {
  readonly spec: { readonly profile?: string };
}

export interface Profile extends KubeObject {
  readonly spec: { readonly deletion?: { readonly policy?: string }; readonly match?: { readonly labels?: Readonly<Record<string, string>> } };
}

/** All of a kind that name the environment. */
export async function standingIn<T extends KubeObject>(
  { metadata }: Environment,
  kind: { readonly apiVersion: string; readonly kind: string },
  objects: Pick<Objects, "list">,
): Promise<readonly T[]> {
  return objects.list<T & KubeObject>(kind, { refersTo: { apiVersion, kind: environmentKind.kind, name: metadata.name } });
}

/** Names in a message: enough to act on. */
const namedMax = 5;

/** `shop/web-dev, shop/worker-dev and 3 others`. */
export function namesOf(objects: readonly KubeObject[]): string {
  const named = objects.slice(0, namedMax).map(({ metadata }) => `${metadata.namespace === undefined ? "" : `${metadata.namespace}/`}${metadata.name}`);
  const more = objects.length - named.length;
  return `${named.join(", ")}${more === 0 ? "" : ` and ${more} ${more === 1 ? "other" : "others"}`}`;
}

import type { User } from "@threeport/store";

export const authenticatedGroup = "system:authenticated";
const serviceAccountPrefix = "system:serviceaccount:";
const serviceAccountsGroup = "system:serviceaccounts";

/** Longest list of groups that one identity may have: bounds what each of its requests costs. */
export const groupsMax = 1_000;

export function serviceAccountName(namespace: string, name: string): string {
  return `${serviceAccountPrefix}${namespace}:${name}`;
}

/** Namespace and name behind `system:serviceaccount:<namespace>:<name>`; undefined for other users. */
export function parseServiceAccountName(user: string): { readonly namespace: string; readonly name: string } | undefined {
  if (!user.startsWith(serviceAccountPrefix)) return undefined;
  const [namespace = "", name = "", ...rest] = user.slice(serviceAccountPrefix.length).split(":");
  return namespace === "" || name === "" || rest.length > 0 ? undefined : { namespace, name };
}

export function serviceAccountGroups(namespace: string): string[] {
  return [serviceAccountsGroup, `${serviceAccountsGroup}:${namespace}`];
}

/** Whoever was recognised is a member of `system:authenticated`. */
export function withAuthenticated(user: User): User {
  return user.groups.includes(authenticatedGroup) ? user : { ...user, groups: [...user.groups, authenticatedGroup] };
}

import { PlatformError } from "@threeport/resource";
import type { User } from "@threeport/store";
import type { ResourceAttributes } from "./attributes.ts";
import { forbidden } from "./forbidden.ts";
import type { Authorizer } from "./policy.ts";
import { authenticatedGroup, groupsMax, parseServiceAccountName, serviceAccountGroups } from "./users.ts";

/** Header names in lower case, with all their values. */
export type DistinctHeaders = Readonly<Partial<Record<string, readonly string[]>>>;

const prefix = "impersonate-";
const extraPrefix = "impersonate-extra-";

/**
 * The user that `Impersonate-User`, `-Group`, `-Uid` and `-Extra-…` ask to be; `user` when they ask for nobody. Each of them
 * needs the verb `impersonate` on what it names. Throws TP_FORBIDDEN; TP_BAD_REQUEST for headers that say too little.
 */
export function impersonated(authorizer: Authorizer, user: User, headers: DistinctHeaders): User {
  const name = headers["impersonate-user"]?.[0] ?? "";
  const groups = headers["impersonate-group"] ?? [];
  const uid = headers["impersonate-uid"]?.[0];
  const extra = extraOf(headers);
  if (name === "") {
    if (!Object.keys(headers).some((header) => header.startsWith(prefix))) return user;
    throw new PlatformError("TP_BAD_REQUEST", { message: "Impersonate-User is missing: groups, uid and extra belong to a user" });
  }
  if (groups.length > groupsMax) throw new PlatformError("TP_BAD_REQUEST", { message: `more than ${groupsMax} groups` });
  const demand = (attributes: Omit<ResourceAttributes, "verb" | "namespace"> & { readonly namespace?: string }): void => {
    const wanted = { verb: "impersonate", namespace: "", ...attributes };
    if (!authorizer.authorize(user, wanted).allowed) throw forbidden(user, wanted);
  };
  const account = parseServiceAccountName(name);
  if (account !== undefined) demand({ group: "", resource: "serviceaccounts", ...account });
  else demand({ group: "", resource: "users", name });
  for (const group of groups) demand({ group: "", resource: "groups", name: group });
  if (uid !== undefined) demand({ group: "authentication.k8s.io", resource: "uids", name: uid });
  for (const [key, values] of Object.entries(extra))
    for (const value of values) demand({ group: "authentication.k8s.io", resource: "userextras", subresource: key, name: value });
  const own = account !== undefined && groups.length === 0 ? serviceAccountGroups(account.namespace) : groups;
  return {
    name,
    groups: [...new Set([...own, ...(name === "system:anonymous" ? ["system:unauthenticated"] : [authenticatedGroup])])],
    ...(uid === undefined ? {} : { uid }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

function extraOf(headers: DistinctHeaders): Record<string, readonly string[]> {
  const found: [string, readonly string[]][] = [];
  for (const [header, values] of Object.entries(headers)) {
    if (!header.startsWith(extraPrefix) || values === undefined) continue;
    found.push([decoded(header.slice(extraPrefix.length)), values]);
  }
  return Object.fromEntries(found);
}

/** Keys hold characters that a header name cannot: they come percent-encoded. What is no encoding is taken as it is. */
function decoded(key: string): string {
  try {
    return decodeURIComponent(key).toLowerCase();
  } catch {
    return key;
  }
}

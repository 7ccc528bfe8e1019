// Who may do what, in memory: an index of the RBAC objects, kept true by the change feed of this process.
//   P1  A question is answered from the index alone, without input or output. A change of a role or binding is in force when the feed hands it on: at
//       once in the process that wrote it, elsewhere after the feed's wake-up (20 ms), at the latest after its poll (1 s).
//   Until the first load, and while the feed has lost its place, what was known last is in force; members of system:masters may always.
import type { Clock, Logger } from "@threeport/platform";
import { PlatformError, compileLabelSelector, type Kind } from "@threeport/resource";
import type { ObjectStore, User } from "@threeport/store";
import { clusterRoleKind, rbacKinds, roleKind, type BindingObject, type RoleObject, type RoleRef } from "../kinds/rbac.ts";
import type { Attributes } from "./attributes.ts";
import { ruleAllows, type PolicyRule } from "./rules.ts";
import { serviceAccountName } from "./users.ts";

/** Its members may do everything: those who run the control plane, and its own parts. */
export const mastersGroup = "system:masters";

export interface Decision {
  readonly allowed: boolean;
  /** Which binding allows it, for reviews. */
  readonly reason: string;
}

export interface Authorizer {
  authorize(user: User, attributes: Attributes): Decision;
  /** All that a user may do in `namespace` ("": everywhere), by rule. */
  rulesOf(user: User, namespace: string): readonly PolicyRule[];
  /** What a role allows; undefined when it is not there. */
  roleRules(ref: RoleRef, namespace: string): readonly PolicyRule[] | undefined;
}

const denied: Decision = { allowed: false, reason: "" };
const mastersAllowed: Decision = { allowed: true, reason: `a member of ${mastersGroup} may do everything` };
const everything: readonly PolicyRule[] = [
  { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
  { verbs: ["*"], nonResourceURLs: ["*"] },
];

export function isMaster(user: User): boolean {
  return user.groups.includes(mastersGroup);
}

/** For parts that serve no people: only `system:masters` may. */
export const mastersOnly: Authorizer = {
  authorize: (user) => (isMaster(user) ? mastersAllowed : denied),
  rulesOf: (user) => (isMaster(user) ? everything : []),
  roleRules: () => undefined,
};

interface Grant {
  /** "": everywhere. */
  readonly namespace: string;
  readonly roleRef: RoleRef;
  readonly binding: string;
}

export interface Policy extends Authorizer {
  put(kind: Kind, object: RoleObject | BindingObject): void;
  remove(kind: Kind, namespace: string, name: string): void;
  clear(): void;
  /** Aggregated roles whose stored rules are not those that their selectors find, with the rules that should stand there. */
  outdatedAggregates(): readonly { readonly role: RoleObject; readonly rules: readonly PolicyRule[] }[];
}

export function createPolicy(): Policy {
  const roles = new Map<string, RoleObject>();
  const clusterRoles = new Map<string, RoleObject>();
  const aggregated = new Map<string, readonly PolicyRule[]>();
  const grantsOf = new Map<string, Map<string, Grant>>();
  const subjectsOf = new Map<string, readonly string[]>();
  let aggregatesValid = true;

  const bindingKey = (kind: Kind, namespace: string, name: string) => `${kind.plural}|${namespace}|${name}`;

  function removeBinding(key: string): void {
    for (const subject of subjectsOf.get(key) ?? []) {
      const grants = grantsOf.get(subject);
      grants?.delete(key);
      if (grants?.size === 0) grantsOf.delete(subject);
    }
    subjectsOf.delete(key);
  }

  function putBinding(kind: Kind, binding: BindingObject): void {
    const namespace = binding.metadata.namespace ?? "";
    const key = bindingKey(kind, namespace, binding.metadata.name);
    removeBinding(key);
    const grant: Grant = { namespace, roleRef: binding.roleRef, binding: `${kind.kind} "${binding.metadata.name}${namespace === "" ? "" : `/${namespace}`}"` };
    const subjects = (binding.subjects ?? []).flatMap((subject) => subjectKey(subject, namespace));
    for (const subject of subjects) {
      const grants = grantsOf.get(subject) ?? new Map<string, Grant>();
      grantsOf.set(subject, grants.set(key, grant));
    }
    subjectsOf.set(key, subjects);
  }

  function rulesOfClusterRole(name: string): readonly PolicyRule[] | undefined {
    const role = clusterRoles.get(name);
    if (role === undefined) return undefined;
    if (!isAggregate(role)) return role.rules ?? [];
    if (!aggregatesValid) {
      aggregated.clear();
      aggregatesValid = true;
    }
    let rules = aggregated.get(name);
    if (rules === undefined) aggregated.set(name, (rules = gather(role, [...clusterRoles.values()])));
    return rules;
  }

  function roleRules(ref: RoleRef, namespace: string): readonly PolicyRule[] | undefined {
    return ref.kind === clusterRoleKind.kind ? rulesOfClusterRole(ref.name) : (roles.get(`${namespace}/${ref.name}`)?.rules ?? undefined);
  }

  function* grantsFor(user: User, namespace: string): Iterable<Grant> {
    for (const grant of grantsOf.get(`User:${user.name}`)?.values() ?? []) if (grant.namespace === "" || grant.namespace === namespace) yield grant;
    for (const group of user.groups)
      for (const grant of grantsOf.get(`Group:${group}`)?.values() ?? []) if (grant.namespace === "" || grant.namespace === namespace) yield grant;
  }

  return {
    authorize(user, attributes) {
      if (isMaster(user)) return mastersAllowed;
      const namespace = "path" in attributes ? "" : attributes.namespace;
      for (const grant of grantsFor(user, namespace)) {
        for (const rule of roleRules(grant.roleRef, grant.namespace) ?? []) {
          if (ruleAllows(rule, attributes))
            return { allowed: true, reason: `RBAC: allowed by ${grant.binding} of ${grant.roleRef.kind} "${grant.roleRef.name}"` };
        }
      }
      return denied;
    },
    rulesOf(user, namespace) {
      if (isMaster(user)) return everything;
      return [...grantsFor(user, namespace)].flatMap((grant) => roleRules(grant.roleRef, grant.namespace) ?? []);
    },
    roleRules,
    put(kind, object) {
      if (kind === roleKind) roles.set(`${object.metadata.namespace ?? ""}/${object.metadata.name}`, object as RoleObject);
      else if (kind === clusterRoleKind) {
        clusterRoles.set(object.metadata.name, object as RoleObject);
        aggregatesValid = false;
      } else putBinding(kind, object as BindingObject);
    },
    remove(kind, namespace, name) {
      if (kind === roleKind) roles.delete(`${namespace}/${name}`);
      else if (kind === clusterRoleKind) {
        clusterRoles.delete(name);
        aggregatesValid = false;
      } else removeBinding(bindingKey(kind, namespace, name));
    },
    clear() {
      for (const map of [roles, clusterRoles, aggregated, grantsOf, subjectsOf]) map.clear();
    },
    outdatedAggregates() {
      return [...clusterRoles.values()].filter(isAggregate).flatMap((role) => {
        const rules = rulesOfClusterRole(role.metadata.name) ?? [];
        return JSON.stringify(role.rules ?? []) === JSON.stringify(rules) ? [] : [{ role, rules }];
      });
    },
  };
}

function isAggregate(role: RoleObject): boolean {
  return role.aggregationRule !== undefined && role.aggregationRule !== null;
}

/** The rules of all roles that the selectors find, through other aggregates too: each rule once, in the order of the roles' names. */
function gather(role: RoleObject, all: readonly RoleObject[]): PolicyRule[] {
  const reached = new Set<RoleObject>([role]);
  for (const aggregate of reached) {
    if (!isAggregate(aggregate)) continue;
    const selectors = (aggregate.aggregationRule?.clusterRoleSelectors ?? []).map(compileLabelSelector);
    for (const other of all) if (selectors.some((selector) => selector.matches(other.metadata.labels ?? {}))) reached.add(other);
  }
  const found = [...reached].filter((other) => !isAggregate(other)).sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const rules = new Map(found.flatMap((other) => other.rules ?? []).map((rule) => [JSON.stringify(rule), rule]));
  return [...rules.values()];
}

function subjectKey(subject: { readonly kind: string; readonly name: string; readonly namespace?: string }, namespace: string): string[] {
  switch (subject.kind) {
    case "User":
    case "Group":
      return [`${subject.kind}:${subject.name}`];
    case "ServiceAccount":
      return [`User:${serviceAccountName(subject.namespace ?? namespace, subject.name)}`];
    default:
      return [];
  }
}

/** Reads all RBAC objects and follows their changes until disposed. `onChange` is called after each. */
export async function followPolicy(
  policy: Policy,
  input: { readonly store: ObjectStore; readonly clock: Clock; readonly log: Logger; readonly onChange?: () => void },
): Promise<Disposable> {
  const { store, clock, log } = input;
  const subscriptions = new Map<Kind, Disposable>();
  /** Names of what the policy has of each kind. */
  const known = new Map<Kind, Set<string>>();
  let stopped = false;

  async function follow(kind: Kind): Promise<void> {
    subscriptions.get(kind)?.[Symbol.dispose]();
    const found = new Set<string>();
    const objects: (RoleObject | BindingObject)[] = [];
    let rv: number | undefined;
    for (let after: { namespace: string; name: string } | undefined; ;) {
      const page = await store.reader.list({
        kind: kind.resource,
        limit: pageMax,
        ...(after === undefined ? {} : { after }),
        ...(rv === undefined ? {} : { atRv: rv }),
      });
      rv = page.rv;
      objects.push(...page.items.map((item) => JSON.parse(item.body) as RoleObject));
      if (page.next === undefined) break;
      after = page.next;
    }
    // What was known and is not listed is gone; what is listed replaces what was known.
    for (const object of objects) {
      policy.put(kind, object);
      found.add(`${object.metadata.namespace ?? ""}/${object.metadata.name}`);
    }
    for (const name of known.get(kind) ?? []) {
      if (!found.has(name)) policy.remove(kind, name.slice(0, name.indexOf("/")), name.slice(name.indexOf("/") + 1));
    }
    known.set(kind, found);
    const subscription = await store.feed.subscribe(
      kind.resource,
      rv,
      (changes) => {
        for (const { key, deleted, body } of changes) {
          if (deleted) policy.remove(kind, key.namespace, key.name);
          else policy.put(kind, JSON.parse(body) as RoleObject);
          if (deleted) found.delete(`${key.namespace}/${key.name}`);
          else found.add(`${key.namespace}/${key.name}`);
        }
        input.onChange?.();
      },
      () => void followAgain(kind),
    );
    if (stopped) subscription[Symbol.dispose]();
    else subscriptions.set(kind, subscription);
    input.onChange?.();
  }

  async function followAgain(kind: Kind): Promise<void> {
    while (!stopped) {
      try {
        return await follow(kind);
      } catch (error) {
        log.info("roles and bindings cannot be read; what was known last stays in force", { kind: kind.kind, error: String(error) });
        await clock.sleep(retryMs);
      }
    }
  }

  for (const kind of rbacKinds) {
    try {
      await follow(kind);
    } catch (error) {
      for (const subscription of subscriptions.values()) subscription[Symbol.dispose]();
      throw error instanceof PlatformError ? error : new PlatformError("TP_INTERNAL", { cause: error });
    }
  }
  return {
    [Symbol.dispose]() {
      stopped = true;
      for (const subscription of subscriptions.values()) subscription[Symbol.dispose]();
    },
  };
}

/** Objects read per statement. */
const pageMax = 1_000;
const retryMs = 1_000;

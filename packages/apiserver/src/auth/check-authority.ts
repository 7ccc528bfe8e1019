import { PlatformError, deepEqual, type Kind, type KindReference, type KubeObject } from "@threeport/resource";
import type { User } from "@threeport/store";
import { clusterRoleKind, clusterRoleBindingKind, rbacGroup, roleBindingKind, roleKind, type BindingObject, type RoleObject } from "../kinds/rbac.ts";
import { declaredReferences, type Declared } from "../pipeline/references.ts";
import type { ResourceAttributes } from "./attributes.ts";
import { forbidden } from "./forbidden.ts";
import { isMaster, type Authorizer } from "./policy.ts";
import { describeRule, uncovered, type PolicyRule } from "./rules.ts";

export interface AuthorityInput {
  readonly kind: Kind;
  readonly next: KubeObject;
  /** Undefined on create. */
  readonly old: KubeObject | undefined;
}

/**
 * What a write needs beyond its verb, by what it says (P1, P2): `create` where an apply turns out to create, the permissions
 * that a role or binding would hand on, and rights to what the object refers to from now on. Throws TP_FORBIDDEN.
 */
export function checkAuthority(authorizer: Authorizer, user: User, input: AuthorityInput): void {
  if (isMaster(user)) return;
  const { kind, next, old } = input;
  if (old === undefined) demand(authorizer, user, attributesOf("create", kind, next));
  checkReferences(authorizer, user, input);
  if (kind === roleKind || kind === clusterRoleKind) checkRole(authorizer, user, input);
  if (kind === roleBindingKind || kind === clusterRoleBindingKind) checkBinding(authorizer, user, { ...input, next: next as BindingObject });
}

function attributesOf(verb: string, kind: Kind, object: KubeObject): ResourceAttributes {
  return { verb, group: kind.group, resource: kind.plural, namespace: object.metadata.namespace ?? "", name: object.metadata.name };
}

/** Throws TP_FORBIDDEN unless the user may do it; `why` says what makes it necessary. */
export function demand(authorizer: Authorizer, user: User, attributes: ResourceAttributes, why?: string): void {
  if (!authorizer.authorize(user, attributes).allowed) throw forbidden(user, attributes, why);
}

/** P2: who makes an object of his use another one must be allowed to use it. What is there already is not asked for again. */
export function checkReferences(authorizer: Authorizer, user: User, { kind, next, old }: AuthorityInput): void {
  if (isMaster(user) || kind.references.length === 0) return;
  const before = old === undefined ? [] : declaredReferences(kind, old);
  for (const reference of declaredReferences(kind, next)) {
    const verb = authorityOf(reference.declaration);
    if (verb === "none" || before.some((known) => deepEqual(known.target, reference.target))) continue;
    demand(authorizer, user, targetAttributes(verb, reference), `${reference.path} refers to it`);
  }
}

function authorityOf(reference: KindReference): "get" | "use" | "none" {
  if (reference.authority !== undefined) return reference.authority;
  if (reference.to.resource.startsWith("$")) return "none"; // blobs are no objects
  if (reference.to.group === "" && reference.to.resource === "secrets") return "get";
  return reference.namespace === "cluster" ? "use" : "none";
}

function targetAttributes(verb: string, { declaration, target }: Declared): ResourceAttributes {
  return { verb, group: declaration.to.group, resource: declaration.to.resource, namespace: target.namespace, name: target.name };
}

/** Nobody writes a role that allows more than he may himself, unless he has the verb `escalate`. */
function checkRole(authorizer: Authorizer, user: User, { kind, next, old }: AuthorityInput): void {
  const role = next as RoleObject;
  if (old !== undefined && sameRole(role, old as RoleObject)) return;
  if (authorizer.authorize(user, attributesOf("escalate", kind, next)).allowed) return;
  const held = authorizer.rulesOf(user, next.metadata.namespace ?? "");
  refuseMissing(user, { kind, name: next.metadata.name, shown: true }, uncovered(held, role.rules ?? []));
  // What an aggregate will gather is not known now, so it needs everything.
  const gathers = [role, old as RoleObject | undefined].some((one) => one?.aggregationRule !== undefined && one.aggregationRule !== null);
  if (gathers) refuseMissing(user, { kind, name: next.metadata.name, shown: true }, uncovered(held, everything));
}

/** Labels count too: they are how an aggregate finds its rules. */
function sameRole(a: RoleObject, b: RoleObject): boolean {
  return (
    deepEqual(a.rules ?? [], b.rules ?? []) && deepEqual(a.aggregationRule, b.aggregationRule) && deepEqual(a.metadata.labels ?? {}, b.metadata.labels ?? {})
  );
}

const everything: readonly PolicyRule[] = [
  { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
  { verbs: ["*"], nonResourceURLs: ["*"] },
];

/** Nobody gives away a role that allows more than he may himself, unless he has the verb `bind` on it. */
function checkBinding(authorizer: Authorizer, user: User, { kind, next, old }: AuthorityInput & { readonly next: BindingObject }): void {
  const { roleRef } = next;
  if (old !== undefined && deepEqual(next.subjects ?? [], (old as BindingObject).subjects ?? [])) return;
  const namespace = next.metadata.namespace ?? "";
  const role: ResourceAttributes = {
    verb: "bind",
    group: rbacGroup,
    resource: roleRef.kind === roleKind.kind ? roleKind.plural : clusterRoleKind.plural,
    namespace,
    name: roleRef.name,
  };
  if (authorizer.authorize(user, role).allowed) return;
  const rules = authorizer.roleRules(roleRef, namespace);
  const shown = authorizer.authorize(user, { ...role, verb: "get" }).allowed;
  // A role that is not there may be written later by somebody else, with any rules.
  if (rules === undefined) refuseMissing(user, { kind, name: next.metadata.name, shown: false }, everything);
  else refuseMissing(user, { kind, name: next.metadata.name, shown }, uncovered(authorizer.rulesOf(user, namespace), rules));
}

/** Rules named in a refusal: enough to act on. */
const rulesShown = 5;

function refuseMissing(user: User, subject: { kind: Kind; name: string; shown: boolean }, missing: readonly PolicyRule[] | "too many"): void {
  if (missing !== "too many" && missing.length === 0) return;
  const { kind, name, shown } = subject;
  const what =
    missing === "too many"
      ? "has more combinations of rules than can be compared with yours; split it"
      : shown
        ? `would grant what you may not do yourself: ${missing.slice(0, rulesShown).map(describeRule).join("; ")}${missing.length > rulesShown ? `; and ${missing.length - rulesShown} more` : ""}`
        : "would grant what you may not do yourself";
  throw new PlatformError("TP_FORBIDDEN", {
    message: `${kind.resource} ${JSON.stringify(name)} is forbidden: User ${JSON.stringify(user.name)} is attempting to grant RBAC permissions not currently held: it ${what}`,
    detail: { kind: kind.plural, group: kind.group, name },
  });
}

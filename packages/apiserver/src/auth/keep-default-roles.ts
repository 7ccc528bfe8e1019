import { deepClone, deepEqual, isErrorCode, type KubeObject, type Objects } from "@threeport/resource";
import type { BindingObject, RoleObject, Subject } from "../kinds/rbac.ts";
import { autoUpdateAnnotation } from "./default-roles.ts";
import { uncovered, type PolicyRule } from "./rules.ts";

/**
 * Makes the default roles and bindings that are missing and mends those that lack something, at each start. What somebody
 * added stays; `rbac.authorization.kubernetes.io/autoupdate: "false"` leaves an object alone. Replicas may do it at once.
 */
export async function keepDefaultRoles(objects: Objects, wanted: readonly KubeObject[]): Promise<void> {
  const kinds = [...new Set(wanted.map((object) => object.kind))];
  const lists = await Promise.all(kinds.map(async (kind) => objects.list({ apiVersion: wanted[0]?.apiVersion ?? "", kind })));
  const known = new Map(lists.flat().map((object) => [`${object.kind}/${object.metadata.name}`, object as KubeObject]));
  await Promise.all(
    wanted.map(async (object) => {
      const current = known.get(`${object.kind}/${object.metadata.name}`);
      if (current === undefined) return unlessMoved(objects.create(object));
      if (current.metadata.annotations?.[autoUpdateAnnotation] === "false") return;
      const next = mended(current, object);
      if (!deepEqual(current, next)) await unlessMoved(objects.commit(current, next));
    }),
  );
}

/** Another replica does the same at this moment: what it wrote is as good. */
async function unlessMoved(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!isErrorCode(error, "TP_ALREADY_EXISTS") && !isErrorCode(error, "TP_VERSION_CONFLICT")) throw error;
  }
}

function mended(current: KubeObject, wanted: KubeObject): KubeObject {
  const next = deepClone(current);
  next.metadata.labels = { ...current.metadata.labels, ...wanted.metadata.labels };
  next.metadata.annotations = { ...current.metadata.annotations, ...wanted.metadata.annotations };
  if (wanted.kind === "ClusterRoleBinding") {
    const has = (current as BindingObject).subjects ?? [];
    next["subjects"] = [...has, ...missing((wanted as BindingObject).subjects ?? [], has, sameSubject)];
    return next;
  }
  const { aggregationRule } = wanted as RoleObject;
  if (aggregationRule !== undefined && aggregationRule !== null) {
    const has = (current as RoleObject).aggregationRule?.clusterRoleSelectors ?? [];
    next["aggregationRule"] = { clusterRoleSelectors: [...has, ...missing(aggregationRule.clusterRoleSelectors ?? [], has, deepEqual)] };
    return next;
  }
  const has = (current as RoleObject).rules ?? [];
  next["rules"] = [...has, ...((wanted as RoleObject).rules ?? []).filter((rule) => !covered(has, rule))];
  return next;
}

function covered(held: readonly PolicyRule[], rule: PolicyRule): boolean {
  const lacking = uncovered(held, [rule]);
  return lacking !== "too many" && lacking.length === 0;
}

function missing<T>(wanted: readonly T[], has: readonly T[], same: (a: T, b: T) => boolean): T[] {
  return wanted.filter((one) => !has.some((other) => same(one, other)));
}

function sameSubject(a: Subject, b: Subject): boolean {
  return a.kind === b.kind && a.name === b.name && (a.namespace ?? "") === (b.namespace ?? "");
}

// Admission by ResourceQuotas.
//   A1  What a quota has left is taken in one write to its status: of two who want the last of it one is refused.
//   A2  A charge whose object never came, and an object that went, are mended by the quota controller, which counts what is there.
import type { AdmittedWrite } from "@threeport/apiserver";
import {
  PlatformError,
  addQuantities,
  compareQuantities,
  formatQuantity,
  isErrorCode,
  parseQuantity,
  type Objects,
  type Quantity,
  type StoredObject,
} from "@threeport/resource";
import { fieldsOf } from "../controllers/owned.ts";
import { inScope, resourceOf, unsaid, usageOf, type Usage } from "./quota-usage.ts";

const quotaKind = { apiVersion: "v1", kind: "ResourceQuota" };
/** Of charges that lost against another one. */
const triesMax = 20;
/** Kinds of which a change may take more than before. */
const growing: ReadonlySet<string> = new Set(["services", "persistentvolumeclaims"]);

/** Takes what the write needs from all quotas of its namespace, or refuses it in kube-apiserver's words. */
export async function chargeQuotas(objects: Objects, write: AdmittedWrite): Promise<void> {
  const { kind, operation, subresource, object, old } = write;
  if (subresource !== undefined || operation === "DELETE" || (operation === "UPDATE" && !growing.has(kind.resource))) return;
  const needed = usageOf(kind.resource, object);
  const delta = old === undefined ? needed : grown(needed, usageOf(kind.resource, old));
  for (let attempt = 1; delta.size > 0; attempt++) {
    try {
      return await charge(objects, write, delta);
    } catch (error) {
      if (!isErrorCode(error, "TP_VERSION_CONFLICT") || attempt >= triesMax) throw error;
    }
  }
}

async function charge(objects: Objects, { kind, object, dryRun }: AdmittedWrite, delta: Usage): Promise<void> {
  const isPod = kind.resource === "pods";
  const quotas = await objects.list(quotaKind, { namespace: object.metadata.namespace ?? "" });
  const charged: StoredObject[] = [];
  const refuse = (why: string): never => {
    throw new PlatformError("TP_FORBIDDEN", {
      message: `${kind.resource} "${object.metadata.name}" is forbidden: ${why}`,
      detail: { kind: kind.plural, group: kind.group, name: object.metadata.name },
    });
  };
  const concerned = quotas.filter((quota) => namesOf(quota, kind.resource).length > 0 && (!isPod || inScope(quota, object)));
  for (const quota of concerned) {
    const missing = isPod ? unsaid(object, Object.keys(hardOf(quota))) : undefined;
    if (missing !== undefined) refuse(`failed quota: ${quota.metadata.name}: ${missing}`);
  }
  for (const quota of concerned) {
    const matching = namesOf(quota, kind.resource);
    const names = matching.filter((name) => delta.has(name));
    const hard = hardOf(quota);
    const used = fieldsOf(fieldsOf(quota["status"])["used"]) as Readonly<Record<string, string>>;
    if (matching.some((name) => used[name] === undefined)) refuse(`status unknown for quota: ${quota.metadata.name}, resources: ${matching.join(",")}`);
    const next = new Map(names.map((name) => [name, addQuantities(parseQuantity(used[name] ?? 0), delta.get(name) ?? parseQuantity(0))]));
    const exceeded = names.filter((name) => compareQuantities(next.get(name) ?? parseQuantity(0), parseQuantity(hard[name] ?? 0)) > 0);
    const print = (of: (name: string) => Quantity): string => exceeded.map((name) => `${name}=${formatQuantity(of(name))}`).join(",");
    if (exceeded.length > 0)
      refuse(
        `exceeded quota: ${quota.metadata.name}, requested: ${print((name) => delta.get(name) ?? parseQuantity(0))}, used: ${print((name) => parseQuantity(used[name] ?? 0))}, limited: ${print((name) => parseQuantity(hard[name] ?? 0))}`,
      );
    const added = Object.fromEntries([...next].map(([name, quantity]) => [name, formatQuantity(quantity)]));
    charged.push({ ...quota, status: { ...fieldsOf(quota["status"]), used: { ...used, ...added } } });
  }
  if (!dryRun) for (const quota of charged) await objects.patchStatus(quota);
}

/** What the quota says of objects of the kind, in order. Until the quota controller has seen it, it says nothing. */
function namesOf(quota: StoredObject, resource: string): string[] {
  return Object.keys(hardOf(quota))
    .filter((name) => resourceOf(name) === resource)
    .toSorted();
}

function hardOf(quota: StoredObject): Readonly<Record<string, string>> {
  return fieldsOf(fieldsOf(quota["status"])["hard"]) as Readonly<Record<string, string>>;
}

/** What is more than before. */
function grown(after: Usage, before: Usage): Usage {
  return new Map(
    [...after].flatMap(([name, quantity]) => {
      const more = quantity.nanos - (before.get(name)?.nanos ?? 0n);
      return more > 0n ? [[name, { ...quantity, nanos: more }]] : [];
    }),
  );
}

import type { ErrorCause } from "../errors.ts";
import { isJsonObject, ownValue } from "../json.ts";
import type { ObjectMeta } from "../object.ts";
import {
  dns1035LabelProblems,
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  labelKeyProblems,
  labelValueProblems,
  pathSegmentProblems,
  qualifiedNameProblems,
} from "./name-rules.ts";

/** Form of the names of one kind's objects. */
export type NameRule = "subdomain" | "label" | "dns1035" | "path";

const nameProblems: Readonly<Record<NameRule, (name: string) => string[]>> = {
  subdomain: dns1123SubdomainProblems,
  label: dns1123LabelProblems,
  dns1035: dns1035LabelProblems,
  path: pathSegmentProblems,
};

/** Bytes of all keys and values of an object's annotations together; Kubernetes' number. */
export const annotationBytesMax = 256 * 1024;

/** Causes beyond this many are not reported: the first ones say what to mend. */
const causesMax = 32;

export interface ObjectMetaRules {
  readonly namespaced: boolean;
  readonly nameRule: NameRule;
  /** Finalizers have a domain or are one of Kubernetes' own: asked of objects of its core group. */
  readonly standardFinalizers?: boolean;
  /** Metadata as stored, when this is an update. */
  readonly old?: ObjectMeta;
}

/**
 * What is wrong with an object's metadata, as causes of a 422; empty when nothing is. Looks only at what Kubernetes looks
 * at, and trusts no type: it may run before schema validation.
 */
export function validateObjectMeta(meta: unknown, rules: ObjectMetaRules): ErrorCause[] {
  if (!isJsonObject(meta)) return [{ field: "metadata", reason: "FieldValueRequired", message: "Required value: metadata must be an object with a name" }];
  const field = (name: keyof ObjectMeta) => ownValue(meta, name);
  const causes = [
    ...nameCauses(field("name"), field("generateName"), rules),
    ...namespaceCauses(field("namespace"), rules.namespaced),
    ...labelCauses(field("labels")),
    ...annotationCauses(field("annotations")),
    ...finalizerCauses(field("finalizers"), rules),
    ...ownerCauses(field("ownerReferences")),
    ...(rules.old === undefined ? [] : immutableCauses(meta as Partial<ObjectMeta>, rules.old)),
  ];
  return causes.slice(0, causesMax);
}

function nameCauses(name: unknown, generateName: unknown, { nameRule }: ObjectMetaRules): ErrorCause[] {
  const problems = nameProblems[nameRule];
  const causes: ErrorCause[] = [];
  if (generateName !== undefined && generateName !== "") {
    // A prefix may end where a name may not: what follows is letters and digits.
    const checked = typeof generateName === "string" ? generateName.replace(/-$/, "a") : "";
    if (typeof generateName !== "string") causes.push(wrongType("metadata.generateName", "a string"));
    else causes.push(...problems(checked).map((problem) => invalid("metadata.generateName", generateName, problem)));
  }
  if (name === undefined || name === "") causes.push(required("metadata.name", "name or generateName is required"));
  else if (typeof name !== "string") causes.push(wrongType("metadata.name", "a string"));
  else causes.push(...problems(name).map((problem) => invalid("metadata.name", name, problem)));
  return causes;
}

function namespaceCauses(namespace: unknown, namespaced: boolean): ErrorCause[] {
  const at = "metadata.namespace";
  const absent = namespace === undefined || namespace === "";
  if (!namespaced) return absent ? [] : [{ field: at, reason: "FieldValueForbidden", message: "Forbidden: not allowed on this type" }];
  if (absent) return [required(at, "this kind lives in a namespace")];
  if (typeof namespace !== "string") return [wrongType(at, "a string")];
  return dns1123LabelProblems(namespace).map((problem) => invalid(at, namespace, problem));
}

function labelCauses(labels: unknown): ErrorCause[] {
  const at = "metadata.labels";
  return stringEntries(labels, at, (key, value) => [
    ...labelKeyProblems(key).map((problem) => invalid(at, key, problem)),
    ...labelValueProblems(value).map((problem) => invalid(at, value, problem)),
  ]);
}

function annotationCauses(annotations: unknown): ErrorCause[] {
  const at = "metadata.annotations";
  let bytes = 0;
  const causes = stringEntries(annotations, at, (key, value) => {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
    // Upper case is allowed in the prefix too.
    return qualifiedNameProblems(key.toLowerCase()).map((problem) => invalid(at, key, problem));
  });
  if (bytes > annotationBytesMax)
    causes.push({ field: at, reason: "FieldValueTooLong", message: `Too long: may not be more than ${annotationBytesMax} bytes` });
  return causes;
}

function stringEntries(map: unknown, at: string, check: (key: string, value: string) => ErrorCause[]): ErrorCause[] {
  if (map === undefined || map === null) return [];
  if (!isJsonObject(map)) return [wrongType(at, "an object of strings")];
  return Object.entries(map).flatMap(([key, value]) => (typeof value === "string" ? check(key, value) : [wrongType(`${at}[${key}]`, "a string")]));
}

function finalizerCauses(finalizers: unknown, { old, standardFinalizers = false }: ObjectMetaRules): ErrorCause[] {
  const at = "metadata.finalizers";
  if (finalizers === undefined || finalizers === null) return [];
  if (!Array.isArray(finalizers) || finalizers.some((finalizer) => typeof finalizer !== "string")) return [wrongType(at, "a list of strings")];
  const names = finalizers as string[];
  const causes = names.flatMap((name) => qualifiedNameProblems(name).map((problem) => invalid(at, name, problem)));
  if (standardFinalizers)
    for (const [index, name] of names.entries())
      if (!name.includes("/") && !ownFinalizers.has(name))
        causes.push(invalid(`${at}[${index}]`, name, "must have a domain, as in example.com/name, or be one of Kubernetes' own"));
  if (names.includes("orphan") && names.includes("foregroundDeletion")) {
    causes.push(invalid(at, names, "the finalizers orphan and foregroundDeletion cannot both be set"));
  }
  const added = names.filter((name) => !(old?.finalizers ?? []).includes(name));
  if (old?.deletionTimestamp !== undefined && added.length > 0) {
    // K5
    const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`;
    causes.push({ field: at, reason: "FieldValueForbidden", message });
  }
  return causes;
}

const ownFinalizers: ReadonlySet<string> = new Set(["orphan", "foregroundDeletion", "kubernetes"]);

function ownerCauses(owners: unknown): ErrorCause[] {
  const at = "metadata.ownerReferences";
  if (owners === undefined || owners === null) return [];
  if (!Array.isArray(owners)) return [wrongType(at, "a list")];
  const causes: ErrorCause[] = [];
  const controllers: string[] = [];
  for (const [index, owner] of owners.entries()) {
    const element = `${at}[${index}]`;
    if (!isJsonObject(owner)) {
      causes.push(wrongType(element, "an object"));
      continue;
    }
    for (const key of ["apiVersion", "kind", "name", "uid"] as const) {
      const value = ownValue(owner, key);
      if (typeof value !== "string" || value === "") causes.push(invalid(`${at}.${key}`, value ?? "", "must not be empty"));
    }
    if (String(owner["apiVersion"]).split("/").length > 2)
      causes.push(invalid(`${at}.apiVersion`, owner["apiVersion"], "must be a version, or a group and a version"));
    if (owner["apiVersion"] === "v1" && owner["kind"] === "Event") causes.push(invalid(at, "v1 Event", "events may not own objects"));
    if (owner["controller"] === true) controllers.push(`${String(owner["kind"])}/${String(owner["name"])}`);
  }
  if (controllers.length > 1) causes.push(invalid(at, controllers, "only one owner can be the controller"));
  return causes;
}

/** Fields that a client may leave out of an update, and may not change. */
function immutableCauses(meta: Partial<ObjectMeta>, old: ObjectMeta): ErrorCause[] {
  const fields = ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] as const;
  return fields
    .filter((field) => meta[field] !== undefined && meta[field] !== null && meta[field] !== old[field] && !(meta[field] === "" && old[field] === undefined))
    .map((field) => invalid(`metadata.${field}`, meta[field], "field is immutable"));
}

/** Values are cut so that an error stays readable whatever was sent. */
const shownCharactersMax = 100;

function invalid(field: string, value: unknown, problem: string): ErrorCause {
  const shown = JSON.stringify(value) ?? "null";
  const cut = shown.length > shownCharactersMax ? `${shown.slice(0, shownCharactersMax)}…` : shown;
  return { field, reason: "FieldValueInvalid", message: `Invalid value: ${cut}: ${problem}` };
}

function required(field: string, why: string): ErrorCause {
  return { field, reason: "FieldValueRequired", message: `Required value: ${why}` };
}

function wrongType(field: string, type: string): ErrorCause {
  return { field, reason: "FieldValueTypeInvalid", message: `Invalid value: must be ${type}` };
}

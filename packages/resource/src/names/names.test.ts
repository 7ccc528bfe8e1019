import { describe, expect, test } from "vitest";
import type { ObjectMeta } from "../object.ts";
import {
  type ObjectMetaRules,
  dns1035LabelProblems,
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  fieldManagerProblems,
  labelKeyProblems,
  labelValueProblems,
  pathSegmentProblems,
  qualifiedNameProblems,
  validateObjectMeta,
} from "../names.ts";

const a = (length: number) => "a".repeat(length);
const rules = {
  label: dns1123LabelProblems,
  subdomain: dns1123SubdomainProblems,
  dns1035: dns1035LabelProblems,
  path: pathSegmentProblems,
  qualified: qualifiedNameProblems,
  labelKey: labelKeyProblems,
  labelValue: labelValueProblems,
};
type Rule = keyof typeof rules;

describe("name rules (robustness I3)", () => {
  const all: Rule[] = ["label", "subdomain", "dns1035", "path", "qualified", "labelKey", "labelValue"];
  test.each<{ value: string; accepted: Rule[]; because?: string }>([
    { value: "my-name", accepted: all },
    { value: "", accepted: ["path", "labelValue"], because: "a required name is asked for elsewhere" },
    { value: a(63), accepted: all },
    { value: a(64), accepted: ["subdomain", "path"] },
    { value: a(253), accepted: ["subdomain", "path"] },
    { value: a(254), accepted: ["path"] },
    { value: "1abc", accepted: ["label", "subdomain", "path", "qualified", "labelKey", "labelValue"] },
    { value: "Abc", accepted: ["path", "qualified", "labelKey", "labelValue"] },
    { value: "a.b", accepted: ["subdomain", "path", "qualified", "labelKey", "labelValue"] },
    { value: "a_b", accepted: ["path", "qualified", "labelKey", "labelValue"] },
    { value: "a..b", accepted: ["path", "qualified", "labelKey", "labelValue"], because: "Kubernetes takes it in label names" },
    { value: "\u0430", accepted: ["path"], because: "a Cyrillic letter looks like a Latin one" },
    { value: "\u017f", accepted: ["path"], because: "a long s folds to s" },
    { value: "\u212a", accepted: ["path"], because: "the Kelvin sign folds to k" },
    { value: "é", accepted: ["path"] },
    { value: "-a", accepted: ["path"] },
    { value: "a-", accepted: ["path"] },
    { value: ".a", accepted: ["path"] },
    { value: ".", accepted: [] },
    { value: "..", accepted: [] },
    { value: "../a", accepted: [] },
    { value: "/", accepted: [] },
    { value: "a/b", accepted: ["qualified", "labelKey"] },
    { value: "example.com/Name_1", accepted: ["qualified", "labelKey"] },
    { value: "Example.com/a", accepted: [] },
    { value: "a/b/c", accepted: [] },
    { value: "/a", accepted: [] },
    { value: "a/", accepted: [] },
    { value: "%2f", accepted: [] },
    { value: "a%00", accepted: [] },
    { value: "a\u0000", accepted: ["path"], because: "Kubernetes looks for '/' and '%' only; the HTTP layer refuses NUL" },
    { value: "a\n", accepted: ["path"], because: "$ must not match before a final newline" },
    { value: "a b", accepted: ["path"] },
    { value: "system:node", accepted: ["path"] },
    { value: `${a(253)}/${a(63)}`, accepted: ["qualified", "labelKey"] },
    { value: `${a(254)}/b`, accepted: [] },
    { value: `b/${a(64)}`, accepted: [] },
  ])("$value is accepted by $accepted", ({ value, accepted }) => {
    expect(all.filter((rule) => rules[rule](value).length === 0)).toEqual(accepted);
  });

  test("a very long text is refused in linear time", () => {
    const started = performance.now();
    for (const rule of all) for (const text of [`${"a-".repeat(500_000)}!`, `${"a.".repeat(500_000)}!`]) rules[rule](text);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

const owner = { apiVersion: "v1", kind: "ConfigMap", name: "o", uid: "1" };

function fieldsOf(meta: unknown, more: Partial<ObjectMetaRules> = {}) {
  return validateObjectMeta(meta, { namespaced: true, nameRule: "subdomain", ...more }).map((cause) => `${cause.field} ${cause.reason}`);
}

describe("fieldManagerProblems", () => {
  test.each([
    { name: "kubectl-client-side-apply", accepted: true },
    { name: "", accepted: true },
    { name: "Threeport \u2713", accepted: true },
    { name: "m".repeat(128), accepted: true },
    { name: "m".repeat(129), accepted: false },
    { name: "a\nb", accepted: false },
    { name: "a\u0000", accepted: false },
    { name: "a\u200bb", accepted: false },
  ])("$name is accepted: $accepted", ({ name, accepted }) => {
    expect(fieldManagerProblems(name).length === 0).toBe(accepted);
  });
});

describe("validateObjectMeta", () => {
  const good = { name: "a", namespace: "ns" };

  test("ordinary metadata is accepted", () => {
    const meta = {
      ...good,
      labels: { "app.kubernetes.io/name": "x", empty: "" },
      annotations: { "Example.COM/Note": "any\ntext" },
      finalizers: ["threeport.io/teardown", "foregroundDeletion"],
      ownerReferences: [
        { ...owner, controller: true },
        { ...owner, uid: "2" },
      ],
    };
    expect(fieldsOf(meta)).toEqual([]);
    expect(fieldsOf({ name: "a" }, { namespaced: false })).toEqual([]);
    expect(fieldsOf({ name: "a", generateName: "web-", namespace: "ns" })).toEqual([]);
  });

  test.each([
    { meta: undefined, fields: ["metadata FieldValueRequired"] },
    { meta: [], fields: ["metadata FieldValueRequired"] },
    { meta: { namespace: "ns" }, fields: ["metadata.name FieldValueRequired"] },
    { meta: { ...good, name: 5 }, fields: ["metadata.name FieldValueTypeInvalid"] },
    { meta: { ...good, name: "A_b" }, fields: ["metadata.name FieldValueInvalid"] },
    { meta: { ...good, name: "../x" }, fields: ["metadata.name FieldValueInvalid"] },
    { meta: { ...good, generateName: "A-" }, fields: ["metadata.generateName FieldValueInvalid"] },
    { meta: { name: "a" }, fields: ["metadata.namespace FieldValueRequired"] },
    { meta: { name: "a", namespace: "a.b" }, fields: ["metadata.namespace FieldValueInvalid"] },
    { meta: { ...good, labels: { "-a": "1" } }, fields: ["metadata.labels FieldValueInvalid"] },
    { meta: { ...good, labels: { a: "b c" } }, fields: ["metadata.labels FieldValueInvalid"] },
    { meta: { ...good, labels: { a: 1 } }, fields: ["metadata.labels[a] FieldValueTypeInvalid"] },
    { meta: { ...good, labels: ["a"] }, fields: ["metadata.labels FieldValueTypeInvalid"] },
    { meta: { ...good, labels: JSON.parse('{"__proto__":"x"}') as unknown }, fields: ["metadata.labels FieldValueInvalid"] },
    { meta: { ...good, annotations: { "a b": "1" } }, fields: ["metadata.annotations FieldValueInvalid"] },
    { meta: { ...good, annotations: { a: "x".repeat(256 * 1024) } }, fields: ["metadata.annotations FieldValueTooLong"] },
    { meta: { ...good, finalizers: ["a b"] }, fields: ["metadata.finalizers FieldValueInvalid"] },
    { meta: { ...good, finalizers: [1] }, fields: ["metadata.finalizers FieldValueTypeInvalid"] },
    { meta: { ...good, finalizers: ["orphan", "foregroundDeletion"] }, fields: ["metadata.finalizers FieldValueInvalid"] },
    { meta: { ...good, ownerReferences: {} }, fields: ["metadata.ownerReferences FieldValueTypeInvalid"] },
    { meta: { ...good, ownerReferences: ["x"] }, fields: ["metadata.ownerReferences[0] FieldValueTypeInvalid"] },
    { meta: { ...good, ownerReferences: [{ ...owner, uid: "" }] }, fields: ["metadata.ownerReferences.uid FieldValueInvalid"] },
    { meta: { ...good, ownerReferences: [{ ...owner, kind: "Event" }] }, fields: ["metadata.ownerReferences FieldValueInvalid"] },
    {
      meta: { ...good, ownerReferences: [1, 2].map((uid) => ({ ...owner, uid: `${uid}`, controller: true })) },
      fields: ["metadata.ownerReferences FieldValueInvalid"],
    },
  ])("$meta has problems at $fields", ({ meta, fields }) => {
    expect(fieldsOf(meta)).toEqual(fields);
  });

  test("a namespace on a cluster-scoped kind is forbidden", () => {
    expect(fieldsOf(good, { namespaced: false })).toEqual(["metadata.namespace FieldValueForbidden"]);
  });

  test("names follow the rule of the kind", () => {
    expect(fieldsOf({ ...good, name: "system:a" }, { nameRule: "path" })).toEqual([]);
    expect(fieldsOf({ ...good, name: "a.b" }, { nameRule: "label" })).toHaveLength(1);
    expect(fieldsOf({ ...good, name: "1a" }, { nameRule: "dns1035" })).toHaveLength(1);
  });

  test("identity cannot change, and may be left out", () => {
    const old: ObjectMeta = { ...good, uid: "1", creationTimestamp: "2026-01-01T00:00:00Z" };
    expect(fieldsOf(good, { old })).toEqual([]);
    expect(fieldsOf({ ...old, deletionTimestamp: null }, { old })).toEqual([]);
    const changed = { name: "b", namespace: "other", uid: "2", creationTimestamp: "2027-01-01T00:00:00Z", deletionTimestamp: "2027-01-01T00:00:00Z" };
    expect(fieldsOf(changed, { old })).toEqual(
      ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp"].map((field) => `metadata.${field} FieldValueInvalid`),
    );
  });

  test("K5: no finalizer is added after deletion began, but they can go", () => {
    const old: ObjectMeta = { ...good, finalizers: ["a", "b"], deletionTimestamp: "2026-01-01T00:00:00Z" };
    expect(fieldsOf({ ...good, finalizers: ["a"] }, { old })).toEqual([]);
    expect(fieldsOf({ ...good, finalizers: ["a", "c"] }, { old })).toEqual(["metadata.finalizers FieldValueForbidden"]);
  });

  test("of very many problems the first ones are reported", () => {
    const labels = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`-${index}`, "a b"]));
    expect(fieldsOf({ ...good, labels })).toHaveLength(32);
  });

  test("a message shows the value, cut when it is long", () => {
    const [cause] = validateObjectMeta({ ...good, name: "A".repeat(10_000) }, { namespaced: true, nameRule: "subdomain" });
    expect(cause?.message).toMatch(/^Invalid value: "AAA/);
    expect(cause?.message.length).toBeLessThan(400);
  });
});

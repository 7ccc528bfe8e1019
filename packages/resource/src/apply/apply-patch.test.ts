import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PlatformError } from "../errors.ts";
import { deepClone, deepEqual, setPath } from "../json.ts";
import type { JsonObject } from "../object.ts";
import type { Schema } from "../schema.ts";
import { type Applied, applyPatch } from "./apply-patch.ts";
import { has } from "./field-set.ts";
import { decodeFieldsV1 } from "./fields-v1.ts";
import type { ManagedFieldsEntry } from "./managed-fields.ts";
import { anySample, anySpec, apiVersion, sample, sampleSchema } from "./sample-kind.test-support.ts";
import { updateManagedFields } from "./update-managed-fields.ts";

interface Options {
  readonly force?: boolean;
  readonly now?: string;
  readonly schema?: Schema;
  readonly subresource?: string;
}

function apply(
  live: JsonObject | undefined,
  manager: string,
  applied: JsonObject,
  { force = false, now = "2026-01-01T00:00:00Z", schema = sampleSchema, subresource }: Options = {},
): Applied {
  return applyPatch({ live, applied, manager, force, schema, apiVersion, nowRfc3339: now, ...(subresource === undefined ? {} : { subresource }) });
}

function update(live: JsonObject | undefined, manager: string, updated: JsonObject, now = "2026-01-01T00:00:00Z"): JsonObject {
  const managedFields = updateManagedFields({ live, updated, manager, operation: "Update", apiVersion, schema: sampleSchema, nowRfc3339: now });
  return { ...updated, metadata: { ...(updated["metadata"] as JsonObject), managedFields } };
}

const spec = (fields: JsonObject) => sample({ spec: fields });
const specOf = ({ object }: Applied) => object["spec"];
const owned = ({ managedFields }: Applied, manager: string) => managedFields.find((entry) => entry.manager === manager)?.fieldsV1;

function errorOf(fn: () => unknown): PlatformError {
  try {
    fn();
  } catch (thrown) {
    if (thrown instanceof PlatformError) return thrown;
    throw thrown;
  }
  throw new Error("expected an error");
}

describe("applyPatch", () => {
  test("creates an object that is owned field by field, without its identity", () => {
    const created = apply(undefined, "ann", {
      ...spec({ replicas: 1, zones: ["a"], items: [{ name: "x" }] }),
      metadata: { name: "x", namespace: "ns", labels: { a: "1" } },
    });
    expect(created.managedFields).toEqual([
      {
        manager: "ann",
        operation: "Apply",
        apiVersion,
        time: "2026-01-01T00:00:00Z",
        fieldsType: "FieldsV1",
        fieldsV1: {
          "f:metadata": { "f:labels": { "f:a": {} } },
          "f:spec": { "f:items": { 'k:{"name":"x"}': { ".": {}, "f:name": {} } }, "f:replicas": {}, "f:zones": { 'v:"a"': {} } },
        },
      },
    ]);
    expect((created.object["metadata"] as JsonObject)["managedFields"]).toBe(created.managedFields);
  });

  test("two managers each own their part, and share what both give the same value", () => {
    const first = apply(undefined, "ann", spec({ replicas: 1, labels: { k1: "a" } }));
    const second = apply(first.object, "bob", spec({ replicas: 1, labels: { k2: "b" }, zones: ["z"] }));
    expect(specOf(second)).toEqual({ replicas: 1, labels: { k1: "a", k2: "b" }, zones: ["z"] });
    expect(owned(second, "ann")).toEqual({ "f:spec": { "f:labels": { "f:k1": {} }, "f:replicas": {} } });
    expect(owned(second, "bob")).toEqual({ "f:spec": { "f:labels": { "f:k2": {} }, "f:replicas": {}, "f:zones": { 'v:"z"': {} } } });
  });

  test("a field of another manager is a conflict that names field and manager, and nothing is changed", () => {
    const first = apply(undefined, "ann", spec({ replicas: 1, items: [{ name: "x", value: 1 }] }));
    const before = deepClone(first.object);
    const error = errorOf(() => apply(first.object, "bob", spec({ replicas: 2, items: [{ name: "x", value: 2 }] })));
    expect(error.code).toBe("TP_APPLY_CONFLICT");
    expect(error.causes).toEqual([
      { field: ".spec.replicas", reason: "FieldManagerConflict", message: 'conflict with "ann"' },
      { field: '.spec.items[name="x"].value', reason: "FieldManagerConflict", message: 'conflict with "ann"' },
    ]);
    expect(error.message).toBe('Apply failed with 2 conflicts: conflicts with "ann":\n- .spec.replicas\n- .spec.items[name="x"].value');
    expect(first.object).toEqual(before);
  });

  test("a conflict with who updated says when and in which version, and through which subresource", () => {
    const live = update(undefined, "controller", spec({ replicas: 1 }), "2026-01-01T10:00:00Z");
    const error = errorOf(() => apply(live, "bob", spec({ replicas: 2 })));
    expect(error.message).toBe('Apply failed with 1 conflict: conflict with "controller" using example.io/v1 at 2026-01-01T10:00:00Z: .spec.replicas');
    const scaled = {
      ...live,
      metadata: {
        name: "x",
        managedFields: (live["metadata"] as { managedFields: ManagedFieldsEntry[] }).managedFields.map((entry) => ({ ...entry, subresource: "scale" })),
      },
    };
    expect(errorOf(() => apply(scaled, "bob", spec({ replicas: 2 }))).message).toContain('"controller" with subresource "scale" using');
  });

  test("force takes the fields from the other manager", () => {
    const first = apply(undefined, "ann", spec({ replicas: 1, title: "a" }));
    const forced = apply(first.object, "bob", spec({ replicas: 2 }), { force: true });
    expect(specOf(forced)).toEqual({ replicas: 2, title: "a" });
    expect(owned(forced, "ann")).toEqual({ "f:spec": { "f:title": {} } });
    expect(specOf(apply(forced.object, "ann", spec({ title: "a" })))).toEqual({ replicas: 2, title: "a" });
  });

  test("what a manager does not apply any more goes, unless another one owns it", () => {
    const first = apply(undefined, "ann", spec({ replicas: 1, title: "a", zones: ["a", "b"], items: [{ name: "x", value: 1 }, { name: "y" }] }));
    const both = apply(first.object, "bob", spec({ title: "a", zones: ["b"], items: [{ name: "y" }] }));
    const less = apply(both.object, "ann", spec({ replicas: 1 }));
    expect(specOf(less)).toEqual({ replicas: 1, title: "a", zones: ["b"], items: [{ name: "y" }] });
    const none = apply(less.object, "bob", sample());
    expect(specOf(none)).toEqual({ replicas: 1 });
    expect(none.managedFields.map((entry) => entry.manager)).toEqual(["ann"]);
  });

  test("an element of ours goes with what a controller put into it only when nobody else owns anything there", () => {
    const first = apply(undefined, "ann", spec({ items: [{ name: "x" }] }));
    const live = first.object;
    const status = update(live, "controller", { ...live, spec: { items: [{ name: "x", value: 5 }] } });
    expect(specOf(apply(status, "ann", spec({})))).toEqual({});
    const shared = apply(first.object, "bob", spec({ items: [{ name: "x", value: 5 }] }));
    expect(specOf(apply(shared.object, "ann", spec({})))).toEqual({ items: [{ name: "x", value: 5 }] });
  });

  test("a map whose last key goes stays empty while somebody owns the map", () => {
    const first = apply(undefined, "ann", spec({ labels: { k1: "a" } }));
    const both = apply(first.object, "bob", spec({ labels: {} }));
    const emptied = apply(both.object, "ann", sample());
    expect(specOf(emptied)).toEqual({ labels: {} });
  });

  test("merged lists keep the applied order, and others keep their place", () => {
    const live = apply(undefined, "ann", spec({ items: ["a", "b", "c"].map((name) => ({ name })) }));
    const merged = apply(live.object, "bob", spec({ items: ["c", "n", "a"].map((name) => ({ name })) }));
    expect((specOf(merged) as { items: { name: string }[] }).items.map((item) => item.name)).toEqual(["b", "c", "n", "a"]);
  });

  test("an atomic list or map has one owner", () => {
    const first = apply(undefined, "ann", spec({ atomicList: ["a"], atomicMap: { k1: "a" } }));
    const error = errorOf(() => apply(first.object, "bob", spec({ atomicList: ["a", "b"], atomicMap: { k2: "b" } })));
    expect(error.causes.map((cause) => cause.field)).toEqual([".spec.atomicList", ".spec.atomicMap"]);
    expect(specOf(apply(first.object, "bob", spec({ atomicMap: { k2: "b" } }), { force: true }))).toEqual({ atomicList: ["a"], atomicMap: { k2: "b" } });
  });

  test("fields without a schema merge object by object, lists as one value", () => {
    const first = apply(undefined, "ann", spec({ free: { p: { a: 1 }, list: [{ name: "x" }] } }));
    const second = apply(first.object, "bob", spec({ free: { p: { b: 2 } } }));
    expect(specOf(second)).toEqual({ free: { p: { a: 1, b: 2 }, list: [{ name: "x" }] } });
    expect(errorOf(() => apply(second.object, "bob", spec({ free: { list: [{ name: "y" }] } }))).causes[0]?.field).toBe(".spec.free.list");
    const { schema: _, ...schemaless } = {
      schema: 1,
      live: second.object,
      applied: spec({ free: { p: { a: 1 } } }),
      manager: "eve",
      force: false,
      apiVersion,
      nowRfc3339: "",
    };
    expect(applyPatch(schemaless).object["spec"]).toEqual(second.object["spec"]);
  });

  test("when a list has become atomic, who owned an element owns the list", () => {
    const first = apply(undefined, "ann", spec({ zones: ["a"] }));
    const atomic = deepClone(sampleSchema) as { properties: { spec: { properties: { zones: JsonObject } } } };
    delete atomic.properties.spec.properties.zones["x-kubernetes-list-type"];
    const error = errorOf(() => apply(first.object, "bob", spec({ zones: ["b"] }), { schema: atomic as Schema }));
    expect(error.causes).toEqual([{ field: ".spec.zones", reason: "FieldManagerConflict", message: 'conflict with "ann"' }]);
  });

  test("what was there before anybody's fields were recorded is not taken without a word", () => {
    const error = errorOf(() => apply(spec({ replicas: 1 }), "ann", spec({ replicas: 2 })));
    expect(error.message).toContain('conflict with "before-first-apply"');
    expect(apply(spec({ replicas: 1 }), "ann", spec({ replicas: 1 })).managedFields.map((entry) => entry.manager)).toEqual(["ann", "before-first-apply"]);
  });

  test("K3: the same apply again gives the very object, and keeps the time of the first", () => {
    const first = apply(undefined, "ann", spec({ replicas: 1 }));
    const again = apply(first.object, "ann", spec({ replicas: 1 }), { now: "2027-01-01T00:00:00Z" });
    expect(again.object).toBe(first.object);
    const changed = apply(first.object, "ann", spec({ replicas: 2 }), { now: "2027-01-01T00:00:00Z" });
    expect(changed.managedFields[0]?.time).toBe("2027-01-01T00:00:00Z");
    const co = apply(first.object, "bob", spec({ replicas: 1 }), { now: "2027-01-01T00:00:00Z" });
    expect(co.managedFields.map((entry) => entry.time)).toEqual(["2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"]);
  });

  test("K2: nobody comes to own status through the object itself, or spec through /status", () => {
    const body = sample({ spec: { replicas: 1 }, status: { phase: "A" } });
    expect(owned(apply(undefined, "ann", body), "ann")).toEqual({ "f:spec": { "f:replicas": {} } });
    const [entry] = apply(undefined, "ann", body, { subresource: "status" }).managedFields;
    expect(entry).toMatchObject({ subresource: "status", fieldsV1: { "f:status": { "f:phase": {} } } });
    expect(Object.keys(entry?.fieldsV1 ?? {})).toEqual(["f:status"]);
  });

  test.each([
    { applied: null, code: "TP_BAD_REQUEST", message: /must be an object/ },
    { applied: { ...spec({}), apiVersion: "example.io/v2" }, code: "TP_BAD_REQUEST", message: /Incorrect version .* example.io\/v2, expected: example.io\/v1/ },
    { applied: { ...spec({}), kind: "Other" }, code: "TP_BAD_REQUEST", message: /invalid object type: Other/ },
    { applied: sample({}, { managedFields: [] }), code: "TP_BAD_REQUEST", message: /managedFields must be nil/ },
    { applied: spec({ items: [{ name: "a" }, { name: "a" }] }), code: "TP_INVALID", message: /\.spec\.items: duplicate entries for key \[name="a"\]/ },
    { applied: spec({ items: [{ value: 1 }] }), code: "TP_INVALID", message: /none of its keys/ },
    { applied: spec({ items: [{ name: "a", tags: [{}] }] }), code: "TP_INVALID", message: /\.spec\.items\[name="a"\]\.tags: .* not a scalar/ },
    { applied: spec({ ports: [{ port: 80 }, { port: 80, protocol: "TCP" }] }), code: "TP_INVALID", message: /duplicate/ },
  ])("$applied is refused", ({ applied, code, message }) => {
    const error = errorOf(() => apply(spec({}), "ann", applied as JsonObject));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  test("of very many conflicts the first hundred are named", () => {
    const labels = (value: string) => spec({ labels: Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`k${index}`, value])) });
    const error = errorOf(() => apply(apply(undefined, "ann", labels("a")).object, "bob", labels("b")));
    expect(error.causes).toHaveLength(100);
    expect(error.message).toMatch(/^Apply failed with 20000 conflicts: .*\n[^]*and 19900 more$/);
  });

  test("a live list with repeated elements is repaired by applying one of them", () => {
    const live = update(undefined, "old", spec({ items: [{ name: "a", value: 1 }, { name: "a", value: 2 }, { name: "b" }] }));
    expect(specOf(apply(live, "ann", spec({ items: [{ name: "a", value: 3 }] }), { force: true }))).toEqual({
      items: [{ name: "a", value: 3 }, { name: "b" }],
    });
  });

  test("keys that name parts of a prototype merge as data", () => {
    const hostile = JSON.parse(
      '{"apiVersion":"example.io/v1","kind":"Sample","metadata":{"name":"x"},"spec":{"free":{"__proto__":{"admin":true},"constructor":1}}}',
    ) as JsonObject;
    const first = apply(undefined, "ann", hostile);
    const gone = apply(first.object, "ann", spec({ free: {} }));
    expect(JSON.stringify(specOf(first))).toBe('{"free":{"__proto__":{"admin":true},"constructor":1}}');
    expect(specOf(gone)).toEqual({ free: {} });
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});

describe("apply by kubectl after client-side apply", () => {
  const annotation = "kubectl.kubernetes.io/last-applied-configuration";
  const clientSide = (fields: JsonObject, more: JsonObject = {}) =>
    update(
      undefined,
      "kubectl-client-side-apply",
      sample({ spec: { ...fields, ...more } }, { annotations: { [annotation]: `${JSON.stringify(spec(fields))}\n` } }),
    );

  test("takes over what kubectl applied before, and renews the annotation", () => {
    const taken = apply(clientSide({ replicas: 1 }), "kubectl", spec({ replicas: 2 }));
    expect(specOf(taken)).toEqual({ replicas: 2 });
    expect(owned(taken, "kubectl")).toEqual({ "f:spec": { "f:replicas": {} } });
    expect(has(decodeFieldsV1(owned(taken, "kubectl-client-side-apply")), ["f:spec", "f:replicas"])).toBe(false);
    const { annotations } = taken.object["metadata"] as { annotations: Record<string, string> };
    expect(JSON.parse(annotations[annotation] ?? "")).toEqual(spec({ replicas: 2 }));
  });

  test("does not take what somebody changed since, or what others own", () => {
    const drifted = { ...clientSide({ replicas: 1 }), spec: { replicas: 5 } };
    expect(errorOf(() => apply(drifted, "kubectl", spec({ replicas: 2 }))).causes).toHaveLength(1);
    const other = apply(clientSide({ replicas: 1 }), "ann", spec({ title: "a" }));
    const error = errorOf(() => apply(other.object, "kubectl", spec({ replicas: 2, title: "b" })));
    expect(error.causes.map((cause) => cause.field)).toEqual([".spec.title"]);
  });

  test("another manager meets a conflict, and an unreadable annotation takes nothing over", () => {
    expect(errorOf(() => apply(clientSide({ replicas: 1 }), "argocd", spec({ replicas: 2 }))).causes).toHaveLength(1);
    const broken = update(undefined, "kubectl-client-side-apply", sample({ spec: { replicas: 1 } }, { annotations: { [annotation]: "{" } }));
    expect(errorOf(() => apply(broken, "kubectl", spec({ replicas: 2 }))).causes).toHaveLength(1);
  });
});

describe("laws of apply", () => {
  const manager = fc.constantFrom("ann", "bob", "eve");
  const steps = fc.array(fc.record({ manager, object: anySample, isApply: fc.boolean() }), { minLength: 1, maxLength: 5 });

  /** Some object with a history of applies and updates. */
  const history = steps.map((all) =>
    all.reduce<JsonObject | undefined>(
      (live, step) => (step.isApply ? apply(live, step.manager, step.object, { force: true }).object : update(live, step.manager, step.object)),
      undefined,
    ),
  );

  test("the second same apply changes nothing", () => {
    fc.assert(
      fc.property(history, manager, anySample, (live, who, applied) => {
        const once = apply(live, who, applied, { force: true });
        expect(apply(once.object, who, applied, { now: "2027-01-01T00:00:00Z" }).object).toBe(once.object);
      }),
      { numRuns: 500 },
    );
  });

  test("what is applied stands in the result, and the applier owns it", () => {
    fc.assert(
      fc.property(history, manager, anySample, (live, who, applied) => {
        const result = apply(live, who, applied, { force: true });
        const merged = apply(result.object, "reader", applied); // conflicts with nobody: every value is there already
        const content = ({ object }: Applied) => setPath(object, "metadata.managedFields", undefined);
        expect(content(merged)).toEqual(content(result));
      }),
      { numRuns: 300 },
    );
  });

  test("without force an apply either fails or takes nothing from others", () => {
    fc.assert(
      fc.property(history, manager, anySample, (live, who, applied) => {
        let result: Applied;
        try {
          result = apply(live, who, applied);
        } catch (thrown) {
          expect((thrown as PlatformError).causes.length).toBeGreaterThan(0);
          return;
        }
        const forced = apply(live, who, applied, { force: true });
        expect(forced).toEqual(result);
      }),
      { numRuns: 300 },
    );
  });

  test("the last one who stops applying leaves only what others own", () => {
    fc.assert(
      fc.property(anySpec, anySpec, (mine, theirs) => {
        const first = apply(undefined, "ann", spec(theirs as JsonObject));
        const both = apply(first.object, "bob", spec(mine as JsonObject), { force: true });
        const left = apply(both.object, "bob", sample());
        const kept = left.managedFields.map((entry) => entry.manager);
        expect(kept).not.toContain("bob");
        const again = apply(left.object, "ann", spec(theirs as JsonObject));
        expect(again.managedFields.every((entry) => entry.manager === "ann")).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test("the inputs are never changed", () => {
    fc.assert(
      fc.property(history, manager, anySample, (live, who, applied) => {
        const before = deepClone({ live, applied });
        apply(live, who, applied, { force: true });
        expect(deepEqual({ live, applied }, before)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

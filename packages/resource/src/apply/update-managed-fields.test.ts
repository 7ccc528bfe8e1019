import { describe, expect, test } from "vitest";
import { deepClone } from "../json.ts";
import type { JsonObject } from "../object.ts";
import { applyPatch } from "./apply-patch.ts";
import { type ManagedFieldsEntry, updateOwnersMax } from "./managed-fields.ts";
import { apiVersion, sample, sampleSchema } from "./sample-kind.test-support.ts";
import { type ManagedUpdate, updateManagedFields } from "./update-managed-fields.ts";

const second = (n: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, n)).toISOString().replace(".000Z", "Z");

function write(
  live: JsonObject | undefined,
  manager: string,
  updated: JsonObject,
  more: Partial<ManagedUpdate> = {},
): JsonObject & { metadata: { managedFields: readonly ManagedFieldsEntry[] } } {
  const managedFields = updateManagedFields({ live, updated, manager, operation: "Update", apiVersion, schema: sampleSchema, nowRfc3339: second(0), ...more });
  return { ...updated, metadata: { ...(updated["metadata"] as JsonObject), managedFields } };
}

const spec = (fields: JsonObject) => sample({ spec: fields });
const fieldsOf = (object: ReturnType<typeof write>) => Object.fromEntries(object.metadata.managedFields.map((entry) => [entry.manager, entry.fieldsV1]));

describe("updateManagedFields", () => {
  test("the creator owns everything but the object's identity", () => {
    const created = write(
      undefined,
      "ann",
      sample({ spec: { replicas: 1, labels: { k1: "a" } } }, { uid: "1", labels: { a: "1" }, resourceVersion: "5", creationTimestamp: second(0) }),
    );
    expect(created.metadata.managedFields).toEqual([
      {
        manager: "ann",
        operation: "Update",
        apiVersion,
        time: second(0),
        fieldsType: "FieldsV1",
        fieldsV1: { "f:metadata": { "f:labels": { ".": {}, "f:a": {} } }, "f:spec": { ".": {}, "f:labels": { ".": {}, "f:k1": {} }, "f:replicas": {} } },
      },
    ]);
  });

  test("who changes a field takes it; who removes one takes it from everybody", () => {
    const created = write(undefined, "ann", spec({ replicas: 1, title: "a" }));
    const changed = write(created, "bob", spec({ replicas: 2, title: "a" }));
    expect(fieldsOf(changed)).toEqual({ ann: { "f:spec": { ".": {}, "f:title": {} } }, bob: { "f:spec": { "f:replicas": {} } } });
    const removed = write(changed, "eve", spec({ replicas: 2 }));
    expect(fieldsOf(removed)).toEqual({ ann: { "f:spec": {} }, bob: { "f:spec": { "f:replicas": {} } } });
  });

  test("an update takes fields from who applied them", () => {
    const applied = applyPatch({
      live: undefined,
      applied: spec({ replicas: 1, title: "a" }),
      manager: "ann",
      force: false,
      apiVersion,
      schema: sampleSchema,
      nowRfc3339: second(0),
    });
    const updated = write(applied.object, "bob", spec({ replicas: 3, title: "a" }));
    expect(fieldsOf(updated)).toEqual({ ann: { "f:spec": { "f:title": {} } }, bob: { "f:spec": { "f:replicas": {} } } });
  });

  test("K3: when nothing changed the very same entries come back", () => {
    const created = write(undefined, "ann", spec({ replicas: 1 }));
    const again = updateManagedFields({
      live: created,
      updated: deepClone(created),
      manager: "bob",
      operation: "Update",
      apiVersion,
      schema: sampleSchema,
      nowRfc3339: second(9),
    });
    expect(again).toEqual(created.metadata.managedFields);
    const bare = updateManagedFields({
      live: created,
      updated: spec({ replicas: 1 }),
      manager: "bob",
      operation: "Update",
      apiVersion,
      schema: sampleSchema,
      nowRfc3339: second(9),
    });
    expect(bare).toBe(created.metadata.managedFields);
  });

  test("a client can clear ownership, and then nobody owns what was there", () => {
    const created = write(undefined, "ann", spec({ replicas: 1 }));
    for (const cleared of [[], [{}]]) {
      const updated = { ...spec({ replicas: 1 }), metadata: { name: "x", managedFields: cleared } };
      expect(
        updateManagedFields({ live: created, updated, manager: "bob", operation: "Update", apiVersion, schema: sampleSchema, nowRfc3339: second(1) }),
      ).toEqual([]);
    }
    expect(write(spec({ replicas: 1 }), "bob", spec({ replicas: 2 })).metadata.managedFields).toEqual([]);
  });

  test("ownership that a client sends malformed, or through a subresource, is not believed", () => {
    const created = write(undefined, "ann", spec({ replicas: 1 }));
    const forged = [{ manager: "eve", operation: "Apply", apiVersion, fieldsType: "FieldsV1", fieldsV1: { "f:spec": { "f:title": {} } } }];
    for (const managedFields of [[{ manager: "eve" }], "x", [{ ...forged[0], fieldsType: "V2" }], [{ ...forged[0], operation: "Own" }]]) {
      const updated = { ...spec({ replicas: 1 }), metadata: { name: "x", managedFields } } as JsonObject;
      expect(write(created, "bob", updated).metadata.managedFields).toBe(created.metadata.managedFields);
    }
    const status = { ...sample({ spec: { replicas: 1 }, status: { phase: "A" } }), metadata: { name: "x", managedFields: forged } };
    expect(Object.keys(fieldsOf(write(created, "bob", status, { subresource: "status" })))).toEqual(["ann", "bob"]);
  });

  test("K2: the object itself owns no status, /status nothing else", () => {
    const body = sample({ spec: { replicas: 1 }, status: { phase: "A" } });
    expect(fieldsOf(write(undefined, "ann", body))).toEqual({ ann: { "f:spec": { ".": {}, "f:replicas": {} } } });
    const live = write(undefined, "ann", spec({ replicas: 1 }));
    const status = write(live, "controller", sample({ spec: { replicas: 9 }, status: { phase: "A" } }), { subresource: "status", nowRfc3339: second(1) });
    expect(status.metadata.managedFields.map(({ manager, subresource, fieldsV1 }) => ({ manager, subresource, fieldsV1 }))).toEqual([
      { manager: "ann", subresource: undefined, fieldsV1: { "f:spec": { ".": {}, "f:replicas": {} } } },
      { manager: "controller", subresource: "status", fieldsV1: { "f:status": { ".": {}, "f:phase": {} } } },
    ]);
  });

  test("K7: of many writers the oldest become ancient-changes, and no field loses its owner", () => {
    const keys = Array.from({ length: 25 }, (_, index) => `k${index}`);
    let live: ReturnType<typeof write> | undefined;
    for (const [index] of keys.entries()) {
      const labels = Object.fromEntries(keys.slice(0, index + 1).map((key) => [key, "v"]));
      live = write(live, `writer-${index}`, spec({ labels }), { nowRfc3339: second(index) });
      expect(live.metadata.managedFields.length).toBeLessThanOrEqual(updateOwnersMax);
    }
    const entries = live?.metadata.managedFields ?? [];
    expect(entries.map((entry) => entry.manager)).toEqual(["ancient-changes", ...keys.slice(-9).map((key) => `writer-${key.slice(1)}`)]);
    const owned = entries.flatMap((entry) => Object.keys((entry.fieldsV1["f:spec"] as { "f:labels": JsonObject })["f:labels"])).filter((key) => key !== ".");
    expect(owned.toSorted()).toEqual(keys.map((key) => `f:${key}`).toSorted());
  });
});

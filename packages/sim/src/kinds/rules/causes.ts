import { deepEqual, type ErrorCause, type KubeObject } from "@threeport/resource";
import { fields, type Fields } from "./fields.ts";

export function required(field: string): ErrorCause {
  return { field, reason: "FieldValueRequired", message: "Required value" };
}

/** `spec` as a whole may not change but for what `without` takes out of a copy. */
export function fixed(object: KubeObject, old: KubeObject | undefined, without: (spec: Fields) => void): ErrorCause[] {
  if (old === undefined) return [];
  const [next, before] = [object, old].map((each) => {
    const spec = structuredClone(fields(each, "spec"));
    without(spec);
    return spec;
  });
  return deepEqual(next, before) ? [] : [{ field: "spec", reason: "FieldValueForbidden", message: "Forbidden: these fields cannot change after creation" }];
}

export function immutable(object: KubeObject, old: KubeObject, paths: readonly string[]): ErrorCause[] {
  const at = (root: KubeObject, path: string): unknown => path.split(".").reduce<unknown>((value, key) => (value as Fields | undefined)?.[key], root);
  return paths
    .filter((path) => !deepEqual(at(object, path), at(old, path)))
    .map((field) => ({ field, reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(at(object, field))}: field is immutable` }));
}

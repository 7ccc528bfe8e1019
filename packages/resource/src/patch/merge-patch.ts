import { PlatformError } from "../errors.ts";
import { deepEqual, isJsonObject, ownValue, setOwn } from "../json.ts";
import type { JsonObject } from "../object.ts";

/**
 * JSON merge patch (RFC 7386): objects merge, `null` removes, everything else replaces. The inputs stay as they are;
 * what does not change is shared with `current`, and a patch that changes nothing gives `current` itself.
 * @throws PlatformError TP_BAD_REQUEST when the patch is not an object
 */
export function mergePatch(current: JsonObject, patch: unknown): JsonObject {
  if (!isJsonObject(patch)) throw new PlatformError("TP_BAD_REQUEST", { message: "A merge patch must be a JSON object." });
  return mergeObject(current, patch);
}

function mergeObject(current: JsonObject, patch: JsonObject): JsonObject {
  let result = current;
  for (const key of Object.keys(patch)) {
    const before = ownValue(current, key);
    const value = ownValue(patch, key);
    if (value === null) {
      if (!Object.hasOwn(current, key)) continue;
      if (result === current) result = { ...current };
      delete result[key];
      continue;
    }
    const after = isJsonObject(value) ? mergeObject(isJsonObject(before) ? before : {}, value) : deepEqual(before, value) ? before : value;
    if (after === before) continue;
    if (result === current) result = { ...current };
    setOwn(result, key, after);
  }
  return result;
}

/**
 * The smallest merge patch that turns `before` into `after`. A merge patch cannot express a `null`: where `after` has one,
 * applying the result leaves the field out.
 */
export function createMergePatch(before: JsonObject, after: JsonObject): JsonObject {
  const patch: JsonObject = {};
  for (const key of Object.keys(before)) if (ownValue(after, key) === undefined) setOwn(patch, key, null);
  for (const key of Object.keys(after)) {
    const was = ownValue(before, key);
    const is = ownValue(after, key);
    if (is === undefined || deepEqual(was, is)) continue;
    setOwn(patch, key, isJsonObject(was) && isJsonObject(is) ? createMergePatch(was, is) : is);
  }
  return patch;
}

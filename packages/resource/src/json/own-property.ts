import type { JsonObject } from "../object.ts";

/** True for a JSON object: not null, not a list. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The object's own property, never an inherited one: `object["constructor"]` would answer with a function for a key that
 * nobody sent.
 */
export function ownValue(object: Readonly<JsonObject>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/**
 * Writes an own property whatever the key is called. Plain assignment to `__proto__` would change the object's prototype
 * instead (robustness.md I2), so every copy of keys that came from outside goes through here or through spread.
 */
export function setOwn(object: JsonObject, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    object[key] = value;
  }
}

/** Everything about JSON values: reading request bodies, comparing, copying, and paths into them. */
export { isJsonObject, ownValue, setOwn } from "./json/own-property.ts";
export { deepEqual } from "./json/deep-equal.ts";
export { deepClone } from "./json/deep-clone.ts";
export { type JsonLimits, defaultJsonLimits, findDuplicateKeys, parseJson } from "./json/parse-json.ts";
export { type JsonPath, parseJsonPath } from "./json/json-path.ts";
export { type PathSegment, formatPath, getPath, parsePath, setPath } from "./json/field-path.ts";
export { sortKeys } from "./json/sort-keys.ts";

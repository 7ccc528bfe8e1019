import { PlatformError } from "../errors.ts";
import { deepClone, deepEqual, isJsonObject, ownValue, setOwn } from "../json.ts";
import type { JsonObject } from "../object.ts";
import { parseJsonPointer } from "./json-pointer.ts";

export const jsonPatchLimits = {
  /** Operations in one patch; kube-apiserver's number. */
  operationsMax: 10_000,
  /** Bytes of JSON that all `copy` operations may add together; kube-apiserver's number. Without it, doubling copies fill any memory. */
  copyBytesMax: 3 * 2 ** 20,
  /** List elements that all insertions and removals may shift together: some 50 ms of work. Without it, 10,000 insertions at the front of a long list stop the event loop. */
  shiftedElementsMax: 50_000_000,
} as const;

/**
 * JSON patch (RFC 6902). The inputs stay as they are; what does not change is shared with `current`. As in kube-apiserver,
 * `replace` of a key that is missing adds it, `test` for `null` passes where nothing is, and a negative index counts from the end.
 * @throws PlatformError TP_BAD_REQUEST when this is not a patch, TP_INVALID when it does not apply, TP_TOO_LARGE beyond {@link jsonPatchLimits}
 */
export function jsonPatch(current: JsonObject, patch: unknown): JsonObject {
  if (!Array.isArray(patch)) throw new PlatformError("TP_BAD_REQUEST", { message: "A JSON patch must be a list of operations." });
  if (patch.length > jsonPatchLimits.operationsMax) {
    throw new PlatformError("TP_TOO_LARGE", {
      message: `The allowed maximum operations in a JSON patch is ${jsonPatchLimits.operationsMax}, got ${patch.length}.`,
    });
  }
  const document = new PatchedDocument(current);
  for (const [index, operation] of patch.entries()) {
    if (!isJsonObject(operation)) throw new PlatformError("TP_BAD_REQUEST", { message: `JSON patch operation ${index} is not an object.` });
    try {
      document.apply(operation);
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      const message = `JSON patch operation ${index} (${describe(operation)}): ${thrown.message}.`;
      throw new PlatformError(thrown.code, { message, causes: [{ field: `patch[${index}]`, reason: "FieldValueInvalid", message }] });
    }
  }
  return document.result();
}

/** Why one operation does not apply; the caller adds which one it was. */
class Refusal extends Error {
  readonly code: "TP_INVALID" | "TP_TOO_LARGE";

  constructor(message: string, code: "TP_INVALID" | "TP_TOO_LARGE" = "TP_INVALID") {
    super(message);
    this.code = code;
  }
}

type Container = JsonObject | unknown[];

/** The document while it changes: each container is copied before its first change, and then changed in place. */
class PatchedDocument {
  private root: unknown;
  /** Containers that we copied and that nobody else can see. */
  private readonly own = new Set<object>();
  private copiedBytes = 0;
  private shiftedElements = 0;

  constructor(current: JsonObject) {
    this.root = current;
  }

  result(): JsonObject {
    if (isJsonObject(this.root)) return this.root;
    throw new PlatformError("TP_INVALID", { message: "The JSON patch leaves something that is not an object." });
  }

  apply(operation: JsonObject): void {
    const op = ownValue(operation, "op");
    const path = pointer(operation, "path");
    switch (op) {
      case "add":
        return this.add(path, valueOf(operation));
      case "remove":
        return void this.remove(path);
      case "replace":
        return this.replace(path, valueOf(operation));
      case "test":
        return this.test(path, valueOf(operation));
      case "move": {
        const from = pointer(operation, "from");
        if (path.length > from.length && from.every((key, index) => key === path[index])) throw new Refusal("a value cannot move into itself");
        return this.add(path, this.remove(from));
      }
      case "copy":
        return this.add(path, this.copied(pointer(operation, "from")));
      default:
        throw new Refusal("`op` must be one of add, remove, replace, move, copy, test");
    }
  }

  private add(path: readonly string[], value: unknown): void {
    const key = path.at(-1);
    if (key === undefined) {
      this.root = value;
      return;
    }
    const parent = this.writable(path);
    if (!Array.isArray(parent)) return setOwn(parent, key, value);
    const index = key === "-" ? parent.length : indexOf(key, parent.length, parent.length + 1);
    this.shift(parent.length - index);
    parent.splice(index, 0, value);
  }

  private remove(path: readonly string[]): unknown {
    const key = path.at(-1);
    if (key === undefined) throw new Refusal("the whole object cannot be removed");
    const parent = this.writable(path);
    if (!Array.isArray(parent)) {
      if (!Object.hasOwn(parent, key)) throw new Refusal("there is nothing at this path");
      const value = parent[key];
      delete parent[key];
      return value;
    }
    const index = indexOf(key, parent.length, parent.length);
    this.shift(parent.length - index);
    return parent.splice(index, 1)[0];
  }

  private replace(path: readonly string[], value: unknown): void {
    const key = path.at(-1);
    if (key === undefined) {
      this.root = value;
      return;
    }
    const parent = this.writable(path);
    if (Array.isArray(parent)) parent[indexOf(key, parent.length, parent.length)] = value;
    else setOwn(parent, key, value);
  }

  private test(path: readonly string[], expected: unknown): void {
    if (!deepEqual(this.read(path) ?? null, expected)) throw new Refusal("the value is not the one that the test expects");
  }

  private copied(from: readonly string[]): unknown {
    const value = this.read(from) ?? null;
    this.copiedBytes += JSON.stringify(value).length;
    if (this.copiedBytes > jsonPatchLimits.copyBytesMax) {
      throw new Refusal(`the copies add more than ${jsonPatchLimits.copyBytesMax} bytes together`, "TP_TOO_LARGE");
    }
    return deepClone(value);
  }

  /** The value at a path; undefined when the last key is missing. */
  private read(path: readonly string[]): unknown {
    let value = this.root;
    for (const [depth, key] of path.entries()) {
      if (Array.isArray(value)) value = value[indexOf(key, value.length, value.length)] as unknown;
      else if (isJsonObject(value)) value = ownValue(value, key);
      else throw new Refusal(`there is no /${path.slice(0, depth).join("/")} to look into`);
    }
    return value;
  }

  /** The container of the last key of `path`, ready to be changed: it and all above it are copies of ours. */
  private writable(path: readonly string[]): Container {
    let container = this.owned(this.root);
    if (container === undefined) throw new Refusal("the document is not an object any more");
    this.root = container;
    for (const [depth, key] of path.slice(0, -1).entries()) {
      const index = Array.isArray(container) ? indexOf(key, container.length, container.length) : -1;
      const child = this.owned(Array.isArray(container) ? container[index] : ownValue(container, key));
      if (child === undefined) throw new Refusal(`there is no /${path.slice(0, depth + 1).join("/")} to change`);
      if (Array.isArray(container)) container[index] = child;
      else setOwn(container, key, child);
      container = child;
    }
    return container;
  }

  /** The container itself when it is ours already, else a copy of it; undefined for anything that is no container. */
  private owned(value: unknown): Container | undefined {
    if (typeof value !== "object" || value === null) return undefined;
    if (this.own.has(value)) return value as Container;
    const copy = Array.isArray(value) ? [...(value as unknown[])] : { ...(value as JsonObject) };
    this.own.add(copy);
    return copy;
  }

  private shift(elements: number): void {
    this.shiftedElements += elements;
    if (this.shiftedElements > jsonPatchLimits.shiftedElementsMax) {
      throw new Refusal(`the patch shifts more than ${jsonPatchLimits.shiftedElementsMax} list elements`, "TP_TOO_LARGE");
    }
  }
}

/** `below` is one past the largest index that is allowed; a negative index counts from the end, as kube-apiserver has it. */
function indexOf(key: string, length: number, below: number): number {
  if (!/^-?\d{1,9}$/.test(key)) throw new Refusal(`${JSON.stringify(key)} is not an index into a list`);
  const index = Number(key) < 0 ? Number(key) + below : Number(key);
  if (index < 0 || index >= below) throw new Refusal(`the list has ${length} elements, no index ${key}`);
  return index;
}

function pointer(operation: JsonObject, field: "path" | "from"): string[] {
  const text = ownValue(operation, field);
  const keys = typeof text === "string" ? parseJsonPointer(text) : undefined;
  if (keys === undefined) throw new Refusal(`\`${field}\` must be a JSON pointer: empty, or starting with "/"`);
  return keys;
}

function valueOf(operation: JsonObject): unknown {
  if (!Object.hasOwn(operation, "value")) throw new Refusal("`value` is missing");
  return operation["value"];
}

function describe(operation: JsonObject): string {
  const op = ownValue(operation, "op");
  const path = ownValue(operation, "path");
  return `${typeof op === "string" ? op.slice(0, 20) : "?"} ${typeof path === "string" ? path.slice(0, 200) : "?"}`;
}

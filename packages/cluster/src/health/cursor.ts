/** An object has a shape that its kind does not allow. Becomes the verdict Unknown; never leaves this folder. */
export class WrongShape extends Error {
  readonly pointer: string;

  constructor(pointer: string, expected: string, found: unknown) {
    super(`${pointer === "" ? "the object" : pointer} should be ${expected} but is ${describe(found)}`);
    this.name = "WrongShape";
    this.pointer = pointer;
  }
}

/** What `read` finds; undefined where the shape is wrong. For things beside the object, which must not decide about it. */
export function unlessWrong<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof WrongShape) return undefined;
    throw error;
  }
}

export type Key = string | number;

/**
 * A place in an object that came from outside, with its JSON pointer. `null` and absent are the same, as in the API
 * server; any other type than the asked one throws `WrongShape`. Nothing is converted: a number written as a string is
 * wrong, because whoever wrote it is not the controller that the rules know.
 */
export class Cursor {
  readonly value: unknown;
  readonly pointer: string;

  constructor(value: unknown, pointer = "") {
    this.value = value === null ? undefined : value;
    this.pointer = pointer;
  }

  get exists(): boolean {
    return this.value !== undefined;
  }

  /** Goes down; an absent parent gives an absent child. */
  at(...keys: readonly Key[]): Cursor {
    return keys.reduce<Cursor>((here, key) => here.#step(key), this);
  }

  text(...keys: readonly Key[]): string | undefined {
    const { value, pointer } = this.at(...keys);
    if (value === undefined || typeof value === "string") return value;
    throw new WrongShape(pointer, "a string", value);
  }

  number(...keys: readonly Key[]): number | undefined {
    const { value, pointer } = this.at(...keys);
    if (value === undefined || (typeof value === "number" && Number.isFinite(value))) return value;
    throw new WrongShape(pointer, "a number", value);
  }

  flag(...keys: readonly Key[]): boolean | undefined {
    const { value, pointer } = this.at(...keys);
    if (value === undefined || typeof value === "boolean") return value;
    throw new WrongShape(pointer, "true or false", value);
  }

  /** The moment that an RFC 3339 string names, in ms since the epoch. */
  moment(...keys: readonly Key[]): number | undefined {
    const written = this.text(...keys);
    if (written === undefined) return undefined;
    const moment = Date.parse(written);
    if (Number.isNaN(moment)) throw new WrongShape(this.at(...keys).pointer, "a time", written);
    return moment;
  }

  /** The elements of a list; absent means none. */
  list(...keys: readonly Key[]): Cursor[] {
    const { value, pointer } = this.at(...keys);
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw new WrongShape(pointer, "a list", value);
    return value.map((element: unknown, index) => new Cursor(element, `${pointer}/${index}`));
  }

  /** The keys of an object; absent means none. */
  keys(...keys: readonly Key[]): string[] {
    const { value, pointer } = this.at(...keys);
    if (value === undefined) return [];
    if (!isObject(value)) throw new WrongShape(pointer, "an object", value);
    return Object.keys(value);
  }

  #step(key: Key): Cursor {
    const pointer = `${this.pointer}/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;
    if (this.value === undefined) return new Cursor(undefined, pointer);
    if (typeof key === "number") {
      if (!Array.isArray(this.value)) throw new WrongShape(this.pointer, "a list", this.value);
      return new Cursor(this.value[key], pointer);
    }
    if (!isObject(this.value)) throw new WrongShape(this.pointer, "an object", this.value);
    return new Cursor(Object.hasOwn(this.value, key) ? this.value[key] : undefined, pointer);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return "absent";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

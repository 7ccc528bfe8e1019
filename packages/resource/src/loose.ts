type Fields = Readonly<Record<string, unknown>>;

/** Fields of a value that may be of any shape; none of one that is no mapping. */
export function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

/** Items of a value that may be of any shape; none of one that is no list. */
export function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

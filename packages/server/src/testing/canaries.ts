import { randomBytes } from "node:crypto";

/** Secret values that a test plants, and then looks for where they must not be (I13). */
export interface Canaries {
  /** A new value, named for messages. */
  plant(name: string): string;
  /** Also looks for what the product made itself: keys, tokens. */
  watch(name: string, value: string): void;
  /** Names of those that stand in `content`: as they are, in base64 at any offset, in hexadecimal, or percent-encoded. */
  find(content: string | Uint8Array): string[];
}

export function createCanaries(): Canaries {
  const forms: { readonly name: string; readonly form: string }[] = [];
  const watch = (name: string, value: string): void => {
    for (const form of formsOf(value)) forms.push({ name, form });
  };
  return {
    plant(name) {
      const value = `canary-${randomBytes(12).toString("hex")}`;
      watch(name, value);
      return value;
    },
    watch,
    find(content) {
      const text = typeof content === "string" ? content : Buffer.from(content).toString("latin1");
      return [...new Set(forms.filter(({ form }) => text.includes(form)).map(({ name }) => name))];
    },
  };
}

function formsOf(value: string): string[] {
  const bytes = Buffer.from(value);
  // Inside of a longer text that was encoded, a value begins at one of three offsets; the outer digits depend on its neighbours.
  const encoded = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString("base64")
      .replaceAll("=", "");
    return text.slice(offset === 0 ? 0 : 4, -2);
  });
  return [value, bytes.toString("hex"), ...encoded, ...encoded.map((text) => text.replaceAll("+", "-").replaceAll("/", "_")), encodeURIComponent(value)];
}

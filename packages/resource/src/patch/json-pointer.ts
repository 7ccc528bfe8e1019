/** Keys of a JSON pointer (RFC 6901), or undefined when the text is none. `""` is the whole document. */
export function parseJsonPointer(text: string): string[] | undefined {
  if (text === "") return [];
  if (!text.startsWith("/")) return undefined;
  return text
    .slice(1)
    .split("/")
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Warnings of one answer, and their lengths, are bounded as upstream bounds them: more would not fit into headers that clients read. */
const warningsMax = 20;
const warningCharactersMax = 256;

/** Values of `Warning` headers (RFC 7234 §5.5). Text beyond ASCII travels as UTF-8, as Go sends and reads it. */
export function warningHeaders(warnings: readonly string[]): string[] {
  return warnings.slice(0, warningsMax).map((text) => {
    const printable = text
      .slice(0, warningCharactersMax)
      .toWellFormed()
      .replaceAll(/\p{Cc}/gu, " ");
    const quoted = `299 - "${printable.replaceAll(/["\\]/g, "\\$&")}"`;
    return Buffer.from(quoted, "utf8").toString("latin1");
  });
}

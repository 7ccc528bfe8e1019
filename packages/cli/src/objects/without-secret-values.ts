/** A copy in which no Secret, however deep it stands, shows a value: only how long each is. For output that people paste into tickets. */
export function withoutSecretValues(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecretValues);
  if (typeof value !== "object" || value === null) return value;
  const object = value as Record<string, unknown>;
  const secret = object["kind"] === "Secret";
  return Object.fromEntries(
    Object.entries(object).map(([key, member]) => {
      if (key === "kubectl.kubernetes.io/last-applied-configuration") return [key, "(left out)"]; // the whole object again, values included
      if (secret && (key === "data" || key === "stringData")) return [key, sizes(member, key === "data")];
      return [key, withoutSecretValues(member)];
    }),
  );
}

function sizes(values: unknown, base64: boolean): unknown {
  if (typeof values !== "object" || values === null) return "(left out)";
  return Object.fromEntries(
    Object.entries(values).map(([key, text]) => [
      key,
      typeof text === "string" ? `${Buffer.byteLength(text, base64 ? "base64" : "utf8")} bytes` : "(left out)",
    ]),
  );
}

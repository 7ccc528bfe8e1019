import { isJsonObject, ownValue, validateObjectMeta, type ErrorCause, type Schema } from "@threeport/resource";
import { requiredCause } from "./causes.ts";

/** Checks the metadata of objects inside an object. */
export type CheckEmbedded = (value: unknown, at: string) => ErrorCause[];

/** Undefined where a schema has no `x-kubernetes-embedded-resource`, as most have none. */
export function embeddedObjects(schema: Schema): CheckEmbedded | undefined {
  const isOne = schema["x-kubernetes-embedded-resource"] === true;
  const fields = Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const check = embeddedObjects(child);
    return check === undefined ? [] : [{ name, check }];
  });
  const items = schema.items === undefined ? undefined : embeddedObjects(schema.items);
  const values = typeof schema.additionalProperties === "object" ? embeddedObjects(schema.additionalProperties) : undefined;
  if (!isOne && fields.length === 0 && items === undefined && values === undefined) return undefined;
  return (value, at) => {
    if (Array.isArray(value)) return items === undefined ? [] : value.flatMap((element: unknown, index) => items(element, `${at}[${index}]`));
    if (!isJsonObject(value)) return [];
    const within = (name: string) => (at === "" ? name : `${at}.${name}`);
    return [
      ...(isOne ? ownCauses(value, at) : []),
      ...fields.flatMap(({ name, check }) => check(ownValue(value, name), within(name))),
      ...(values === undefined ? [] : Object.entries(value).flatMap(([name, child]) => values(child, within(name)))),
    ];
  };
}

/** An embedded object need not have a name yet; what it has must be well-formed. */
function ownCauses(value: Readonly<Record<string, unknown>>, at: string): ErrorCause[] {
  const empty = ["apiVersion", "kind"].filter((name) => value[name] === "").map((name) => requiredCause(`${at}.${name}`, "must not be empty"));
  const metadata = value["metadata"];
  if (metadata === undefined) return empty;
  const namespaced = isJsonObject(metadata) && metadata["namespace"] !== undefined;
  const causes = validateObjectMeta(metadata, { namespaced, nameRule: "path" }).filter(({ reason }) => reason !== "FieldValueRequired");
  return [...empty, ...causes.map((cause) => ({ ...cause, field: `${at}.${cause.field ?? "metadata"}` }))];
}

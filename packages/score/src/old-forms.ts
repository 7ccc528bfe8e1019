// Forms of earlier versions of the format, brought to the present one before it is checked.
import { setOwn, type ErrorCause } from "@threeport/resource";
import { below, invalid, required } from "./field.ts";

type Fields = Record<string, unknown>;

export interface Upgraded {
  readonly document: unknown;
  /** What was read in another way than it is written now, each with its field. */
  readonly notices: readonly ErrorCause[];
  readonly causes: readonly ErrorCause[];
}

/** Lists of files and volumes become mappings by target. What is no Score document at all is refused with a hint. */
export function upgradeOldForms(document: unknown): Upgraded {
  const refused = refusals(document);
  const root = fieldsOf(document);
  const containers = root === undefined ? undefined : fieldsOf(root["containers"]);
  if (refused.length > 0 || root === undefined || containers === undefined) return { document, notices: [], causes: refused };
  const notices: ErrorCause[] = [];
  const causes: ErrorCause[] = [];
  const upgraded = Object.fromEntries(
    Object.entries(containers).map(([name, container]) => {
      const own = fieldsOf(container);
      if (own === undefined) return [name, container];
      const changed: Fields = { ...own };
      for (const part of ["files", "volumes"] as const) {
        const list = own[part];
        const field = below(below("containers", name), part);
        if (Array.isArray(list)) changed[part] = byTarget(list as unknown[], { part, field, notices, causes });
        else causes.push(...targetsInside(list, field));
      }
      return [name, changed];
    }),
  );
  return { document: { ...root, containers: upgraded }, notices, causes };
}

function byTarget(
  list: readonly unknown[],
  {
    part,
    field,
    notices,
    causes,
  }: { readonly part: "files" | "volumes"; readonly field: string; readonly notices: ErrorCause[]; readonly causes: ErrorCause[] },
): Fields {
  notices.push({ field, message: `${part} as a list is an old form: write a mapping with each target as its key` });
  const found: Fields = {};
  list.forEach((entry, index) => {
    const own = fieldsOf(entry);
    const target = own?.["target"];
    if (own === undefined || typeof target !== "string" || target === "") {
      causes.push(required(below(below(field, index), "target"), "say which path in the container this is"));
      return;
    }
    const { target: _, ...rest } = own;
    const { content } = rest;
    if (part === "files" && Array.isArray(content) && content.every((line) => typeof line === "string")) rest["content"] = content.join("\n");
    if (part === "volumes" && "read_only" in rest) {
      rest["readOnly"] = rest["read_only"];
      delete rest["read_only"];
    }
    setOwn(found, target, rest);
  });
  return found;
}

/** `target` belongs to the old list. */
function targetsInside(value: unknown, field: string): ErrorCause[] {
  return Object.entries(fieldsOf(value) ?? {}).flatMap(([target, entry]) =>
    fieldsOf(entry)?.["target"] === undefined ? [] : [invalid(below(below(field, target), "target"), "the key above is the target already: remove the line")],
  );
}

function refusals(document: unknown): ErrorCause[] {
  const root = fieldsOf(document);
  if (root === undefined) return [invalid("", "a Score file is a mapping with apiVersion, metadata and containers")];
  if (typeof root["apiVersion"] === "string" && root["apiVersion"].startsWith("humanitec.org/"))
    return [
      invalid(
        "apiVersion",
        "this is an extension file of another platform, not a Score file: write score.dev/v1b1, and what it says about resources as params",
      ),
    ];
  return Object.entries(fieldsOf(root["resources"]) ?? {}).flatMap(([name, resource]) =>
    fieldsOf(resource)?.["properties"] === undefined
      ? []
      : [
          invalid(
            below(below("resources", name), "properties"),
            "an early draft of the format listed outputs here: remove it; which outputs there are follows from the type, and ${resources.NAME.OUTPUT} reads one",
          ),
        ],
  );
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

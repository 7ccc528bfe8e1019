// Forms of earlier versions of the format, brought to the present one before it is checked.
import { setOwn, type ErrorCause } from "@threeport/resource";
import { below, invalid, required } from "./field.ts";

type Fields = Record<string, unknown>;

export interface Upgraded {
  readonly document: unknown;
  /** It is no Score document: nothing more can be said of it than `causes` say. */
  readonly foreign: boolean;
  /** What was read in another way than it is written now, each with its field. */
  readonly notices: readonly ErrorCause[];
  readonly causes: readonly ErrorCause[];
  /** A field of the upgraded document as it is written in the given one: an entry of a list has its index there. */
  readonly asWritten: (field: string) => string;
}

interface Found {
  readonly notices: ErrorCause[];
  readonly causes: ErrorCause[];
  /** Entries of lists: the field by target, and the one by index. */
  readonly entries: [upgraded: string, written: string][];
}

/**
 * Lists of files and volumes become mappings by target. What cannot be read in today's way is told and left out, so that the rest is checked too. What is no
 * Score document at all is refused with a hint.
 */
export function upgradeOldForms(document: unknown): Upgraded {
  const root = fieldsOf(document);
  const foreign = whyForeign(root);
  if (root === undefined || foreign !== undefined)
    return { document, foreign: true, notices: [], causes: foreign === undefined ? [] : [foreign], asWritten: (field) => field };
  const found: Found = { notices: [], causes: [], entries: [] };
  const containers = each(root["containers"], "containers", (container, field) => upgradeContainer(container, field, found));
  const resources = each(root["resources"], "resources", (resource, field) => withoutProperties(resource, field, found));
  const upgraded: Fields = { ...root, ...(containers === undefined ? {} : { containers }), ...(resources === undefined ? {} : { resources }) };
  const asWritten = (field: string): string => {
    const entry = found.entries.find(([prefix]) => field === prefix || field.startsWith(`${prefix}.`));
    return entry === undefined ? field : `${entry[1]}${field.slice(entry[0].length)}`;
  };
  return { document: upgraded, foreign: false, notices: found.notices, causes: found.causes, asWritten };
}

/** The mappings of a mapping, each changed; undefined where there is none. */
function each(value: unknown, field: string, change: (own: Fields, field: string) => Fields): Fields | undefined {
  const all = fieldsOf(value);
  if (all === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(all).map(([name, item]) => {
      const own = fieldsOf(item);
      return [name, own === undefined ? item : change(own, below(field, name))];
    }),
  );
}

function upgradeContainer(container: Fields, field: string, found: Found): Fields {
  const changed: Fields = { ...container };
  for (const part of ["files", "volumes"] as const) {
    const value = container[part];
    const here = below(field, part);
    const mapping = Array.isArray(value)
      ? byTarget(value as unknown[], { part, field: here, found })
      : each(value, here, (entry, at) => withoutTarget(entry, at, found));
    if (mapping !== undefined) changed[part] = mapping;
  }
  return changed;
}

function byTarget(
  list: readonly unknown[],
  { part, field, found: { notices, causes, entries } }: { readonly part: "files" | "volumes"; readonly field: string; readonly found: Found },
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
    // Among equal targets the last wins, so its place is found first.
    entries.unshift([below(field, target), below(field, index)]);
  });
  return found;
}

/** `target` belongs to the old list. */
function withoutTarget(entry: Fields, field: string, { causes }: Found): Fields {
  if (entry["target"] === undefined) return entry;
  causes.push(invalid(below(field, "target"), "the key above is the target already: remove the line"));
  const { target: _, ...rest } = entry;
  return rest;
}

function withoutProperties(resource: Fields, field: string, { causes }: Found): Fields {
  if (resource["properties"] === undefined) return resource;
  causes.push(
    invalid(
      below(field, "properties"),
      isListOfOutputs(resource["properties"])
        ? `an early draft of the format listed outputs here: remove it; which outputs there are follows from the type, and \${${field}.OUTPUT} reads one`
        : "there is no such field: write params",
    ),
  );
  const { properties: _, ...rest } = resource;
  return rest;
}

/** What the early draft said of an output. */
const draftFields: ReadonlySet<string> = new Set(["type", "default", "required", "secret"]);

/** Names of outputs with nothing, or with what the early draft said of them; all else is meant as params. */
function isListOfOutputs(properties: unknown): boolean {
  return Object.values(fieldsOf(properties) ?? {}).every(
    (value) => value === null || Object.keys(fieldsOf(value) ?? { [""]: "" }).every((key) => draftFields.has(key)),
  );
}

function whyForeign(root: Fields | undefined): ErrorCause | undefined {
  if (root === undefined) return invalid("", "a Score file is a mapping with apiVersion, metadata and containers");
  const { apiVersion, containers, spec } = root;
  if (typeof apiVersion === "string" && apiVersion.startsWith("humanitec.org/"))
    return invalid(
      "apiVersion",
      "this is an extension file of another platform, not a Score file: write score.dev/v1b1, and what it says about resources as params",
    );
  if (containers === undefined && fieldsOf(fieldsOf(spec)?.["containers"]) !== undefined)
    return invalid("spec", "a Score file has neither kind nor spec: move containers, service and resources one level up, and remove the lines kind and spec");
  return undefined;
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

import type { DependencyProfile } from "../kinds.ts";
import { tableLines } from "../output/table.ts";
import { plainText } from "../output/terminal.ts";
import { durationText } from "../parse.ts";
import type { Match } from "./fetch-match.ts";

export interface Explained {
  readonly environment: string;
  readonly type: string;
  readonly class: string;
  readonly match: Match;
  readonly profile: DependencyProfile;
}

type Spec = DependencyProfile["spec"];

/** Pure. */
export function explainLines({ environment, type, class: sort, match, profile: { metadata, spec } }: Explained): string[] {
  const what = `${type}${sort === "default" ? "" : ` of class ${sort}`}`;
  return [
    `a new ${what} in environment ${environment}, on runtime ${match.runtime}, is met by profile ${metadata.name} (${Object.keys(spec.provisioner).join(",")})`,
    "",
    ...section(
      "profiles",
      ["profile", "chosen", "why"],
      match.candidates.map(({ profile, chosen, reason }) => [profile, chosen ? "yes" : "no", reason]),
      "none",
    ),
    ...section(
      "params",
      ["name", "type", "default", "required", "description"],
      paramRows(spec),
      spec.params === undefined ? "any, and none has an effect unless the profile reads it" : "none",
    ),
    ...section(
      "outputs",
      ["name", "secret"],
      Object.entries(spec.outputs ?? {}).map(([name, { secret, secretRef }]) => [name, secret === true || secretRef !== undefined ? "yes" : "no"]),
      spec.provisioner["secret"] === undefined ? "none" : "each value of the Secret, all of them secret",
    ),
    ...section(
      "generated",
      ["name", "how", "can be made anew"],
      Object.entries(spec.generated ?? {}).map(([name, how]) => [name, how, spec.rotatable?.includes(name) === true ? "yes" : "no"]),
      "nothing",
    ),
    ...section(
      "requires",
      ["name", "type", "class", "id"],
      Object.entries(spec.requires ?? {}).map(([name, wanted]) => [name, wanted.type, wanted.class, wanted.id]),
      "nothing",
    ),
    `support services of the runtime: ${Object.keys(spec.services ?? {}).join(", ") || "none"}`,
    "",
    ...(spec.withWorkload === true ? ["made together with the workload, which does not wait for it; both are ready together", ""] : []),
    `when nobody uses it any more: ${endOf(spec)}`,
  ].map(plainText);
}

/** Where a profile may be used. */
export function placesOf({ match = {} }: Pick<Spec, "match">): string {
  const named = (["environments", "tiers", "runtimes"] as const).flatMap((field) =>
    match[field] === undefined ? [] : [`${field} ${match[field].join(", ")}`],
  );
  return named.length === 0 ? "everywhere" : named.join("; ");
}

function section(title: string, columns: readonly string[], rows: readonly (readonly unknown[])[], none: string): string[] {
  if (rows.length === 0) return [`${title}: ${none}`, ""];
  return [`${title}:`, ...tableLines({ columns, rows }).map((line) => `  ${line}`), ""];
}

function paramRows({ params = {} }: Spec): unknown[][] {
  const { properties = {}, required = [] } = params;
  return Object.entries(properties).map(([name, schema]) => [name, schema.type, schema.default, required.includes(name) ? "yes" : "no", describe(schema)]);
}

/** What is asked of a value stands in its schema; people read the parts that say what may be written. */
function describe(schema: Readonly<Record<string, unknown>>): string {
  const rules = ["enum", "pattern", "minimum", "maximum", "minLength", "maxLength"].flatMap((rule) =>
    schema[rule] === undefined ? [] : [`${rule} ${typeof schema[rule] === "string" ? schema[rule] : JSON.stringify(schema[rule])}`],
  );
  const told = typeof schema["description"] === "string" ? schema["description"] : "";
  return rules.length === 0 ? told : `${told}${told === "" ? "" : " "}(${rules.join(", ")})`;
}

function endOf({ deletion = {} }: Spec): string {
  if (deletion.policy === "Retain") return "it stays until somebody deletes it";
  const seconds = deletion.gracePeriodSeconds ?? 0;
  return seconds === 0 ? "it is deleted at once, with what it holds" : `it is deleted after ${durationText(seconds * 1000)}, with what it holds`;
}

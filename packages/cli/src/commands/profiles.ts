import type { KubeClient } from "@threeport/client";
import { PlatformError } from "@threeport/resource";
import { connect } from "../connect.ts";
import { note, say, type CliContext } from "../context.ts";
import { defaultProject, dependencyProfile, type DependencyProfile } from "../kinds.ts";
import { requireEnvironment } from "../objects/require-environment.ts";
import { tableLines } from "../output/table.ts";
import { explainLines, placesOf } from "../profiles/explain-lines.ts";
import { fetchMatch, type Match } from "../profiles/fetch-match.ts";

export async function listProfiles(this: CliContext, flags: { readonly type?: string; readonly output: "table" | "json" | "yaml" | "name" }): Promise<void> {
  await using client = await connect(this);
  const all = await readProfiles(client, this.signal);
  const profiles = all.filter(({ spec }) => flags.type === undefined || spec.type === flags.type);
  if (flags.output === "json" || flags.output === "yaml")
    return printValue(this, { apiVersion: "v1", kind: "List", metadata: {}, items: profiles }, flags.output);
  if (profiles.length === 0)
    return note(this, flags.type === undefined ? "there are no profiles" : `there is no profile of type ${flags.type}; ${typesThere(all)}`);
  if (flags.output === "name") {
    for (const { metadata } of profiles) say(this, `dependencyprofile/${metadata.name}`);
    return;
  }
  const columns = ["name", "type", "class", "provisioner", "priority", "built-in", "where"];
  const rows = profiles
    .toSorted((a, b) => a.spec.type.localeCompare(b.spec.type) || b.spec.priority - a.spec.priority)
    .map(({ metadata, spec }) => [
      metadata.name,
      spec.type,
      spec.class,
      Object.keys(spec.provisioner).join(","),
      spec.priority,
      metadata.labels?.["threeport.io/built-in"] === "true" ? "yes" : "no",
      placesOf(spec),
    ]);
  for (const line of tableLines({ columns, rows })) say(this, line);
}

export interface ExplainFlags {
  readonly env: string;
  readonly class: string;
  readonly namespace?: string;
  readonly output: "text" | "json" | "yaml";
}

/** @throws PlatformError TP_NOT_FOUND when no profile fits, with what there is */
export async function explainProfile(this: CliContext, flags: ExplainFlags, type: string): Promise<void> {
  const { signal } = this;
  await using client = await connect(this);
  await requireEnvironment(client, flags.env, signal);
  const need = { environment: flags.env, type, class: flags.class };
  const match = await fetchMatch(client, { project: flags.namespace ?? defaultProject, ...need }, signal);
  if (match.chosen === undefined) throw await noProfile(client, need, match, signal);
  const profile = await client.get<DependencyProfile>({ ...dependencyProfile, name: match.chosen }, { signal });
  if (flags.output !== "text") return printValue(this, { ...need, ...match, profile: profile.spec }, flags.output);
  for (const line of explainLines({ ...need, match, profile })) say(this, line);
}

async function noProfile(
  client: KubeClient,
  need: { readonly environment: string; readonly type: string; readonly class: string },
  { candidates }: Match,
  signal: AbortSignal,
): Promise<PlatformError> {
  const what = `type ${need.type}${need.class === "default" ? "" : ` and class ${need.class}`}`;
  if (candidates.length > 0)
    return new PlatformError("TP_NOT_FOUND", {
      message: `no profile of ${what} fits environment ${need.environment}: ${candidates.map(({ profile, reason }) => `${profile} ${reason}`).join("; ")}`,
      detail: { hint: "operations can write a profile that fits, or change where one of these may be used" },
    });
  const all = await readProfiles(client, signal);
  const classes = [...new Set(all.filter(({ spec }) => spec.type === need.type).map(({ spec }) => spec.class))].toSorted();
  const others = classes.length > 0 ? `there are profiles of it for the class ${classes.join(", ")}` : typesThere(all);
  return new PlatformError("TP_NOT_FOUND", { message: `there is no profile of ${what}`, detail: { hint: `${others}; operations can write one` } });
}

function typesThere(profiles: readonly DependencyProfile[]): string {
  return `there are profiles of the types ${[...new Set(profiles.map(({ spec }) => spec.type))].toSorted().join(", ")}`;
}

async function readProfiles(client: KubeClient, signal: AbortSignal): Promise<readonly DependencyProfile[]> {
  return (await client.list<DependencyProfile>(dependencyProfile, { signal })).items;
}

async function printValue(context: CliContext, value: object, output: "json" | "yaml"): Promise<void> {
  if (output === "json") return say(context, JSON.stringify(value, null, 2));
  const { yamlText } = await import("../output/yaml.ts");
  context.process.stdout.write(yamlText(value));
}

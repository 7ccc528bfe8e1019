// How many dependencies workloads of an environment may ask for. Those of one project, type, class and id are one, however many ask for it.
import type { Environment } from "@threeport/module-environment";
import type { DependencyClaim } from "@threeport/module-dependency";
import type { Need } from "@threeport/score";

/** `shop/postgres/default/web.db`: one dependency. */
export type NeedKey = string;

export function needKey(project: string, { type, class: sort, id }: Pick<Need, "type" | "class" | "id">): NeedKey {
  return [project, type, sort, id].join("/");
}

/** What workloads have claimed. What dependencies require themselves is no wish of a workload, and is not counted. */
export function claimedKeys(claims: readonly DependencyClaim[]): NeedKey[] {
  return claims
    .filter(({ spec, metadata }) => spec.workload !== undefined && metadata.deletionTimestamp === undefined)
    .map(({ spec, metadata }) => needKey(metadata.namespace ?? "", spec));
}

export interface NeedWish {
  readonly project: string;
  readonly wanted: readonly NeedKey[];
  /** What others have or ask for. */
  readonly others: readonly NeedKey[];
}

/** Why there is no room for more dependencies, and what to do; undefined where there is. */
export function lackOfDependencies({ metadata, spec }: Environment, { project, wanted, others }: NeedWish): string | undefined {
  const { quota } = spec;
  const environment = `Environment ${metadata.name}`;
  const ofProject = others.filter((key) => key.startsWith(`${project}/`));
  const problems = [
    ...beyond(quota?.dependencies, environment, { wanted, others }),
    ...beyond(quota?.perProject?.dependencies, `project ${project} in ${environment}`, { wanted, others: ofProject }),
  ];
  if (problems.length === 0) return undefined;
  return `${problems.join("; ")}. Ask for less, share one by its id, or have spec.quota of the environment raised (tptctl env describe ${metadata.name} shows who has what)`;
}

function beyond(limit: number | undefined, where: string, { wanted, others }: Pick<NeedWish, "wanted" | "others">): string[] {
  const there = new Set(others);
  const added = [...new Set(wanted)].filter((key) => !there.has(key));
  if (limit === undefined || added.length === 0 || there.size + added.length <= limit) return [];
  const named = added.map((key) => key.split("/").slice(1).join("/").replace("/default/", " ")).join(", ");
  return [
    `${where} has room for ${limit} dependencies: ${added.length} (${named}) ${added.length === 1 ? "is" : "are"} asked for, and ${there.size} are there`,
  ];
}

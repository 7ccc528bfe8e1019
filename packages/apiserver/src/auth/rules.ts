import { qualifiedResource, type Attributes, type ResourceAttributes } from "./attributes.ts";

/** rbac.authorization.k8s.io/v1 PolicyRule. */
export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

export function ruleAllows(rule: PolicyRule, attributes: Attributes): boolean {
  if (!listed(rule.verbs, attributes.verb)) return false;
  if ("path" in attributes) return (rule.nonResourceURLs ?? []).some((url) => urlCovers(url, attributes.path));
  return listed(rule.apiGroups ?? [], attributes.group) && resourceListed(rule.resources ?? [], attributes) && nameListed(rule, attributes.name);
}

function listed(values: readonly string[], wanted: string): boolean {
  return values.includes(wanted) || values.includes("*");
}

function resourceListed(resources: readonly string[], attributes: ResourceAttributes): boolean {
  const { subresource } = attributes;
  if (listed(resources, qualifiedResource(attributes))) return true;
  return subresource !== undefined && subresource !== "" && resources.includes(`*/${subresource}`);
}

function nameListed(rule: PolicyRule, name: string): boolean {
  const names = rule.resourceNames ?? [];
  return names.length === 0 || (name !== "" && names.includes(name));
}

/** A `*` at the end stands for any rest; elsewhere it is itself. */
function urlCovers(pattern: string, path: string): boolean {
  return pattern === "*" || pattern === path || (pattern.endsWith("*") && path.startsWith(pattern.slice(0, -1)));
}

/** Combinations that a role may spell out before it must be split: bounds the time of one check. */
const combinationsMax = 20_000;

/** What `wanted` grants and `held` does not, as rules of one combination each; "too many" when that cannot be said in bounded time. */
export function uncovered(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): readonly PolicyRule[] | "too many" {
  const missing: PolicyRule[] = [];
  let combinations = 0;
  for (const rule of wanted) {
    if (held.some((own) => coversWhole(own, rule))) continue;
    combinations += rule.verbs.length * (sizeOf(rule.apiGroups) * sizeOf(rule.resources) * sizeOf(rule.resourceNames) + (rule.nonResourceURLs ?? []).length);
    if (combinations > combinationsMax) return "too many";
    for (const single of singles(rule)) if (!held.some((own) => coversWhole(own, single))) missing.push(single);
  }
  return missing;
}

function sizeOf(list: readonly string[] | undefined): number {
  return Math.max(1, list?.length ?? 0);
}

function* singles(rule: PolicyRule): Iterable<PolicyRule> {
  for (const verb of rule.verbs) {
    for (const url of rule.nonResourceURLs ?? []) yield { verbs: [verb], nonResourceURLs: [url] };
    for (const group of rule.apiGroups ?? []) {
      for (const resource of rule.resources ?? []) {
        const names = rule.resourceNames ?? [];
        if (names.length === 0) yield { verbs: [verb], apiGroups: [group], resources: [resource] };
        for (const name of names) yield { verbs: [verb], apiGroups: [group], resources: [resource], resourceNames: [name] };
      }
    }
  }
}

/** Whether the one rule `own` grants all of `rule`. A wildcard is only covered by a wildcard. */
function coversWhole(own: PolicyRule, rule: PolicyRule): boolean {
  const all = (held: readonly string[] | undefined, wanted: readonly string[] | undefined) => (wanted ?? []).every((value) => listed(held ?? [], value));
  const ownNames = own.resourceNames ?? [];
  const names = rule.resourceNames ?? [];
  return (
    all(own.verbs, rule.verbs) &&
    all(own.apiGroups, rule.apiGroups) &&
    (rule.resources ?? []).every((resource) => resourceCovered(own.resources ?? [], resource)) &&
    (ownNames.length === 0 || (names.length > 0 && names.every((name) => ownNames.includes(name)))) &&
    (rule.nonResourceURLs ?? []).every((url) => (own.nonResourceURLs ?? []).some((pattern) => urlCovers(pattern, url)))
  );
}

function resourceCovered(held: readonly string[], wanted: string): boolean {
  if (listed(held, wanted)) return true;
  const slash = wanted.indexOf("/");
  return slash > 0 && held.includes(`*/${wanted.slice(slash + 1)}`);
}

/** As people read it: `{get,list} widgets.test.threeport.io "a"`. */
export function describeRule(rule: PolicyRule): string {
  if (rule.nonResourceURLs !== undefined && rule.nonResourceURLs.length > 0) return `${rule.verbs.join(",")} ${rule.nonResourceURLs.join(",")}`;
  const groups = (rule.apiGroups ?? []).filter((group) => group !== "");
  const resources = (rule.resources ?? []).map((resource) => (groups.length === 0 ? resource : `${resource}.${groups.join(",")}`));
  const names = (rule.resourceNames ?? []).map((name) => ` ${JSON.stringify(name)}`);
  return `${rule.verbs.join(",")} ${resources.join(",")}${names.join(",")}`;
}

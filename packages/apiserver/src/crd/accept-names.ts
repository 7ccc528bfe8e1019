import type { Registry } from "../registry.ts";
import {
  approvalAnnotation,
  definitionCondition,
  isProtectedGroup,
  type Definition,
  type DefinitionCondition,
  type DefinitionNames,
  type DefinitionStatus,
} from "./definition.ts";

/** Names that others in the group have: what they are, and whose. */
function takenIn(registry: Registry, definition: Definition): { words: Set<string>; kinds: Set<string> } {
  const words = new Set<string>();
  const kinds = new Set<string>();
  for (const kind of registry.all()) {
    if (kind.group !== definition.spec.group || kind.custom?.definition === definition.metadata.name) continue;
    for (const word of [kind.plural, kind.singular, ...kind.shortNames]) words.add(word);
    kinds.add(kind.kind);
    kinds.add(kind.listKind);
  }
  return { words, kinds };
}

/**
 * The status that a CustomResourceDefinition should have, as the names stand that are served now. Names that somebody
 * else in the group has are not accepted; what was accepted before stays, and so does Established.
 */
export function judgeDefinition(registry: Registry, definition: Definition, now: string): DefinitionStatus {
  if (definition.metadata.deletionTimestamp !== undefined) return terminating(definition, now);
  const taken = takenIn(registry, definition);
  const { names } = definition.spec;
  const before = definition.status?.acceptedNames ?? { plural: "", kind: "" };
  const problems: { readonly reason: string; readonly message: string }[] = [];
  const accepted: { -readonly [Key in keyof DefinitionNames]: DefinitionNames[Key] } = { ...before };
  const take = (field: "plural" | "singular" | "kind" | "listKind", reason: string, set: ReadonlySet<string>): void => {
    const name = names[field] ?? "";
    if (set.has(name)) problems.push({ reason, message: `${JSON.stringify(name)} is already in use` });
    else if (name !== "") accepted[field] = name;
  };
  take("plural", "PluralConflict", taken.words);
  take("singular", "SingularConflict", taken.words);
  const usedShort = (names.shortNames ?? []).filter((name) => taken.words.has(name));
  if (usedShort.length > 0)
    problems.push({ reason: "ShortNamesConflict", message: usedShort.map((name) => `${JSON.stringify(name)} is already in use`).join(", ") });
  else setOrDrop(accepted, "shortNames", names.shortNames);
  take("kind", "KindConflict", taken.kinds);
  take("listKind", "ListKindConflict", taken.kinds);
  setOrDrop(accepted, "categories", names.categories);

  const problem = problems.at(-1);
  const accepting: DefinitionCondition =
    problem === undefined
      ? { type: "NamesAccepted", status: "True", reason: "NoConflicts", message: "no conflicts found", lastTransitionTime: now }
      : { type: "NamesAccepted", status: "False", reason: problem.reason, message: problem.message, lastTransitionTime: now };
  const wasEstablished = definitionCondition(definition, "Established")?.status === "True";
  const established: DefinitionCondition =
    problem === undefined
      ? { type: "Established", status: "True", reason: "InitialNamesAccepted", message: "the initial names have been accepted", lastTransitionTime: now }
      : { type: "Established", status: "False", reason: "NotAccepted", message: "not all names are accepted", lastTransitionTime: now };
  const conditions = definition.status?.conditions ?? [];
  return {
    ...definition.status,
    storedVersions: definition.status?.storedVersions ?? [],
    acceptedNames: accepted,
    conditions: merged(conditions, [...approvalCondition(definition, now), accepting, ...(wasEstablished ? [] : [established])]),
  };
}

/** A definition in a group of Kubernetes says whether its API reviewers know of it. */
function approvalCondition({ spec, metadata }: Definition, now: string): DefinitionCondition[] {
  if (!isProtectedGroup(spec.group)) return [];
  const value = metadata.annotations?.[approvalAnnotation] ?? "";
  const approved = !value.startsWith("unapproved");
  return [
    {
      type: "KubernetesAPIApprovalPolicyConformant",
      status: approved ? "True" : "False",
      reason: approved ? "ApprovedAnnotation" : "UnapprovedAnnotation",
      message: approved ? `approved in ${value}` : `not approved: ${JSON.stringify(value)}`,
      lastTransitionTime: now,
    },
  ];
}

/** While its objects go, a definition keeps its names. */
function terminating(definition: Definition, now: string): DefinitionStatus {
  const condition: DefinitionCondition = {
    type: "Terminating",
    status: "True",
    reason: "InstanceDeletionInProgress",
    message: "the objects of this kind are being deleted",
    lastTransitionTime: now,
  };
  const { status } = definition;
  return {
    ...status,
    acceptedNames: status?.acceptedNames ?? { plural: "", kind: "" },
    storedVersions: status?.storedVersions ?? [],
    conditions: merged(status?.conditions ?? [], [condition]),
  };
}

/** Conditions by type; the time of a change stays where the status does. */
function merged(conditions: readonly DefinitionCondition[], next: readonly DefinitionCondition[]): DefinitionCondition[] {
  const result = [...conditions];
  for (const condition of next) {
    const index = result.findIndex(({ type }) => type === condition.type);
    const known = result[index];
    if (known === undefined) result.push(condition);
    else result[index] = known.status === condition.status ? { ...condition, lastTransitionTime: known.lastTransitionTime } : condition;
  }
  return result;
}

function setOrDrop<Field extends "shortNames" | "categories">(
  names: { -readonly [Key in keyof DefinitionNames]: DefinitionNames[Key] },
  field: Field,
  value: DefinitionNames[Field],
): void {
  if (value === undefined || value.length === 0) delete names[field];
  else names[field] = value;
}

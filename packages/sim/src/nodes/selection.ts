import { fieldsOf, type Fields } from "../controllers/owned.ts";

/** A taint of a node, as the API writes it. */
export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
  readonly timeAdded?: string;
}

/** What of a node pods choose by. */
export interface Chosen {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Whether nodeSelector and required node affinity let the pod go there. */
export function selects(spec: Fields, node: Chosen): boolean {
  if (!Object.entries(fieldsOf(spec["nodeSelector"])).every(([key, value]) => node.labels[key] === value)) return false;
  const required = fieldsOf(fieldsOf(fieldsOf(spec["affinity"])["nodeAffinity"])["requiredDuringSchedulingIgnoredDuringExecution"]);
  const terms = required["nodeSelectorTerms"] as readonly Fields[] | undefined;
  return terms === undefined || terms.some((term) => fitsTerm(term, node));
}

/** A term without any requirement fits nothing, as upstream. */
function fitsTerm(term: Fields, { name, labels }: Chosen): boolean {
  const expressions = (term["matchExpressions"] as readonly Fields[] | undefined) ?? [];
  const names = (term["matchFields"] as readonly Fields[] | undefined) ?? [];
  if (expressions.length + names.length === 0) return false;
  return expressions.every((each) => fits(each, labels[String(each["key"])])) && names.every((each) => each["key"] === "metadata.name" && fits(each, name));
}

/** Whether a label selector, as objects write it, fits the labels. An empty one, and none, fits all. */
export function fitsLabels(selector: unknown, labels: Readonly<Record<string, string>>): boolean {
  const { matchLabels, matchExpressions } = fieldsOf(selector);
  return (
    Object.entries(fieldsOf(matchLabels)).every(([key, value]) => labels[key] === value) &&
    ((matchExpressions as readonly Fields[] | undefined) ?? []).every((each) => fits(each, labels[String(each["key"])]))
  );
}

function fits({ operator, values }: Fields, value: string | undefined): boolean {
  const listed = (values as readonly string[] | undefined) ?? [];
  switch (operator) {
    case "In":
      return value !== undefined && listed.includes(value);
    case "NotIn":
      return value === undefined || !listed.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
      return value !== undefined && Number(value) > Number(listed[0]);
    case "Lt":
      return value !== undefined && Number(value) < Number(listed[0]);
    default:
      return false; // admission refuses others
  }
}

export function tolerationsOf(spec: Fields): readonly Fields[] {
  return (spec["tolerations"] as readonly Fields[] | undefined) ?? [];
}

/** Whether a toleration is for the taint. An empty key with `Exists` is for all, an empty effect for every effect. */
export function tolerates(toleration: Fields, taint: Taint): boolean {
  const { key = "", operator = "Equal", value = "", effect = "" } = toleration;
  if (effect !== "" && effect !== taint.effect) return false;
  if (key !== "" && key !== taint.key) return false;
  return operator === "Exists" || (key !== "" && value === (taint.value ?? ""));
}

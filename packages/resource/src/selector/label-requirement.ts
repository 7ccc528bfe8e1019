import { PlatformError } from "../errors.ts";
import { labelKeyProblems, labelValueProblems } from "../names/name-rules.ts";

/** One condition on one label. `values` are sorted and without repeats; an index can serve `In` and `Exists`. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist" | "GreaterThan" | "LessThan";
  readonly values: readonly string[];
}

/** @throws PlatformError TP_BAD_REQUEST naming the key and what is wrong with the requirement */
export function labelRequirement(key: string, operator: LabelRequirement["operator"], values: readonly string[]): LabelRequirement {
  const problem = labelKeyProblems(key).map((text) => `a label key ${text}`)[0] ?? problemOf(operator, values);
  if (problem !== undefined) {
    throw new PlatformError("TP_BAD_REQUEST", { message: `The label selector's requirement on ${JSON.stringify(key)} is not valid: ${problem}.` });
  }
  return { key, operator, values: [...new Set(values)].toSorted() };
}

function problemOf(operator: LabelRequirement["operator"], values: readonly string[]): string | undefined {
  switch (operator) {
    case "In":
    case "NotIn":
      if (values.length === 0) return `${operator} needs at least one value`;
      break;
    case "Exists":
    case "DoesNotExist":
      if (values.length > 0) return `${operator} takes no values`;
      break;
    case "GreaterThan":
    case "LessThan":
      if (values.length !== 1 || !integer.test(values[0] ?? "")) return `${operator} needs exactly one whole number`;
      break;
    default:
      return "the operator must be In, NotIn, Exists or DoesNotExist";
  }
  for (const value of values) for (const text of labelValueProblems(value)) return `the value ${JSON.stringify(value)} ${text}`;
  return undefined;
}

const integer = /^-?\d{1,18}$/;

/** An absent label fails `In`, `Exists` and comparisons, and passes `NotIn` and `DoesNotExist`. */
export function meetsRequirement(labels: Readonly<Record<string, string>>, { key, operator, values }: LabelRequirement): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "GreaterThan":
    case "LessThan": {
      if (value === undefined || !integer.test(value)) return false;
      const [left, right] = [BigInt(value), BigInt(values[0] ?? "0")];
      return operator === "GreaterThan" ? left > right : left < right;
    }
  }
}

/** As it stands in a `labelSelector` parameter. */
export function formatRequirement({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case "In":
      return values.length === 1 ? `${key}=${values[0]}` : `${key} in (${values.join(",")})`;
    case "NotIn":
      return values.length === 1 ? `${key}!=${values[0]}` : `${key} notin (${values.join(",")})`;
    case "Exists":
      return key;
    case "DoesNotExist":
      return `!${key}`;
    case "GreaterThan":
      return `${key}>${values[0]}`;
    case "LessThan":
      return `${key}<${values[0]}`;
  }
}
